"""Rows of mixed kinds as points, so that distances between them mean something.

A number or time becomes its quantile in the reference column, from 0 to 1; a category becomes an
indicator vector over sqrt(2). Then two different categories are 1 apart, as are the smallest and
the largest number, and a missing cell is 1 away from any that is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.evaluation.features import ColumnFeature, Floats, TableFeatures

# Rarer levels of a column share one indicator, so that identifiers do not fill the memory.
MOST_LEVELS = 100
_MISSING_AT = 0.5
_OFF = 1 / np.sqrt(2.0)

Floats32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class QuantileScale:
    """A number's place among the reference column's values.

    Attributes:
        values: Distinct reference values, ascending.
        ranks: Mid-rank of each over the number of values: strictly between 0 and 1.
    """

    values: Floats
    ranks: Floats

    @classmethod
    def of(cls, numbers: Floats) -> QuantileScale:
        """Learn the places of the finite ones among ``numbers``."""
        values, counts = np.unique(numbers[np.isfinite(numbers)], return_counts=True)
        total = max(1, int(counts.sum()))
        return cls(values, (np.cumsum(counts) - counts / 2) / total)

    def place(self, numbers: Floats) -> Floats:
        """Places from 0 to 1, linear between reference values; missing stays NaN.

        Beyond the reference values a place moves on to 0 or 1 with the distance, in units of the
        reference range, so that far outliers are not taken for the largest value.
        """
        if not len(self.values):
            return np.where(np.isnan(numbers), np.nan, _MISSING_AT)
        low, high = float(self.values[0]), float(self.values[-1])
        width = (high - low) or 1.0
        inside = np.interp(numbers, self.values, self.ranks)
        below, above = np.maximum(0.0, low - numbers), np.maximum(0.0, numbers - high)
        with np.errstate(invalid="ignore"):
            inside = np.where(below > 0, self.ranks[0] * np.exp(-below / width), inside)
            tail = 1 - (1 - self.ranks[-1]) * np.exp(-above / width)
            inside = np.where(above > 0, tail, inside)
        return np.where(np.isnan(numbers), np.nan, inside)


@dataclass(frozen=True)
class MixedEmbedding:
    """How a row becomes a point; learned from one table, applied to others of its columns."""

    features: TableFeatures
    scales: tuple[QuantileScale | None, ...]
    kept: tuple[Floats | None, ...]

    @classmethod
    def of(cls, reference: pd.DataFrame) -> MixedEmbedding:
        """Learn places and levels of every column of ``reference``."""
        features = TableFeatures.of(reference)
        codes = features.matrix(reference)
        scales: list[QuantileScale | None] = []
        kept: list[Floats | None] = []
        for index, column in enumerate(features.columns):
            category = _is_category(column)
            scales.append(None if category else QuantileScale.of(codes[:, index]))
            kept.append(_frequent(codes[:, index]) if category else None)
        return cls(features, tuple(scales), tuple(kept))

    @property
    def blocks(self) -> list[slice]:
        """The dimensions of each column."""
        widths = [2 if kept is None else len(kept) + 2 for kept in self.kept]
        ends = np.cumsum(widths)
        return [slice(int(end - n), int(end)) for end, n in zip(ends, widths, strict=True)]

    def points(self, table: pd.DataFrame) -> Floats32:
        """The table's rows as points.

        Shape:
            (n_rows, n_dimensions)
        """
        codes = self.features.matrix(table)
        blocks = []
        for index, (scale, kept) in enumerate(zip(self.scales, self.kept, strict=True)):
            if scale is not None:
                blocks.append(_places(scale.place(codes[:, index])))
            elif kept is not None:
                blocks.append(_indicators(codes[:, index], kept))
        return np.concatenate(blocks, axis=1)


def neighbours(rows: Floats32, among: Floats32, k: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Distances (n, k) to the nearest of ``among``, and which they are (n, k)."""
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(among))
    distance, index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(among).kneighbors(rows)
    return np.asarray(distance, np.float64), index


def _is_category(column: ColumnFeature) -> bool:
    return column.reading in ("category", "boolean")


def _frequent(codes: Floats) -> Floats:
    values, counts = np.unique(codes[~np.isnan(codes)], return_counts=True)
    return np.sort(values[np.argsort(-counts, kind="stable")[:MOST_LEVELS]])


def _places(places: Floats) -> Floats32:
    """The place and, orthogonal to it, whether the cell is missing."""
    missing = np.isnan(places)
    filled = np.where(missing, _MISSING_AT, places)
    return np.column_stack([filled, missing]).astype(np.float32)


def _indicators(codes: Floats, kept: Floats) -> Floats32:
    """One column per kept level, then one for all other values and one for missing cells."""
    rows = np.zeros((len(codes), len(kept) + 2), dtype=np.float32)
    missing = np.isnan(codes)
    place = np.clip(np.searchsorted(kept, codes), 0, max(0, len(kept) - 1))
    known = ~missing & (kept[place] == codes) if len(kept) else np.zeros(len(codes), dtype=bool)
    where = np.where(missing, len(kept) + 1, np.where(known, place, len(kept)))
    rows[np.arange(len(codes)), where] = _OFF
    return rows
