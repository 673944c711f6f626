"""What outputs on two neighbouring tables prove about epsilon.

A mechanism with (epsilon, delta) keeps P(A) <= e^epsilon P'(A) + delta for every event A (Dwork and
Roth, 2014, definition 2.4), so an event that is frequent on one table and rare on the other bounds
epsilon from below. Events are thresholds of a score, chosen on one half of the runs and counted on
the other, with Clopper-Pearson bounds of both probabilities.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import beta, binom, norm

from synthgen.privacy.accounting import Gaussian, spent_epsilon

CONFIDENCE = 0.95
_THRESHOLDS = 200


def lower_bound(with_it: np.ndarray, without: np.ndarray, delta: float, claims: int = 1) -> float:
    """Epsilon that a mechanism exceeds at ``delta``, with `CONFIDENCE`.

    Args:
        with_it: (n,) scores of runs on the table with the record in question.
        without: (m,) scores of runs on the other.
        delta: Delta.
        claims: How many bounds shall hold together.
    """
    best = 0.0
    for a, b in ((with_it, without), (-without, -with_it)):
        threshold = _choose(a[::2], b[::2], delta)
        # half of the error for each direction
        error = (1 - CONFIDENCE) / 2 / claims
        hits = _at_least(int((a[1::2] > threshold).sum()), len(a[1::2]), error / 2)
        false = _at_most(int((b[1::2] > threshold).sum()), len(b[1::2]), error / 2)
        if hits > delta:
            best = max(best, math.log(max(hits - delta, 1e-12) / false))
    return best


def gaussian_lower_bound(
    with_it: np.ndarray, without: np.ndarray, threshold: float, delta: float
) -> float:
    """The same of a mechanism known to be Gaussian, whose one parameter says it all.

    mu = norm.isf(false alarms) - norm.isf(hits) bounds the distance of the two laws in standard
    deviations (Nasr et al., *Tight Auditing of Differentially Private Machine Learning*, 2023).

    Args:
        with_it, without: As in `lower_bound`.
        threshold: Half way between the exact answers.
        delta: Delta.
    """
    error = (1 - CONFIDENCE) / 2
    hits = _at_least(int((with_it > threshold).sum()), len(with_it), error)
    false = _at_most(int((without > threshold).sum()), len(without), error)
    mu = float(norm.isf(false) - norm.isf(hits))
    return spent_epsilon([Gaussian(1 / mu)], delta) if mu > 0 else 0.0


def one_run_lower_bound(
    guesses: int, right: int, delta: float = 0.0, canaries: int = 0, claims: int = 1
) -> float:
    """Epsilon from guesses who of many canaries was in one fit (Steinke, Nasr and Jagielski, 2023).

    Theorem 5.2: of ``guesses`` at fair coins an epsilon-private fit lets no more come right than
    independent ones with probability e^epsilon / (1 + e^epsilon); delta adds to that 2 m delta
    alpha, alpha being the largest of P(right - i <= W < right) / i over i.

    Args:
        guesses: How many.
        right: Of these.
        delta: Delta of the fit.
        canaries: m, those not guessed included.
        claims: How many bounds shall hold together.
    """
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        chance = math.exp(middle) / (1 + math.exp(middle))
        error = float(binom.sf(right - 1, guesses, chance))
        if delta and right:
            i = np.arange(1, right + 1)
            below = binom.cdf(right - 1, guesses, chance) - binom.cdf(
                right - 1 - i, guesses, chance
            )
            error += 2 * canaries * delta * float((below / i).max())
        refuted = error < (1 - CONFIDENCE) / claims
        low, high = (middle, high) if refuted else (low, middle)
    return low


def _choose(a: np.ndarray, b: np.ndarray, delta: float) -> float:
    """The threshold that promises most on runs that are not counted."""
    levels = np.unique(np.quantile(np.r_[a, b], np.linspace(0.001, 0.999, _THRESHOLDS)))

    def promise(t: float) -> float:
        hits = _at_least(int((a > t).sum()), len(a), 0.01)
        return math.log(max(hits - delta, 1e-12) / _at_most(int((b > t).sum()), len(b), 0.01))

    return float(max(levels, key=promise))


def _at_least(k: int, n: int, error: float) -> float:
    return float(beta.ppf(error, k, n - k + 1)) if k else 0.0


def _at_most(k: int, n: int, error: float) -> float:
    return float(beta.isf(error, k + 1, n - k)) if k < n else 1.0
