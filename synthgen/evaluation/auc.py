"""Area under the ROC curve with its standard error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Z95 = 1.959964


def auc_with_error(
    positive: npt.NDArray[np.float64], negative: npt.NDArray[np.float64]
) -> tuple[float, float]:
    """Probability that a positive scores above a negative (ties half), and its standard error.

    The error is that of DeLong, DeLong and Clarke-Pearson (1988) in the mid-rank form of Sun and
    Xu (2014): the variance of each row's own share of won comparisons.

    Shape:
        positive: (m,) scores of the positive rows
        negative: (k,) scores of the negative rows

    Raises:
        ValueError: If either side is empty.
    """
    m, k = len(positive), len(negative)
    if not m or not k:
        raise ValueError(f"an AUC needs rows of both classes, got {m} and {k}")
    ranks = _midranks(np.concatenate([positive, negative]))
    won = (ranks[:m] - _midranks(positive)) / k
    lost = 1.0 - (ranks[m:] - _midranks(negative)) / m
    variance = _variance(won) / m + _variance(lost) / k
    return float(won.mean()), float(np.sqrt(variance))


def _midranks(scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Ranks from 1, ties sharing their mean rank."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    midrank: npt.NDArray[np.float64] = (last - (counts - 1) / 2.0)[inverse]
    return midrank


def _variance(shares: npt.NDArray[np.float64]) -> float:
    return float(shares.var(ddof=1)) if len(shares) > 1 else 0.0
