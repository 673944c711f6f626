from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from synthgen.evaluation.privacy.risk import (
    Risk,
    auc,
    caught_at,
    clopper_pearson,
    excess,
    lacking,
    worst,
)


def held(risk: Risk, truth: float) -> bool:
    low, high = risk.interval() or (1.0, 0.0)
    return low <= truth <= high


def share(hits: int, n: int) -> Risk:
    """As much more than of nobody else."""
    return excess(hits, n, 0, n, normalized=False)


def share_held(draw: object, truth: float, runs: int = 400) -> float:
    rng = np.random.default_rng(0)
    return float(np.mean([held(draw(rng), truth) for _ in range(runs)]))  # type: ignore[operator]


def test_bounds_of_a_share_hold_as_often_as_they_say() -> None:
    def draw(rng: np.random.Generator) -> Risk:
        hits = int(rng.binomial(200, 0.03))
        return Risk(hits / 200, 200, bounds=lambda error: clopper_pearson(hits, 200, error))

    assert share_held(draw, 0.03) >= 0.94


@pytest.mark.parametrize("normalized", [True, False])
def test_bounds_of_an_excess_hold(normalized: bool) -> None:
    def draw(rng: np.random.Generator) -> Risk:
        hits, control = rng.binomial(400, 0.2), rng.binomial(300, 0.1)
        return excess(int(hits), 400, int(control), 300, normalized=normalized)

    assert share_held(draw, 0.1 / 0.9 if normalized else 0.1) >= 0.93


def test_bounds_of_an_auc_hold() -> None:
    truth = float(norm.cdf(0.3 / np.sqrt(2)))

    def draw(rng: np.random.Generator) -> Risk:
        return auc(rng.normal(0.3, 1, 300), rng.normal(0, 1, 250))

    assert share_held(draw, truth, 1500) >= 0.93


def test_bounds_of_what_is_caught_hold_though_the_threshold_is_measured() -> None:
    truth = float(norm.sf(norm.isf(0.01) - 0.5))

    def draw(rng: np.random.Generator) -> Risk:
        return caught_at(rng.normal(0.5, 1, 1000), rng.normal(0, 1, 1000), 0.01)

    assert share_held(draw, truth, 200) >= 0.95


def test_equal_scores_catch_nobody() -> None:
    assert caught_at(np.ones(100), np.ones(100), 0.1).value == 0


def test_more_claims_widen_bounds() -> None:
    risk = share(10, 100)
    one, many = risk.upper(1), risk.upper(20)
    assert one is not None and many is not None and 0.1 < one < many


def test_a_perfect_separation_is_not_certain() -> None:
    low = auc(np.arange(100, 200.0), np.arange(100.0)).lower()
    assert low is not None and 0.95 < low < 1


def test_the_worst_of_several_is_bounded_for_all_of_them() -> None:
    risks = {"a": share(1, 100), "b": share(9, 100), "c": lacking("no such column")}
    found = worst(risks)
    assert found.value == 0.09
    assert found.parts["worst"] == "b"
    assert (found.upper() or 0) > (risks["b"].upper() or 0)
    assert worst({"c": risks["c"]}).reason == "no such column"


def test_a_risk_without_a_value_says_why() -> None:
    with pytest.raises(ValueError, match="reason"):
        Risk(None, 3)
