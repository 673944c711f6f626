from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen import QualityReport, evaluate_quality

COLUMNS = ["age", "workclass", "education", "education-num", "capital-gain", "income"]


@pytest.fixture(scope="session")
def small(adult: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """400 real rows, as many of independent columns, and 200 real rows that nobody saw."""
    rows = adult[COLUMNS].sample(600, random_state=1).reset_index(drop=True)
    real = rows[:400]
    rng = np.random.default_rng(0)
    synthetic = pd.DataFrame({name: rng.choice(real[name], 400) for name in COLUMNS})
    return {"real": real, "synthetic": synthetic, "holdout": rows[400:].reset_index(drop=True)}


@pytest.fixture(scope="session")
def history() -> pd.DataFrame:
    return pd.DataFrame({"step": [0, 100, 200], "score": [0.1, None, 0.4], "note": list("abc")})


@pytest.fixture(scope="session")
def report(small: dict[str, pd.DataFrame], history: pd.DataFrame) -> QualityReport:
    """Of columns without any dependence."""
    return evaluate_quality(
        small["real"],
        small["synthetic"],
        holdout=small["holdout"],
        target="income",
        model=history,
    )
