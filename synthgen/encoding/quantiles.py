"""Distinct values and their counts, and a quantile function that protects rare values.

A value held by fewer than `MIN_ROWS` rows is never stored: it is merged with its neighbours into
a segment over which decoding interpolates. A value held by more is a step of its own, so that
rounded, heaped and repeated numbers come back as they were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

MIN_ROWS = 5
MAX_POINTS = 65_536
MAX_SEGMENTS = 4_096


@dataclass(frozen=True)
class Points:
    """Distinct values of a column with their counts; merging is associative.

    Shape:
        value: (n_points,) float64, ascending.
        count: (n_points,) int64.
        distinct: (n_points,) int64, 1 for an exact value, more for a group of neighbours, whose
            ``value`` is then their mean.
    """

    value: np.ndarray
    count: np.ndarray
    distinct: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Points:
        """Points of the finite ``values`` (n,)."""
        value, count = np.unique(values, return_counts=True)
        return cls(value, count.astype(np.int64), np.ones(len(value), np.int64)).compress()

    def merge(self, other: Points) -> Points:
        """Points of both batches together."""
        value = np.concatenate([self.value, other.value])
        order = np.argsort(value, kind="stable")
        value = value[order]
        first = np.flatnonzero(np.diff(value, prepend=np.nan) != 0)
        count = np.concatenate([self.count, other.count])[order]
        distinct = np.concatenate([self.distinct, other.distinct])[order]
        return Points(
            value[first], np.add.reduceat(count, first), np.maximum.reduceat(distinct, first)
        ).compress()

    @property
    def n(self) -> int:
        """Number of rows counted."""
        return int(self.count.sum())

    def compress(self, max_points: int = MAX_POINTS) -> Points:
        """Group neighbouring rare values until at most about ``max_points`` points are left.

        Values held by more than one row in ``max_points / 4`` keep a point of their own.
        """
        if len(self.value) <= max_points:
            return self
        size = max(1, int(np.ceil(4 * self.n / max_points)))
        alone = self.count >= size
        run = np.cumsum(np.r_[False, alone[1:] | alone[:-1]])
        filled = np.where(alone, 0, self.count).cumsum() // size
        first = np.flatnonzero(np.r_[True, (run[1:] != run[:-1]) | (filled[1:] != filled[:-1])])
        count = np.add.reduceat(self.count, first)
        value = np.add.reduceat(self.value * self.count, first) / count
        exact = np.diff(np.r_[first, len(self.value)]) == 1
        value = np.where(exact, self.value[first], value)
        return Points(value, count, np.add.reduceat(self.distinct, first))

    def without(self, values: np.ndarray) -> Points:
        """Points other than the exact ``values``."""
        keep = ~np.isin(self.value, values)
        return Points(self.value[keep], self.count[keep], self.distinct[keep])


@dataclass(frozen=True)
class StepQuantiles:
    """A quantile function made of steps (repeated values) and linear stretches (rare values).

    Shape:
        low, high: (n_segments,) float64, ascending; equal for a step.
        mass: (n_segments,) float64, sums to 1.
    """

    low: np.ndarray
    high: np.ndarray
    mass: np.ndarray

    @classmethod
    def fit(cls, points: Points) -> StepQuantiles:
        """Segments of at least `MIN_ROWS` rows each; at most about `MAX_SEGMENTS` of them."""
        if points.n < MIN_ROWS:
            centre = float(np.average(points.value, weights=points.count)) if points.n else 0.0
            return cls(np.array([centre]), np.array([centre]), np.array([1.0]))
        size = max(2 * MIN_ROWS, int(np.ceil(2 * points.n / MAX_SEGMENTS)))
        exact = (points.distinct == 1) & (points.count >= MIN_ROWS)
        alone = exact if exact.sum() <= MAX_SEGMENTS // 2 else exact & (points.count >= size)
        points, alone = _absorb_small_runs(points, alone)
        first = _segment_starts(points.count, alone, size)
        count = np.add.reduceat(points.count, first)
        mean = np.add.reduceat(points.value * points.count, first) / count
        step = alone[first]
        mean = np.where(step, points.value[first], mean)
        low, high = _edges(points, mean, step)
        return cls(low, high, count / count.sum())

    @cached_property
    def _right(self) -> np.ndarray:
        return np.cumsum(self.mass)

    @cached_property
    def _rank_points(self) -> tuple[np.ndarray, np.ndarray]:
        """Values and their mid-ranks, ascending: the corners of `rank`."""
        left = self._right - self.mass
        step = self.low == self.high
        middle = (left + self._right) / 2
        at = np.concatenate([np.where(step, middle, left), np.where(step, middle, self._right)])
        of = np.concatenate([self.low, self.high])
        order = np.lexsort((at, of))
        return of[order], at[order]

    def __call__(self, rank: np.ndarray) -> np.ndarray:
        """Value (n,) at ``rank`` (n,) in [0, 1]."""
        slope = (self.high - self.low) / self.mass
        left = self._right - self.mass

        def value(rank: np.ndarray) -> np.ndarray:
            segment = np.searchsorted(self._right[:-1], rank, side="right")
            low, high = self.low[segment], self.high[segment]
            return np.asarray(np.clip(low + (rank - left[segment]) * slope[segment], low, high))

        return ascending(value, rank)

    def rank(self, value: np.ndarray) -> np.ndarray:
        """Continuous mid-rank in [0, 1] of ``value`` (n,); inverse of ``__call__`` up to steps."""
        return interpolate(value, *self._rank_points)

    def interval(self, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest rank (n,) of the value at ``rank`` (n,): apart at a step only."""
        segment = ascending(lambda r: np.searchsorted(self._right[:-1], r, side="right"), rank)
        segment = segment.astype(np.intp)
        step = (self.low == self.high)[segment]
        left = (self._right - self.mass)[segment]
        return np.where(step, left, rank), np.where(step, self._right[segment], rank)

    def middles(self) -> tuple[np.ndarray, np.ndarray]:
        """Inner borders of the segments in rank, and each segment's middle rank, -1 off steps."""
        middle = self._right - self.mass / 2
        return self._right[:-1], np.where(self.low == self.high, middle, -1.0)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {name: getattr(self, name).tolist() for name in ("low", "high", "mass")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> StepQuantiles:
        """Inverse of `to_dict`.

        Raises:
            ValueError: If it is no quantile function.
        """
        low, high, mass = (np.asarray(data[name], np.float64) for name in ("low", "high", "mass"))
        if not (low.ndim == 1 and len(low) and low.shape == high.shape == mass.shape):
            raise ValueError("quantiles need as many low and high ends as masses")
        ends = np.stack([low, high], 1).reshape(-1)
        if not (np.isfinite(ends).all() and (np.diff(ends) >= 0).all()):
            raise ValueError("quantiles must be finite and ascend")
        if not ((mass > 0).all() and np.isclose(mass.sum(), 1)):
            raise ValueError("masses of quantiles must be above 0 and sum to 1")
        return cls(low, high, mass)


def ascending(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """``f(x)`` (n,), evaluated on sorted x: its searches then walk where they would jump about."""
    order = np.argsort(x)
    result = np.empty(len(x))
    result[order] = f(x[order])
    return result


def interpolate(x: np.ndarray, at: np.ndarray, values: np.ndarray) -> np.ndarray:
    """`numpy.interp` for many ``x`` (n,)."""
    return ascending(lambda ordered: np.asarray(np.interp(ordered, at, values)), x)


def _runs(alone: np.ndarray) -> np.ndarray:
    """Start indices of runs: every ``alone`` point, and every stretch of points between them."""
    return np.flatnonzero(np.r_[True, alone[1:] | alone[:-1]])


def _absorb_small_runs(points: Points, alone: np.ndarray) -> tuple[Points, np.ndarray]:
    """Give the rows of a stretch with fewer than `MIN_ROWS` rows to the step beside it."""
    first = _runs(alone)
    total = np.add.reduceat(points.count, first)
    small = (total < MIN_ROWS) & ~alone[first]
    if not small.any() or not alone.any():
        return points, alone
    index = np.flatnonzero(small)
    neighbour = np.where(index > 0, index - 1, index + 1)
    np.add.at(total, neighbour, total[index])
    count = points.count.copy()
    count[first[neighbour]] = total[neighbour]
    keep = ~np.repeat(small, np.diff(np.r_[first, len(count)]))
    return Points(points.value[keep], count[keep], points.distinct[keep]), alone[keep]


def _segment_starts(count: np.ndarray, alone: np.ndarray, size: int) -> np.ndarray:
    """Start indices of segments: every ``alone`` point, and groups of ``size`` rows between."""
    run_first = _runs(alone)
    length = np.diff(np.r_[run_first, len(count)])
    before = np.cumsum(count) - count
    inside = before - np.repeat(before[run_first], length)
    n_groups = np.maximum(np.add.reduceat(count, run_first) // size, 1)
    group = np.minimum(inside // size, np.repeat(n_groups, length) - 1)
    run = np.repeat(np.arange(len(run_first)), length)
    first = np.flatnonzero(np.r_[True, (run[1:] != run[:-1]) | (group[1:] != group[:-1])])
    held = np.add.reduceat(count, first)
    while (held < MIN_ROWS).any() and len(first) > 1:
        # a group left small by a heavy neighbour joins the group beside it in its run
        small = int(np.argmax(held < MIN_ROWS))
        backwards = small > 0 and run[first[small]] == run[first[small - 1]]
        first = np.delete(first, small if backwards else small + 1)
        held = np.add.reduceat(count, first)
    return first


def _edges(points: Points, mean: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ends of segments: steps are points, stretches reach half way to their neighbours."""
    between = (mean[1:] + mean[:-1]) / 2
    # towards a step the stretch may reach it; between stretches they share the border
    left = np.where(step[:-1], mean[:-1], between)
    right = np.where(step[1:], mean[1:], between)
    low = np.r_[_tail_mean(points, +1), left]
    high = np.r_[right, _tail_mean(points, -1)]
    low, high = np.minimum(low, mean), np.maximum(high, mean)
    return np.where(step, mean, low), np.where(step, mean, high)


def _tail_mean(points: Points, direction: int) -> float:
    """Mean of the `MIN_ROWS` smallest (+1) or largest (-1) values: a bound that names nobody."""
    value, count = points.value[::direction], points.count[::direction]
    taken = np.diff(np.r_[0, np.minimum(np.cumsum(count), MIN_ROWS)])
    return float((value * taken).sum() / taken.sum())
