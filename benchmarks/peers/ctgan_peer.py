"""Fit and sample the `ctgan` package; run inside its own environment (see contract.py)."""

import numpy as np
import torch
from contract import main
from ctgan import CTGAN


def fit(train, job):
    torch.set_num_threads(job["threads"])
    np.random.seed(job["seed"])
    torch.manual_seed(job["seed"])
    model = CTGAN(epochs=job["epochs"], enable_gpu=False, verbose=True)
    model.fit(without_gaps(train, job), job["discrete_columns"])
    return model


def sample(model, n, job):
    return model.sample(n)


def without_gaps(train, job):
    """The package takes no missing category: those get one of their own, read as missing again."""
    discrete = job["discrete_columns"]
    return train.fillna(dict.fromkeys(discrete, ""))


if __name__ == "__main__":
    main(fit, sample, ["ctgan", "rdt", "torch", "pandas", "numpy"])
