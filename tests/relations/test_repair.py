"""Rows in order again: by values that may be emitted, with the smaller change."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen import Schema
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import TableEncoder
from synthgen.relations.repair import Orderings


def encoders(frame: pd.DataFrame) -> list[NumericEncoder]:
    return [c for c in TableEncoder.fit(frame, Schema.infer(frame)).columns
            if isinstance(c, NumericEncoder)]  # fmt: skip


def emitted(encoder: NumericEncoder) -> np.ndarray:
    """All numbers that a column may emit, by trying many ranks."""
    found = [encoder.atoms]
    if encoder.has_value.any():
        code = int(np.flatnonzero(encoder.has_value)[0])
        ranks = np.linspace(0, 1, 400_001)
        found.append(encoder.numbers(np.full(len(ranks), code), ranks))
    return np.unique(np.concatenate(found))


RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {
        "a": RNG.integers(0, 40, 500) * 10,
        "b": RNG.normal(200, 80, 500).round(1),
        "c": np.where(RNG.random(500) < 0.3, 250, RNG.integers(100, 500, 500)),
    }
)
ENCODERS = encoders(TABLE)
POOLS = [emitted(encoder) for encoder in ENCODERS]


@pytest.mark.parametrize("k", range(3))
@pytest.mark.parametrize("direction", [1, -1])
def test_the_nearest_number_that_may_be_emitted(k: int, direction: int) -> None:
    encoder = ENCODERS[k]
    all_of_them = POOLS[k]
    x = np.random.default_rng(k).uniform(-50, 600, 2000)
    side = "left" if direction > 0 else "right"
    at = np.searchsorted(all_of_them, x, side=side) - (direction < 0)
    inside = (at >= 0) & (at < len(all_of_them))
    expected = np.where(inside, all_of_them[at.clip(0, len(all_of_them) - 1)], np.nan)
    np.testing.assert_allclose(encoder.emittable(x, direction), expected)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6),
    gaps=st.floats(0, 0.4),
    fixed_columns=st.sets(st.integers(0, 2), max_size=1),
)
def test_repaired_rows(seed: int, gaps: float, fixed_columns: set[int]) -> None:
    rng = np.random.default_rng(seed)
    order = Orderings(ENCODERS, [(0, 1), (1, 2)])
    numbers = np.column_stack([rng.choice(pool, 200) for pool in POOLS])
    values = np.rint(numbers * 10).astype(np.int64)
    present = rng.random(values.shape) >= gaps
    fixed = np.zeros(values.shape, bool)
    fixed[:, list(fixed_columns)] = True
    after = order.repaired(values, present, fixed, rng)
    assert (after[fixed | ~present] == values[fixed | ~present]).all()
    if not fixed_columns:
        assert not order.broken(after, present).any()
    changed = after != values
    for k, pool in enumerate(POOLS):
        assert np.isin(after[changed[:, k], k], np.rint(pool * 10)).all()


def test_a_pair_moves_no_further_than_it_must() -> None:
    frame = pd.DataFrame({"low": np.arange(500.0) % 50, "high": np.arange(500.0) % 50 + 5})
    order = Orderings(encoders(frame), [(0, 1)])
    values = np.array([[30, 20], [49, 10], [3, 8]])
    free = np.zeros(values.shape, bool)
    after = order.repaired(values, ~free, free, np.random.default_rng(0))
    assert np.abs(after - values).sum(axis=1).tolist() == [10, 39, 0]
    assert (after[:, 0] <= after[:, 1]).all()
