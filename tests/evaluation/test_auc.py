from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from synthgen.evaluation.auc import auc_with_error


def by_pairs(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """Oracle: every pair compared, every row's own share of won comparisons."""
    won = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    rows, columns = won.mean(axis=1), won.mean(axis=0)
    error = 0.0
    for share in (rows, columns):
        error += share.var(ddof=1) / len(share) if len(share) > 1 else 0.0
    return float(won.mean()), float(np.sqrt(error))


scores = arrays(float, st.integers(1, 30), elements=st.integers(-3, 3).map(float))


@given(scores, scores)
def test_equals_the_comparison_of_all_pairs(positive: np.ndarray, negative: np.ndarray) -> None:
    expected = by_pairs(positive, negative)
    assert auc_with_error(positive, negative) == pytest.approx(expected, abs=1e-9)


def test_error_is_the_spread_over_repeated_samples() -> None:
    rng = np.random.default_rng(0)
    draws = [auc_with_error(rng.normal(0.7, 1, 80), rng.normal(0, 1, 120)) for _ in range(800)]
    aucs, errors = np.array(draws).T
    assert errors.mean() == pytest.approx(aucs.std(), rel=0.08)


def test_needs_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes, got 0 and 2"):
        auc_with_error(np.array([]), np.array([1.0, 2.0]))
