"""What is known of a numeric column before it is encoded: its distinct values, and its atoms."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from synthgen.cells import Cells
from synthgen.encoding.quantiles import MIN_ROWS, Points

MAX_DISCRETE = 32
SPIKE_SHARE = 0.01
SPIKE_RATIO = 3.0
_WINDOW = 10
_EXACT_FLOAT = 2**52


@dataclass(frozen=True)
class NumericSummary:
    """Distinct values with counts, relative to ``origin``; merging is associative.

    Attributes:
        points: The values and their counts, of cells that are no copies.
        missing: Number of missing cells.
        origin: Integer subtracted from every value.
        only_repeated: Whether values that fewer than `MIN_ROWS` rows hold were left out.
        copied: For each source, the values and counts of cells that are the same as its.
    """

    points: Points
    missing: int
    origin: int
    only_repeated: bool = False
    copied: tuple[Points, ...] = ()

    @classmethod
    def of(
        cls,
        cells: Cells,
        origin: int | None = None,
        same_as: np.ndarray | None = None,
        n_sources: int = 0,
    ) -> NumericSummary:
        """Summary of integer, float, datetime or duration cells.

        Args:
            origin: Keeps large integers exact as floats; give the first batch's to the others.
            same_as: (n,) which of ``n_sources`` sources a cell is the same as, -1 for none.
        """
        held = cells.values[~cells.missing]
        if origin is None:
            origin = _origin(held)
        x = offset(held, origin)
        source = np.full(len(x), -1) if same_as is None else same_as[~cells.missing]
        copied = tuple(Points.of(x[source == k]) for k in range(n_sources))
        missing = int(cells.missing.sum())
        return cls(Points.of(x[source < 0]), missing, origin, copied=copied)

    def merge(self, other: NumericSummary) -> NumericSummary:
        """Summary of both batches together."""
        if self.origin != other.origin:
            raise ValueError("summaries of one column need one origin")
        return NumericSummary(
            self.points.merge(other.points),
            self.missing + other.missing,
            self.origin,
            copied=tuple(a.merge(b) for a, b in zip(self.copied, other.copied, strict=True)),
        )

    @property
    def total(self) -> Points:
        """Values and counts of all cells, copies or not."""
        return reduce(Points.merge, [p for p in self.copied if p.n], self.points)

    def repeated(self) -> NumericSummary:
        """Without values that fewer than `MIN_ROWS` rows hold; as it is if there are only such."""
        rare = (self.points.count < MIN_ROWS) | (self.points.distinct > 1)
        if rare.all():
            return self
        points = self.points.without(self.points.value[rare])
        return NumericSummary(points, self.missing, self.origin, only_repeated=True)


def find_atoms(points: Points, every: bool = False) -> np.ndarray:
    """Values (k,) that deserve a code of their own.

    All of them on demand, or where few distinct values cover the column; otherwise the spikes:
    values that at least `SPIKE_SHARE` of the rows hold and that stand out `SPIKE_RATIO`-fold from
    the values around them.
    """
    if not points.n:
        return np.zeros(0)
    if every:
        return points.value
    held = (points.count >= MIN_ROWS) & (points.distinct == 1)
    if held.sum() <= MAX_DISCRETE and points.count[held].sum() > points.n - MIN_ROWS:
        return np.asarray(points.value[held])
    padded = np.pad(points.count.astype(np.float64), _WINDOW, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * _WINDOW + 1)
    heavy = np.flatnonzero(points.count >= SPIKE_SHARE * points.n)
    spike = np.zeros(len(points.count), bool)
    spike[heavy] = points.count[heavy] >= SPIKE_RATIO * np.median(around[heavy], axis=1)
    return np.asarray(points.value[held & spike])


def _origin(held: np.ndarray) -> int:
    """0, or a middle value where integers are too large for float64 or are ticks of a date."""
    if held.dtype.kind != "i" or not len(held):
        return 0
    # a rounded mean, so that no cell's exact value is stored
    mean = int(held.astype(np.float64).mean())
    return 0 if np.abs(held.astype(np.float64)).max() < _EXACT_FLOAT else mean


def offset(values: np.ndarray, origin: int) -> np.ndarray:
    """Values (n,) relative to ``origin``, as floats."""
    return (values - origin if origin else values).astype(np.float64)
