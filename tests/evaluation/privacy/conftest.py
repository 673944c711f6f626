from __future__ import annotations

import pandas as pd
import pytest

from synthgen.evaluation.privacy.people import People

N = 2_000


@pytest.fixture(scope="session")
def parts(adult: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train rows, others of the same people, and a holdout: none in two of them."""
    rows = adult.drop_duplicates().sample(4 * N, random_state=0).reset_index(drop=True)
    train, other, holdout = rows[:N], rows[N : 2 * N], rows[2 * N :]
    return tuple(part.reset_index(drop=True) for part in (train, other, holdout))  # type: ignore[return-value]


@pytest.fixture(scope="session")
def honest(parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> People:
    """A release that no train row went into."""
    train, other, holdout = parts
    return People.of(train, other, holdout, seed=0)


@pytest.fixture(scope="session")
def leaked(parts: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> People:
    """The train table as a release."""
    train, _, holdout = parts
    return People.of(train, train, holdout, seed=0)
