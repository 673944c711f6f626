"""Peak memory of sampling ten million rows to a Parquet file.

python benchmarks/streaming.py [--rows 10000000] [--model argan] [--table adult] [--max-steps 300]

The fit runs first, in a process of its own; what is measured is `synthgen sample MODEL -n N -o
rows.parquet` with its peak memory. Exit code 1 when it is not below the limit.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from harness.commands import measured, synthgen
from harness.data import TABLES, load
from harness.peak import finish

LIMIT_MB = 2048


def main() -> None:
    """Fit, sample, compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--model", default="argan")
    parser.add_argument("--table", default="adult", choices=sorted(TABLES))
    parser.add_argument("--max-steps", type=int, default=300)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(wanted, Path(folder))
    finish("streaming", LIMIT_MB, found)


def measure(wanted: argparse.Namespace, folder: Path) -> dict[str, object]:
    """Seconds, peak memory and size of the file."""
    train, model, rows = folder / "train.csv", folder / "m.synthgen", folder / "rows.parquet"
    load(wanted.table).train.to_csv(train, index=False)
    steps = ["--max-steps", str(wanted.max_steps), "--seed", "0"]
    synthgen("fit", train, "-o", model, "--model", wanted.model, *steps)
    seconds, peak_mb = measured("sample", model, "-n", wanted.rows, "-o", rows, "--seed", "1")
    return {
        "table": wanted.table,
        "model": wanted.model,
        "rows": wanted.rows,
        "seconds": round(seconds, 1),
        "rows_per_s": round(wanted.rows / seconds),
        "peak_mb": round(peak_mb, 1),
        "file_mb": round(os.path.getsize(rows) / 2**20, 1),
    }


if __name__ == "__main__":
    main()
