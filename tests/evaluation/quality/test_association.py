from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association as scipy_association

from synthgen.evaluation.quality.association import (
    associations,
    correlation,
    correlation_ratio,
    cramers_v,
)

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_correlation_against_numpy() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=50)
    other = one + rng.normal(size=50)
    assert correlation(one, other) == pytest.approx(np.corrcoef(one, other)[0, 1])
    gap = np.where(np.arange(50) < 10, np.nan, one)
    assert correlation(gap, other) == pytest.approx(np.corrcoef(one[10:], other[10:])[0, 1])
    assert np.isnan(correlation(np.ones(50), other))


def test_cramers_v_against_scipy(parts: Adult) -> None:
    train, _ = parts
    one, other = (train[name].astype("category").cat.codes for name in ("occupation", "sex"))
    expected = scipy_association(pd.crosstab(one, other).to_numpy(), method="cramer")
    assert cramers_v(one.to_numpy(float), other.to_numpy(float)) == pytest.approx(expected)


def test_correlation_ratio_by_hand() -> None:
    # Means 1 and 4 round 2.5: 4 x 2.25 = 9 between groups; each row is 1 off its mean: 4 within.
    groups, numbers = np.array([0, 0, 1, 1.0]), np.array([0, 2, 3, 5.0])
    assert correlation_ratio(groups, numbers) == pytest.approx(np.sqrt(9 / 13))
    assert np.isnan(correlation_ratio(np.zeros(4), numbers))


def test_lost_dependence_shows(parts: Adult) -> None:
    train, test = parts
    rng = np.random.default_rng(0)
    loose = pd.DataFrame({name: rng.permutation(train[name]) for name in train.columns})
    found = associations(train, loose, holdout=test)
    assert found.difference.value is not None and found.difference.baseline is not None
    assert found.difference.value > 3 * found.difference.baseline
    pair = next(p for p in found.pairs if (p.one, p.other) == ("relationship", "sex"))
    assert pair.measure == "cramers_v"
    assert (pair.real or 0) > 0.5 > 0.1 > (pair.synthetic or 1)


def test_constant_columns() -> None:
    real = pd.DataFrame({"a": [1, 2, 3, 4], "b": [2, 4, 6, 8], "k": 1})
    found = associations(real, real.assign(b=5))
    assert found.difference.value == 1
    assert found.pairs[0].synthetic is None
    none = associations(real[["a", "k"]], real[["a", "k"]]).difference
    assert none.value is None and none.reason
