"""Every figure about tables: models x tables x seeds, peers beside ours, one scorer for all.

python benchmarks/tables.py --tables adult beijing --models ctgan peer:ctgan --seeds 0 1 2

A run that has finished is not repeated: stop the command at any time and start it again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from harness import machine, report
from harness.data import TABLES, Table, load
from harness.peers import PEERS
from harness.places import RESULTS, WORK
from harness.runs import LIMIT_S, Run, RunFailed, execute
from harness.score import Scores, score_file

OURS = ["argan", "ctgan"]
INDEPENDENT = "baseline:independent"


def main() -> None:
    """Run the grid, score it, and write the results."""
    # Ended from outside, it ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted = arguments()
    tables, cells = [], []
    described = machine.describe()
    for name in wanted.tables:
        table = load(name)
        tables.append(table)
        for run in grid(wanted, name):
            cells += finished(run, table, wanted)
        if not wanted.runs_only:
            cells.append(real_rows(table))
            # Written after every table: a long command has something to show on the way.
            text = report.write(wanted.out, described, tables, cells)
    print("" if wanted.runs_only else text)


def arguments() -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tables", nargs="+", default=["adult", "beijing", "diabetes"], choices=TABLES
    )
    parser.add_argument(
        "--models",
        nargs="+",
        default=[*OURS, *(f"peer:{name}" for name in PEERS)],
        help="models of ours, with options after a colon (ctgan:loss=hinge), and peers, which "
        "know the option epochs (peer:sdv-tvae:epochs=100); default: %(default)s",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--peer-seeds", nargs="+", type=int, default=[0], help="seeds of the peers, which are slow"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--peer-threads", type=int, help="of the peers, if others")
    parser.add_argument("--time-limit-s", type=float, help="of each fit of ours")
    parser.add_argument("--max-steps", type=int, help="of each fit of ours")
    parser.add_argument(
        "--run-limit-s", type=float, default=LIMIT_S, help="end any run after so many seconds"
    )
    parser.add_argument(
        "--again", action="store_true", help="run our models again where a record exists"
    )
    parser.add_argument("--retry", action="store_true", help="run again what failed")
    stages = parser.add_mutually_exclusive_group()
    stages.add_argument("--runs-only", action="store_true", help="fit and sample; score later")
    stages.add_argument("--finished-only", action="store_true", help="start no run")
    parser.add_argument("--out", type=Path, default=RESULTS / "tables", help="without an ending")
    return parser.parse_args()


def grid(wanted: argparse.Namespace, table: str) -> list[Run]:
    """The runs asked for on one table, and the baseline that frames them."""
    runs = []
    for model in dict.fromkeys([*wanted.models, INDEPENDENT]):
        ours = not model.startswith(("peer:", "baseline:"))
        limits = (wanted.time_limit_s, wanted.max_steps) if ours else (None, None)
        seeds = wanted.peer_seeds if model.startswith("peer:") else wanted.seeds
        peers = model.startswith("peer:") and wanted.peer_threads
        runs += [
            Run(table, model, seed, peers or wanted.threads, *limits).or_earlier() for seed in seeds
        ]
    return runs


def finished(run: Run, table: Table, wanted: argparse.Namespace) -> list[report.Cell]:
    """The run's record and scores, from its files where they are there."""
    cell: report.Cell = {"table": run.table, "model": run.model, "seed": run.seed}
    if wanted.finished_only and not run.is_baseline and not (run.record or run.failure):
        return []
    print(f"{run.name} ...", flush=True)
    try:
        record = execute(
            run, table, again=wanted.again, retry=wanted.retry, limit_s=wanted.run_limit_s
        )
    except RunFailed as failure:
        print(failure, flush=True)
        return [cell | {"record": {}, "scores": {}, "failed": f"{run.name} {run.failure}"}]
    if wanted.runs_only:
        return []
    return [cell | {"record": record, "scores": score_file(table, run.file("-syn.csv"))}]


def real_rows(table: Table) -> report.Cell:
    """Test rows in place of synthetic ones: what a perfect generator would score."""
    folder = WORK / "baseline"
    rows = folder / f"{table.name}-real-syn.csv"
    text = table.test.to_csv(index=False)
    if not rows.exists() or rows.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        rows.write_text(text)
    scores: Scores = score_file(table, rows)
    # Test rows against themselves say nothing, and utility is that of the train rows.
    for name in ("xgb_c2st_holdout", "dcr_share"):
        scores[name]["value"] = None
    scores["mle"] = scores["mle_real"]
    return {"table": table.name, "model": "real", "seed": None, "record": {}, "scores": scores}


if __name__ == "__main__":
    main()
