"""How much the rows at hand say for a relation that none of them breaks."""

from __future__ import annotations

import math

import numpy as np

# An interval that holds the truth in 95 of 100 cases.
_ERROR = 0.05
# Chance that unrelated columns look related, over all candidates of one search together.
_CHANCE = 1e-5
# What nearly always holds of unrelated columns as well says nothing.
LEAST_SURPRISE = 0.05


def break_rate_below(rows: int) -> float:
    """Upper end of the exact one-sided 95 % interval (Clopper-Pearson) of the share of rows that
    break what ``rows`` rows did not break: about ``3 / rows``.
    """
    return 1.0 if rows < 1 else 1 - _ERROR ** (1 / rows)


def is_more_than_chance(log_chance: float, candidates: int) -> bool:
    """Whether unrelated columns would not show it, given how many candidates were looked at.

    Args:
        log_chance: Natural logarithm of the chance that one candidate of unrelated columns holds.
        candidates: Number of candidates of this kind.
    """
    return log_chance + math.log(max(candidates, 1)) < math.log(_CHANCE)


def log_chance_of_rows(expected_share: float, rows: int) -> float:
    """Logarithm of the chance that no row of ``rows`` breaks what a share of them would."""
    return rows * math.log1p(-min(expected_share, 1 - 1e-12))


def log_chance_of_many(count: int, rows: int, chance: float) -> float:
    """Logarithm of (a bound of) the chance that ``count`` of ``rows`` rows or more show what each
    shows with a ``chance``: the Chernoff bound (Hoeffding, 1963, theorem 1).
    """
    share, chance = count / max(rows, 1), min(max(chance, 1e-300), 1.0)
    if share <= chance:
        return 0.0
    rest = (1 - share) * math.log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return -rows * (share * math.log(share / chance) + rest)


def log_chance_decided(counts_of_first: np.ndarray, share_of_second: np.ndarray) -> float:
    """Logarithm of the chance that an unrelated column is constant within every level of another.

    Args:
        counts_of_first: (n_levels,) rows of each level of the deciding column.
        share_of_second: (k,) shares of the levels of the other; they sum to 1.
    """
    sizes, repeats = np.unique(counts_of_first, return_counts=True)
    logs = np.log(share_of_second)[:, None] * sizes[None, :]
    top = logs.max(axis=0)
    constant = top + np.log(np.exp(logs - top).sum(axis=0))
    return float((constant * repeats).sum())
