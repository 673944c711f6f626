"""What every peer's script does: read the job, fit, sample, write rows and record.

Runs inside a peer's own environment and depends on nothing of this repository, only on pandas and
the standard library. The job is one JSON object: `train` (CSV path), `discrete_columns`, `times`,
`n` (rows to sample), `seed`, `threads`, `epochs`, `algorithm`, `synthetic` (CSV path to write) and
`record` (JSON path to write, last).
"""

import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from measured import measured


def main(fit, sample, packages):
    """`fit(train, job)` gives a model, `sample(model, n, job)` its rows; `packages` are named."""
    job = json.loads(Path(sys.argv[1]).read_text())
    train = read(job)
    model, fitted = measured(lambda: fit(train, job))
    synthetic, sampled = measured(lambda: sample(model, job["n"], job))
    synthetic[list(train.columns)].to_csv(job["synthetic"], index=False)
    record = {
        "model": job["algorithm"],
        "versions": {name: version(name) for name in packages},
        "python": platform.python_version(),
        "epochs": job["epochs"],
        "seed": job["seed"],
        "threads": job["threads"],
        "train_rows": len(train),
        "rows": len(synthetic),
        "fit_s": fitted.wall_s,
        "fit_cpu_s": fitted.cpu_s,
        "fit_peak_mb": fitted.peak_mb,
        "sample_s": sampled.wall_s,
        "sample_cpu_s": sampled.cpu_s,
        "sample_peak_mb": sampled.peak_mb,
        "peak_mb": max(fitted.peak_mb, sampled.peak_mb),
    }
    Path(job["record"]).write_text(json.dumps(record, indent=1))


def read(job):
    """The train rows; the empty cell alone is missing, and a discrete column is text."""
    return pd.read_csv(
        job["train"],
        keep_default_na=False,
        na_values=[""],
        dtype=dict.fromkeys(job["discrete_columns"], str),
        parse_dates=job["times"],
        low_memory=False,
    )
