"""Fit a million rows, or ten, within a time limit: seconds, peak memory, steps of training.

python benchmarks/large.py [--rows 1000000] [--table adult] [--time-limit 10m]
python benchmarks/large.py --rows 10000000 --ending parquet --maker ctgan

The rows are drawn from a model of the table, made first. What is measured is `synthgen fit
rows.csv` in a process of its own, reading included. Exit code 1 when its peak memory is not below
the limit.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from harness.commands import measured, synthgen
from harness.data import TABLES, load
from harness.peak import finish

LIMIT_MB = 4096


def main() -> None:
    """Make the rows, fit them, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--table", default="adult", choices=sorted(TABLES))
    parser.add_argument("--time-limit", default="10m")
    parser.add_argument("--ending", default="csv", choices=["csv", "parquet"], help="of the file")
    parser.add_argument("--maker", default="argan", help="model that draws the rows")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(wanted, Path(folder))
    finish("large" if wanted.ending == "csv" else f"large-{wanted.ending}", LIMIT_MB, found)


def measure(wanted: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Seconds and peak memory of the fit."""
    train, small = folder / "train.csv", folder / "small.synthgen"
    rows, model = folder / f"rows.{wanted.ending}", folder / "model.synthgen"
    table = load(wanted.table).train
    table.to_csv(train, index=False)
    maker = ["--model", wanted.maker, "--max-steps", "300", "--seed", "0"]
    synthgen("fit", train, "-o", small, *maker)
    synthgen("sample", small, "-n", wanted.rows, "-o", rows, "--seed", "1")
    limit = ["--time-limit", wanted.time_limit, "--seed", "0"]
    seconds, peak_mb = measured("fit", rows, "-o", model, *limit)
    training = json.loads(synthgen("inspect", model, "--json", read=True))["training"]
    return {
        "table": wanted.table,
        "drawn_by": wanted.maker,
        "rows": wanted.rows,
        "columns": table.shape[1],
        "time_limit": wanted.time_limit,
        "seconds": round(seconds, 1),
        "steps": training["steps"],
        "ended_by": training["ended_by"],
        "peak_mb": round(peak_mb, 1),
        "rows_file_mb": round(rows.stat().st_size / 2**20, 1),
    }


if __name__ == "__main__":
    main()
