"""Fit and sample `arfpy`; run inside its own environment (see contract.py).

It takes categories and complete numbers. A missing category becomes one of its own and is missing
again afterwards, a missing number becomes the mean, a time its seconds; whole numbers are rounded.
"""

import numpy as np
import pandas as pd
from arfpy import arf
from contract import main


def fit(train, job):
    np.random.seed(job["seed"])
    forest = arf.arf(complete(train, job), random_state=job["seed"], n_jobs=job["threads"])
    forest.forde()
    return forest, train


def sample(model, n, job):
    forest, train = model
    rows = forest.forge(n)
    for name in job["discrete_columns"]:
        rows[name] = rows[name].astype(object).where(rows[name] != "", None)
    for name in job["times"]:
        rows[name] = pd.to_datetime(rows[name].astype(float).round(), unit="s")
    for name in train.select_dtypes("integer"):
        rows[name] = rows[name].astype(float).round().astype(int)
    return rows


def complete(train, job):
    """Texts and numbers without gaps."""
    rows = train.copy()
    for name in job["times"]:
        rows[name] = rows[name].astype("int64") / 1e9
    gaps = dict.fromkeys(job["discrete_columns"], "")
    numbers = [name for name in rows if name not in gaps]
    return rows.fillna(gaps | rows[numbers].mean().to_dict())


if __name__ == "__main__":
    main(fit, sample, ["arfpy", "scikit-learn", "pandas", "numpy"])
