"""Intervals and chances against exact ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import binom, binomtest

from synthgen.relations.evidence import (
    break_rate_below,
    is_more_than_chance,
    log_chance_decided,
    log_chance_of_many,
    log_chance_of_rows,
)


@pytest.mark.parametrize("rows", [1, 20, 300, 10**6])
def test_the_bound_is_clopper_pearsons(rows: int) -> None:
    exact = binomtest(0, rows, alternative="less").proportion_ci(0.95, method="exact").high
    assert break_rate_below(rows) == pytest.approx(exact, rel=1e-9)
    assert break_rate_below(0) == 1.0
    if rows > 100:
        assert break_rate_below(rows) == pytest.approx(3 / rows, rel=0.01)


def test_chance_of_a_dependency_is_that_of_draws() -> None:
    rng = np.random.default_rng(0)
    counts, share = np.array([3, 2, 1]), np.array([0.7, 0.3])
    first = np.repeat(np.arange(3), counts)
    draws = rng.random((200_000, 6)) < 0.3
    constant = np.all([draws[:, first == k].all(axis=1) | ~draws[:, first == k].any(axis=1)
                       for k in range(3)], axis=0)  # fmt: skip
    assert np.exp(log_chance_decided(counts, share)) == pytest.approx(constant.mean(), abs=0.005)


def test_more_candidates_need_more_evidence() -> None:
    chance = log_chance_of_rows(0.2, 60)
    assert is_more_than_chance(chance, 1) and not is_more_than_chance(chance, 10_000)


@pytest.mark.parametrize("rows", [20, 300, 9000])
@pytest.mark.parametrize("chance", [1e-4, 0.02, 0.3])
def test_chance_of_many_rows_bounds_the_binomials(rows: int, chance: float) -> None:
    for count in {0, 1, round(0.05 * rows), round(0.4 * rows), rows}:
        exact = logsumexp(binom.logpmf(np.arange(count, rows + 1), rows, chance))
        bound = log_chance_of_many(count, rows, chance)
        assert exact - 1e-9 <= bound <= 0
        if count / rows > chance:
            # no more than a power of the number of rows away
            assert bound <= exact + 3 + np.log(rows)
