"""Fit and sample a synthesizer of `sdv`; run inside its own environment (see contract.py)."""

import numpy as np
import torch
from contract import main
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer, TVAESynthesizer

TABLE = "table"


def fit(train, job):
    torch.set_num_threads(job["threads"])
    np.random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    model = synthesizer(metadata(train, job), job)
    model.fit({TABLE: train})
    return model


def sample(model, n, job):
    rows = model.sample(n)
    return rows[TABLE] if isinstance(rows, dict) else rows


def synthesizer(described, job):
    if job["algorithm"] == "GaussianCopula":
        return GaussianCopulaSynthesizer(described)
    return TVAESynthesizer(described, epochs=job["epochs"], enable_gpu=False, verbose=True)


def metadata(train, job):
    """Kinds as the table has them: detection would take some columns for names of people."""
    columns = {name: {"sdtype": "numerical"} for name in train.columns}
    columns |= {name: {"sdtype": "categorical"} for name in job["discrete_columns"]}
    columns |= {
        name: {"sdtype": "datetime", "datetime_format": "%Y-%m-%d %H:%M:%S"}
        for name in job["times"]
    }
    return Metadata.load_from_dict({"tables": {TABLE: {"columns": columns}}})


if __name__ == "__main__":
    main(fit, sample, ["sdv", "copulas", "ctgan", "rdt", "torch", "pandas", "numpy"])
