"""Raking: weights moved as little as need be until every column is as frequent as in the data.

A critic learns from a sample of rows, and the noise of that sample with it: most of all the shares
of single values, which the encoders know of all rows. Source: Deming and Stephan, *On a Least
Squares Adjustment of a Sampled Frequency Table When the Expected Marginal Totals are Known* (1940).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.table import RankedTable, TableEncoder

_ROUNDS = 5
# ranks are uniform in the data: the numbers of a column are told apart by so many equal bins
_BINS = 20
_MOST = 2.0


def raked(weight: np.ndarray, table: RankedTable, encoder: TableEncoder) -> np.ndarray:
    """Weights (n,) under which each column of ``table`` has the shares that its encoder holds.

    A value that no row has stays without; one correction is a factor of 2 at most.
    """
    margins = [
        _margin(column, table.codes[:, j], table.ranks[:, j])
        for j, column in enumerate(encoder.columns)
        if column.n_codes > 1 or column.has_value.any()
    ]
    return rake(weight, margins)


def rake(
    weight: np.ndarray, margins: Sequence[tuple[np.ndarray, np.ndarray]], rounds: int = _ROUNDS
) -> np.ndarray:
    """Weights (n,) under which cells have given shares.

    Args:
        weight: (n,) to start from.
        margins: Of each the cell (n,) that a row is in, and the shares of the cells.
        rounds: Passes over all margins.
    """
    weight = weight / weight.sum()
    for _ in range(rounds):
        for cell, share in margins:
            held = np.bincount(cell, weight, minlength=len(share))
            factor = np.divide(share, held, out=np.ones(len(share)), where=held > 0)
            weight = weight * factor.clip(1 / _MOST, _MOST)[cell]
            weight /= weight.sum()
    return weight


def _margin(
    column: ColumnEncoder, codes: np.ndarray, ranks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The cell (n,) that each row is in, and the cells' shares: codes, then bins of ranks."""
    valued = column.has_value
    if not valued.any():
        return codes, column.share
    n = len(valued)
    bins = np.minimum((ranks * _BINS).astype(np.int64), _BINS - 1)
    share = np.r_[np.where(valued, 0.0, column.share), np.full(_BINS, column.share[valued].sum())]
    share[n:] /= _BINS
    return np.where(valued[codes], n + bins, codes), share
