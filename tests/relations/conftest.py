"""Tables whose relations are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthgen import SynthGen

Make = Callable[..., pd.DataFrame]


def related(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """One table with a relation of every kind."""
    rng = np.random.default_rng(seed)
    city = rng.choice(["Rome", "Milan", "Lyon", "Paris", "Nice", "Ghent"], n)
    country = pd.Series(city).map(
        {"Rome": "IT", "Milan": "IT", "Lyon": "FR", "Paris": "FR", "Nice": "FR", "Ghent": "BE"}
    )
    code = pd.Series(city).map(
        {"Rome": 11, "Milan": 12, "Lyon": 21, "Paris": 22, "Nice": 23, "Ghent": 31}
    )
    fare = rng.gamma(2, 20, n).round(2)
    tip = rng.gamma(1, 5, n).round(2)
    middle = rng.normal(15, 8, n).round(1)
    spread = rng.gamma(1, 3, (2, n)).round(1)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, n), unit="D")
    frame = pd.DataFrame(
        {
            "city": city,
            "city_code": code,
            "country": country,
            "fare": fare,
            "tip": tip,
            "total": (fare + tip).round(2),
            "paid": (fare + tip).round(2),
            "low": (middle - spread[0]).round(1),
            "mean": middle,
            "high": (middle + spread[1]).round(1),
            "start": start,
            "end": start + pd.to_timedelta(rng.integers(0, 20, n), unit="D"),
            "x": rng.normal(size=n),
            "y": rng.normal(size=n),
        }
    )
    frame.loc[rng.random(n) < 0.2, ["x", "y"]] = np.nan
    return frame


def assert_kept(frame: pd.DataFrame) -> None:
    """Every relation of `related` holds in every row, in the cells as they are emitted."""
    for one, other in (("city", "city_code"), ("city_code", "city"), ("city", "country")):
        assert (frame.groupby(one)[other].nunique() == 1).all(), (one, other)
    cents = {name: (frame[name] * 100).round().astype("int64") for name in ("fare", "tip", "total")}
    assert (cents["fare"] + cents["tip"] == cents["total"]).all()
    assert (frame["total"] == frame["paid"]).all()
    assert (frame["low"] <= frame["mean"]).all() and (frame["mean"] <= frame["high"]).all()
    assert (frame["start"] <= frame["end"]).all()
    assert (frame["x"].isna() == frame["y"].isna()).all()


@pytest.fixture(scope="session")
def make_related() -> Make:
    return related


@pytest.fixture(scope="session")
def kept() -> Callable[[pd.DataFrame], None]:
    return assert_kept


@pytest.fixture(scope="session")
def argan() -> SynthGen:
    """The default model, hardly trained: what it gets wrong, relations have to put right."""
    return SynthGen(max_steps=40, seed=7).fit(related())


@pytest.fixture(scope="session")
def ctgan() -> SynthGen:
    options = {"batch_size": 100, "width": 32, "evaluate_every": 10}
    return SynthGen(model="ctgan", max_steps=20, seed=7, model_options=options).fit(related())
