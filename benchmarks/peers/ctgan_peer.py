"""Fit and sample the `ctgan` package; run inside its own environment.

Reads one JSON object from the file given as first argument: `train` (CSV path),
`discrete_columns`, `n`, `seed`, `threads`, `epochs`, `synthetic` (CSV path to write) and
`record` (JSON path to write). Depends on nothing of this repository, so that the peer's
environment holds the peer alone.
"""

import json
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from ctgan import CTGAN


def main(job_path: str) -> None:
    job = json.loads(Path(job_path).read_text())
    torch.set_num_threads(job["threads"])
    np.random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    train = pd.read_csv(job["train"], keep_default_na=False, na_values=[""])

    model = CTGAN(epochs=job["epochs"], enable_gpu=False, verbose=True)
    wall, cpu = time.perf_counter(), time.process_time()
    model.fit(train, job["discrete_columns"])
    fit_s, fit_cpu_s = time.perf_counter() - wall, time.process_time() - cpu

    wall, cpu = time.perf_counter(), time.process_time()
    synthetic = model.sample(job["n"])
    sample_s, sample_cpu_s = time.perf_counter() - wall, time.process_time() - cpu

    synthetic.to_csv(job["synthetic"], index=False)
    record = {
        "model": "ctgan package",
        "version": version("ctgan"),
        "torch": torch.__version__,
        "epochs": job["epochs"],
        "seed": job["seed"],
        "threads": job["threads"],
        "rows": len(synthetic),
        "fit_s": fit_s,
        "fit_cpu_s": fit_cpu_s,
        "sample_s": sample_s,
        "sample_cpu_s": sample_cpu_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    Path(job["record"]).write_text(json.dumps(record, indent=1))


if __name__ == "__main__":
    main(sys.argv[1])
