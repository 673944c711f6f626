"""Distributions against counting by hand, and nothing rare in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from synthgen.reports.binning import edges, merged, number_label
from synthgen.reports.distributions import MISSING, NOT_REAL, OTHER_RARE, distribution, rare_values


def told(real, synthetic, holdout=None) -> dict:
    tables = {"real": pd.Series(real, name="x"), "synthetic": pd.Series(synthetic, name="x")}
    if holdout is not None:
        tables["holdout"] = pd.Series(holdout, name="x")
    return distribution(tables)


def bar(found: dict, label: str) -> dict:
    (one,) = [bar for bar in found["bars"] + found["bins"] if bar["label"] == label]
    return one


def test_categories_by_hand() -> None:
    real = ["a"] * 10 + ["b"] * 5 + ["secret"] * 4 + [None]
    synthetic = ["a"] * 5 + ["secret"] * 2 + ["new"] * 3
    found = told(real, synthetic, ["a", None])
    assert [b["label"] for b in found["bars"]] == ["a", "b", OTHER_RARE, NOT_REAL, MISSING]
    assert bar(found, "a") == {
        "label": "a", "real_pct": 50.0, "synthetic_pct": 50.0, "holdout_pct": 50.0,
    }  # fmt: skip
    assert bar(found, OTHER_RARE)["real_pct"] == 20.0
    assert bar(found, OTHER_RARE)["synthetic_pct"] == 20.0
    assert bar(found, NOT_REAL)["synthetic_pct"] == 30.0
    assert bar(found, MISSING)["holdout_pct"] == 50.0
    assert "secret" not in str(found)
    assert "new" not in [b["label"] for b in found["bars"]]
    assert rare_values(pd.Series(real)) == {"secret"}


def test_many_categories_are_pooled_by_frequency() -> None:
    real = [f"v{i:02}" for i in range(20) for _ in range(5 + i)]
    found = told(real, real)
    assert len(found["bars"]) == 13
    assert found["bars"][0]["label"] == "v19"
    assert found["bars"][-1]["label"] == "8 other values"
    assert sum(b["real_pct"] for b in found["bars"]) == pytest.approx(100)


def test_ordered_levels_keep_their_order() -> None:
    levels = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
    column = pd.Series(["high"] * 9 + ["low"] * 5 + ["mid"] * 6, dtype=levels)
    assert [b["label"] for b in told(column, column)["bars"]] == ["low", "mid", "high"]


def test_few_numbers_are_bars_in_order() -> None:
    found = told([3] * 6 + [1] * 7 + [99] * 2, [1] * 3 + [5])
    assert [b["label"] for b in found["bars"]] == ["1", "3", OTHER_RARE, NOT_REAL]
    assert "99" not in str([b["label"] for b in found["bars"]])


@pytest.mark.parametrize("name", ["age", "fnlwgt", "capital-gain", "capital-loss"])
def test_histograms_of_real_columns(adult, name) -> None:
    real, synthetic = adult[name][:3000], adult[name][3000:4000]
    found = told(real.to_numpy(), synthetic.to_numpy())
    bars = found["bars"] + found["bins"]
    for role in ("real_pct", "synthetic_pct"):
        assert sum(b[role] for b in bars) == pytest.approx(100)
    counts = np.array([b["real_pct"] for b in bars]) * 30
    assert ((counts < 1e-6) | (counts > 5 - 1e-6)).all(), "no bar tells of fewer than five rows"
    atoms = [float(b["label"].removeprefix("= ").replace(",", "")) for b in found["bars"]]
    rest = real[~real.isin(atoms)]
    for left, right in zip(found["bins"], found["bins"][1:], strict=False):
        assert left["high"] == right["low"]
    inner = found["bins"][1:-1]
    for b in inner:
        held = ((rest >= b["low"]) & (rest < b["high"])).sum()
        assert b["real_pct"] == pytest.approx(held / 30)


def test_the_extremes_of_single_rows_are_not_told(adult) -> None:
    real = adult["fnlwgt"]
    found = told(real, real)
    ends = {b[end] for b in found["bins"] for end in ("low", "high")}
    assert float(real.min()) not in ends
    assert float(real.max()) not in ends
    assert all(end % 10_000 == 0 for end in ends)


def test_times_have_round_edges_in_the_calendar() -> None:
    start = pd.Timestamp("2020-03-04 05:06:07")
    real = pd.Series(start + pd.to_timedelta(np.arange(2000) * 3607, unit="s"), name="t")
    found = distribution({"real": real, "synthetic": real})
    assert found["form"] == "histogram"
    lows = [pd.Timestamp(b["low"], unit="s") for b in found["bins"]]
    assert all(low == low.normalize() for low in lows), "whole days"
    assert "05:06:07" not in str(found)
    assert str(start.timestamp()) not in str(found)


@pytest.mark.parametrize(
    "real", [[None, None], [np.nan] * 3, [1.5] * 9, [True] * 6 + [False], [1e300, -1e300] * 20]
)
def test_odd_columns_do_not_break(real) -> None:
    found = told(real, real)
    assert sum(b["real_pct"] for b in found["bars"] + found["bins"]) == pytest.approx(100)


def test_merging_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        counts = rng.choice([0, 0, 1, 2, 4, 7, 30], size=rng.integers(1, 12))
        groups = merged(counts)
        assert groups[0][0] == 0
        assert groups[-1][1] == len(counts)
        assert all(a[1] == b[0] for a, b in pairwise(groups))
        held = [int(counts[first:last].sum()) for first, last in groups]
        if counts.sum() >= 5:
            assert all(n == 0 or n >= 5 for n in held), (counts, groups)


def test_edges_are_round_and_cover() -> None:
    numbers = np.arange(1000.0)
    found = edges(numbers, "number")
    assert set(np.diff(found)) == {50.0}
    assert found[0] <= 5
    assert found[-1] >= 994
    assert number_label(1994.0, "number") == "1994"
    assert number_label(120000.0, "number") == "120,000"
    assert number_label(0.125, "number") == "0.125"
    assert number_label(0.0, "datetime") == "1970-01-01"
