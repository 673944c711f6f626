"""Every figure about tables: models x tables x seeds, one scorer for all.

python benchmarks/tables.py --tables adult beijing --models ctgan peer:ctgan --seeds 0 1 2

A run that has finished is not repeated: stop the command at any time and start it again.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from harness import machine, report
from harness.data import TABLES, Table, load
from harness.places import RESULTS
from harness.runs import Run, execute
from harness.score import score, score_file


def main() -> None:
    """Run the grid, score it, and write the results."""
    wanted = arguments()
    cells: list[report.Cell] = []
    for name in wanted.tables:
        table = load(name)
        runs = grid(wanted, name)
        cells += [finished(run, table, wanted.again) for run in runs]
        cells.append(real_rows(table))
    described = machine.describe() | {"threads": wanted.threads}
    print(report.write(wanted.out, described, cells))


def arguments() -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["adult", "beijing"], choices=TABLES)
    parser.add_argument("--models", nargs="+", default=["ctgan", "peer:ctgan"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--peer-seeds", nargs="+", type=int, default=[0], help="seeds of the peers, which are slow"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--time-limit-s", type=float, help="of each fit of ours")
    parser.add_argument("--max-steps", type=int, help="of each fit of ours")
    parser.add_argument(
        "--again", action="store_true", help="run our models again where a record exists"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / "tables", help="without an ending")
    return parser.parse_args()


def grid(wanted: argparse.Namespace, table: str) -> list[Run]:
    """The runs asked for on one table."""
    return [
        Run(table, model, seed, wanted.threads)
        if model.startswith("peer:")
        else Run(table, model, seed, wanted.threads, wanted.time_limit_s, wanted.max_steps)
        for model in wanted.models
        for seed in (wanted.peer_seeds if model.startswith("peer:") else wanted.seeds)
    ]


def finished(run: Run, table: Table, again: bool) -> report.Cell:
    """The run's record and scores, from its files where they are there."""
    print(f"{run.name} ...", flush=True)
    record = execute(run, table, again=again)
    scores = score_file(table, run.file("-syn.csv"))
    cell = {"table": run.table, "model": run.model, "seed": run.seed}
    return cell | {"record": record, "scores": scores}


def real_rows(table: Table) -> report.Cell:
    """Test rows in place of synthetic ones: what a perfect generator would score."""
    scores: dict[str, Any] = score(table, table.test)
    # Test rows against themselves say nothing, and utility is that of the train rows.
    scores["xgb_c2st_holdout"]["value"] = None
    scores["mle"]["value"] = scores["mle"]["baseline"]
    return {"table": table.name, "model": "real", "seed": None, "record": {}, "scores": scores}


if __name__ == "__main__":
    main()
