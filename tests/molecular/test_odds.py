"""Odds from the critic's logit and the likelihood of a draw."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.molecular.odds import Odds


def test_what_comes_too_often_is_kept_less_often_though_the_critic_sees_nothing() -> None:
    rng = np.random.default_rng(0)
    kinds = 2_000
    share = rng.lognormal(sigma=1.0, size=kinds)
    share /= share.sum()
    # the critic knows the half that a kind is in, and draws favour one half
    half = np.arange(kinds) % 2
    share *= np.where(half == 1, 1.5, 0.5)
    share /= share.sum()
    real, drawn, new = (
        rng.integers(kinds, size=4_000),
        rng.choice(kinds, p=share, size=4_000),
        rng.choice(kinds, p=share, size=50_000),
    )
    logit = np.where(half == 1, -np.log(1.5), -np.log(0.5))
    sides = [(logit[kind], np.log(share[kind])) for kind in (real, drawn)]
    odds = Odds.of(*sides)
    weight = np.exp(odds(logit[new], np.log(share[new])))
    kept, by_critic = (
        np.bincount(new, w, minlength=kinds) / w.sum() for w in (weight, np.exp(logit[new]))
    )
    even = 1 / kinds
    assert np.abs(kept - even).sum() < 0.5 * np.abs(by_critic - even).sum()
    # the optimum is -log p, whatever the logit adds
    optimum = -np.log(share[new])
    assert np.corrcoef(np.log(weight), optimum)[0, 1] > 0.98
    assert np.array_equal(Odds(odds.coefficients)(logit[:5], np.log(share[:5])),
                          odds(logit[:5], np.log(share[:5])))  # fmt: skip


@pytest.mark.parametrize("given", [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0, np.nan]])
def test_what_are_no_odds_is_refused(given: list[float]) -> None:
    with pytest.raises(ValueError, match="odds"):
        Odds(given)
