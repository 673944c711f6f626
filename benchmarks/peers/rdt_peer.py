"""Fit and apply RDT's ClusterBasedNormalizer; run inside the peer's own environment.

Reads one JSON object from the file given as first argument: `columns` (name -> CSV path with one
column, no header), `held_out` (name -> CSV path), `units` (name -> decimal unit), `seed` and
`record` (JSON path to write). Depends on nothing of this repository.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
from rdt.transformers.numerical import ClusterBasedNormalizer
from scipy.special import ndtr


def main(job_path: str) -> None:
    job = json.loads(Path(job_path).read_text())
    np.random.seed(job["seed"])
    columns = {}
    for name, path in job["columns"].items():
        frame = pd.read_csv(path, header=None, names=[name])
        started, cpu = time.perf_counter(), time.process_time()
        # As the ctgan package calls it.
        transformer = ClusterBasedNormalizer(
            missing_value_generation="from_column", max_clusters=10, weight_threshold=0.005
        )
        transformer.fit(frame, name)
        fitted = time.perf_counter()
        transformer.transform(frame)
        ended, cpu_s = time.perf_counter(), time.process_time() - cpu
        held_out = pd.read_csv(job["held_out"][name], header=None)[0].to_numpy(float)
        columns[name] = {
            "fit_s": fitted - started,
            "encode_s": ended - fitted,
            "cpu_s": cpu_s,
            "log_likelihood": log_likelihood(transformer, held_out, job["units"][name]),
        }
    record = {"rdt": version("rdt"), "columns": columns}
    Path(job["record"]).write_text(json.dumps(record, indent=1))


def log_likelihood(transformer, x: np.ndarray, unit: float) -> float:
    """Mean log probability of the held-out cells' intervals under the components in use."""
    mixture, used = transformer._bgm_transformer, transformer.valid_component_indicator
    weight = mixture.weights_[used] / mixture.weights_[used].sum()
    mean = mixture.means_.ravel()[used]
    std = np.sqrt(mixture.covariances_.ravel()[used])
    low, high = ((x[:, None] + half - mean) / std for half in (-unit / 2, unit / 2))
    # On the side of the lower tail, where no digits cancel.
    upper = low > 0
    low, high = np.where(upper, -high, low), np.where(upper, -low, high)
    mass = ((ndtr(high) - ndtr(low)) * weight).sum(axis=1)
    return float(np.log(np.maximum(mass, 1e-12)).mean())


if __name__ == "__main__":
    main(sys.argv[1])
