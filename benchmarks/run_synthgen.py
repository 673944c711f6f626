"""Fit and sample SynthGen as a job file says; one process per run (see harness/runs.py)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch

from harness.data import read_csv
from harness.machine import commit
from peers.measured import measured
from synthgen import SynthGen


def main(job_path: str) -> None:
    """Run the job; writes the synthetic rows, then the record."""
    job: dict[str, Any] = json.loads(Path(job_path).read_text())
    torch.set_num_threads(job["threads"])
    train = read_csv(Path(job["train"]), job["times"], job["texts"])
    model = SynthGen(
        model=job["model"],
        model_options=job["options"],
        seed=job["seed"],
        time_limit_s=job["time_limit_s"],
        max_steps=job["max_steps"],
        device="cpu",
        progress=False,
    )
    fitted, fit = measured(lambda: model.fit(train))
    synthetic, sample = measured(lambda: fitted.sample(job["n"]))
    synthetic.to_csv(job["synthetic"], index=False)
    fitted.save(job["fitted"])
    record = {
        "model": job["model"],
        "options": job["options"],
        "commit": commit(),
        "torch": torch.__version__,
        "seed": job["seed"],
        "threads": job["threads"],
        "rows": len(synthetic),
        "fit_s": fit.wall_s,
        "fit_cpu_s": fit.cpu_s,
        "fit_peak_mb": fit.peak_mb,
        "stages_s": fitted.timings_,
        "sample_s": sample.wall_s,
        "sample_cpu_s": sample.cpu_s,
        "sample_peak_mb": sample.peak_mb,
        "peak_mb": max(fit.peak_mb, sample.peak_mb),
        "training": {k: v for k, v in fitted.training_.items() if k != "history"},
    }
    Path(job["record"]).write_text(json.dumps(record, indent=1, default=str))


if __name__ == "__main__":
    main(sys.argv[1])
