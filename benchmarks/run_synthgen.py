"""Fit and sample SynthGen as a job file says; one process per run (see harness/runs.py)."""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch

from harness.data import read_csv
from harness.machine import commit
from synthgen import SynthGen


def main(job_path: str) -> None:
    """Run the job; writes the synthetic rows, then the record."""
    job: dict[str, Any] = json.loads(Path(job_path).read_text())
    torch.set_num_threads(job["threads"])
    train = read_csv(Path(job["train"]), job["times"])
    model = SynthGen(
        model=job["model"],
        model_options=job["options"],
        seed=job["seed"],
        time_limit_s=job["time_limit_s"],
        max_steps=job["max_steps"],
        device="cpu",
        progress=False,
    )
    fitted, fit = timed(lambda: model.fit(train))
    synthetic, sample = timed(lambda: fitted.sample(job["n"]))
    synthetic.to_csv(job["synthetic"], index=False)
    record = {
        "model": job["model"],
        "options": job["options"],
        "commit": commit(),
        "torch": torch.__version__,
        "seed": job["seed"],
        "threads": job["threads"],
        "rows": len(synthetic),
        "fit_s": fit[0],
        "fit_cpu_s": fit[1],
        "stages_s": fitted.timings_,
        "sample_s": sample[0],
        "sample_cpu_s": sample[1],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "training": {k: v for k, v in fitted.training_.items() if k != "history"},
    }
    Path(job["record"]).write_text(json.dumps(record, indent=1, default=str))


def timed(work: Any) -> tuple[Any, tuple[float, float]]:
    """Result of ``work()``, and its seconds of wall clock and of processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, (time.perf_counter() - wall, time.process_time() - cpu)


if __name__ == "__main__":
    main(sys.argv[1])
