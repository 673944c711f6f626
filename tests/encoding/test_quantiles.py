"""The protected quantile function, against brute force over the raw values."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.encoding.quantiles import MIN_ROWS, Points, StepQuantiles

tables = st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 12)), min_size=1, max_size=40).map(
    lambda pairs: np.repeat([v for v, _ in pairs], [c for _, c in pairs]).astype(float)
)


@given(tables)
@settings(max_examples=300, deadline=None)
def test_only_values_that_enough_rows_hold_are_stored(values: np.ndarray) -> None:
    value, count = np.unique(values, return_counts=True)
    common = set(value[count >= MIN_ROWS])
    quantiles = StepQuantiles.fit(Points.of(values))
    steps = quantiles.low[quantiles.low == quantiles.high]
    if len(values) >= MIN_ROWS:
        held = quantiles.mass * len(values)
        assert (held >= MIN_ROWS - 1e-9).all()
        # a step is a common value, or (all values equal but one) the only segment
        assert len(held) == 1 or set(steps) <= common | set(_means_of_rare(values, common))
    assert quantiles.mass.sum() == pytest.approx(1)
    assert (np.diff(quantiles.low) >= 0).all()
    assert (quantiles.low <= quantiles.high).all()
    assert quantiles.low[0] >= values.min()
    assert quantiles.high[-1] <= values.max()


def _means_of_rare(values: np.ndarray, common: set[float]) -> list[float]:
    """A stretch squeezed between equal means collapses to a point that no row need hold."""
    rare = np.array([v for v in values if v not in common])
    return [float(rare.mean())] if len(rare) else []


@given(tables)
@settings(max_examples=200, deadline=None)
def test_ranks_lead_back_to_common_values(values: np.ndarray) -> None:
    value, count = np.unique(values, return_counts=True)
    quantiles = StepQuantiles.fit(Points.of(values))
    steps = set(quantiles.low[quantiles.low == quantiles.high])
    common = np.array([v for v in value[count >= MIN_ROWS] if v in steps])
    np.testing.assert_allclose(quantiles(quantiles.rank(common)), common)


def test_the_distribution_is_kept(adult: pd.DataFrame) -> None:
    rng = np.random.default_rng(0)
    for name in ("age", "fnlwgt", "hours-per-week"):
        real = np.sort(adult[name].to_numpy(float))
        drawn = np.sort(StepQuantiles.fit(Points.of(real))(rng.random(len(real))))
        grid = np.unique(real)
        gap = np.abs(
            np.searchsorted(real, grid, "right") - np.searchsorted(drawn, grid, "right")
        ).max() / len(real)
        # two samples of one distribution differ by less than this in 999 of 1000 cases
        assert gap < 1.95 * np.sqrt(2 / len(real))


def test_rare_values_are_not_stored(adult: pd.DataFrame) -> None:
    count = adult["fnlwgt"].value_counts()
    rare = count.index[count < MIN_ROWS].to_numpy(float)
    quantiles = StepQuantiles.fit(Points.of(adult["fnlwgt"].to_numpy(float)))
    stored = np.r_[quantiles.low, quantiles.high]
    # ends are means of neighbours: they hit one of 21,000 integers by chance only
    assert np.isin(stored, rare).mean() < 0.05
    assert quantiles.high[-1] < adult["fnlwgt"].max()
    assert quantiles.low[0] > adult["fnlwgt"].min()


def test_merging_batches_equals_one_pass() -> None:
    values = np.random.default_rng(1).integers(0, 300, 5000).astype(float)
    whole = Points.of(values)
    merged = Points.of(values[:1200]).merge(Points.of(values[1200:3000]))
    merged = merged.merge(Points.of(values[3000:]))
    np.testing.assert_array_equal(whole.value, merged.value)
    np.testing.assert_array_equal(whole.count, merged.count)


def test_compression_keeps_rows_mean_and_heavy_values() -> None:
    rng = np.random.default_rng(2)
    values = np.r_[rng.normal(size=200_000), np.zeros(50_000), np.full(300, 7.0)]
    points = Points.of(values)
    small = points.compress(1000)
    assert len(small.value) <= 1500
    assert small.n == len(values)
    assert np.average(small.value, weights=small.count) == pytest.approx(values.mean())
    at = np.searchsorted(small.value, 0.0)
    assert (small.value[at], small.count[at], small.distinct[at]) == (0.0, 50_000, 1)


def test_json_round_trip() -> None:
    quantiles = StepQuantiles.fit(Points.of(np.random.default_rng(3).normal(size=500)))
    again = StepQuantiles.from_dict(quantiles.to_dict())
    rank = np.linspace(0, 1, 50)
    np.testing.assert_array_equal(quantiles(rank), again(rank))
