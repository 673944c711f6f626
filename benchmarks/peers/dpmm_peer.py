"""Fit and sample `dpmm`'s AIM; run inside its own environment (see contract.py).

AIM (McKenna et al., 2022) with the package's own preprocessing at its default budget: 0.1 beside
the epsilon of the model, so epsilon is 1.1 in all where 1 is asked for. The size of its graphical
model, which decides how many hours it takes, is 2 MB where the default is 80.
"""

import pandas as pd
from contract import main
from dpmm.pipelines import AIMPipeline


def fit(train, job):
    epsilon = job["options"].get("epsilon", 1)
    model = AIMPipeline(epsilon=epsilon, delta=1e-5, max_model_size=2, n_jobs=job["threads"])
    model.fit(typed(train, job), random_state=job["seed"])
    return model


def sample(model, n, job):
    return pd.DataFrame(model.generate(n_records=n, random_state=job["seed"]))


def typed(train, job):
    """Texts as categories: the package knows no others."""
    return train.astype(dict.fromkeys(job["discrete_columns"], "category"))


if __name__ == "__main__":
    main(fit, sample, ["dpmm", "pandas", "numpy"])
