"""Every column in a few bins of the real table, so that distributions can be counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.evaluation.features import Floats, TableFeatures

BINS = 10

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Binning:
    """Bins learned from a real table.

    A number or time has up to ten bins of equal real frequency, or one per value where there are
    no more; a category has one bin per level. One more holds levels unseen in the real table, and
    the last one missing cells.
    """

    features: TableFeatures
    edges: tuple[Floats | None, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, real: pd.DataFrame, bins: int = BINS) -> Binning:
        """Learn the bins of every column."""
        features = TableFeatures.of(real)
        codes = features.matrix(real)
        edges: list[Floats | None] = []
        sizes = []
        for index, column in enumerate(features.columns):
            if column.vocabulary is not None:
                edges.append(None)
                sizes.append(len(column.vocabulary) + 2)
            else:
                boolean = column.reading == "boolean"
                inner = np.zeros(1) if boolean else _inner_edges(codes[:, index], bins)
                edges.append(inner)
                sizes.append(len(inner) + 3)
        return cls(features, tuple(edges), tuple(sizes))

    def codes(self, table: pd.DataFrame) -> Ints:
        """Bin of every cell, from 0 to ``sizes[column] - 1``.

        Shape:
            (n_rows, n_columns)
        """
        cells = self.features.matrix(table)
        found = np.empty(cells.shape, dtype=np.int64)
        for index, (edges, size) in enumerate(zip(self.edges, self.sizes, strict=True)):
            column = cells[:, index]
            if edges is None:
                place = np.where(column >= 0, column, size - 2)
            else:
                place = np.searchsorted(edges, column, side="left")
            found[:, index] = np.where(np.isnan(column), size - 1, place)
        return found


def total_variation(one: Ints, other: Ints, size: int) -> float:
    """Half the sum of absolute differences of two tables' frequencies.

    Shape:
        one, other: (n_rows,) cells from 0 to ``size - 1``
    """
    if size > 4 * (len(one) + len(other)):
        # Mostly empty cells: count only those that occur.
        _, both = np.unique(np.concatenate([one, other]), return_inverse=True)
        one, other, size = both[: len(one)], both[len(one) :], int(both.max()) + 1
    counts = np.bincount(one, minlength=size) / len(one)
    return float(np.abs(counts - np.bincount(other, minlength=size) / len(other)).sum() / 2)


def _inner_edges(numbers: Floats, bins: int) -> Floats:
    """Distinct inner quantiles that are values; a value equal to one lies below it."""
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return np.empty(0)
    values: Floats = np.unique(numbers)
    if len(values) > bins:
        shares = np.linspace(0, 1, bins + 1)[1:-1]
        edges = np.unique(np.quantile(numbers, shares, method="inverted_cdf"))
    else:
        edges = values
    inner: Floats = edges[edges < values[-1]]
    return inner
