"""Rows put into order with a small change, all of it to values that their columns may emit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.cells import Cells
from synthgen.encoding.numeric import NumericEncoder
from synthgen.forms.dates import TICKS_PER_SECOND
from synthgen.relations.numbers import FAMILY, grid

Pair = tuple[int, int]
_LAST = 2**62


class Orderings:
    """Columns of one family with pairs that must not be above each other.

    Args:
        encoders: The columns.
        pairs: (lower, upper) positions among them; without cycles.
    """

    def __init__(self, encoders: Sequence[NumericEncoder], pairs: Sequence[Pair]) -> None:
        self.encoders = encoders
        columns = [encoder.column for encoder in encoders]
        if FAMILY[columns[0].kind] == "number":
            digits = grid(columns)
            self.whole = digits is not None
            self.factors: list[float] = [10.0 ** (digits or 0)] * len(columns)
        else:
            per_second = [TICKS_PER_SECOND[c.unit or "ns"] for c in columns]
            self.whole = True
            self.factors = [float(max(per_second) // each) for each in per_second]
        self.below = _closure(len(columns), pairs)
        self.order = np.argsort([len(below) for below in self.below], kind="stable").tolist()
        self.above = [
            [k for k in range(len(columns)) if j in self.below[k]] for j in range(len(columns))
        ]

    def values(self, cells: Sequence[Cells]) -> np.ndarray:
        """(n, k) values on one scale: int64 where all are whole on it, else float64."""
        return np.stack([self._scaled(k, held.values) for k, held in enumerate(cells)], axis=1)

    def broken(self, values: np.ndarray, present: np.ndarray) -> np.ndarray:
        """(n,) bool: rows (n, k) that are out of order."""
        broken = np.zeros(len(values), bool)
        for k, below in enumerate(self.below):
            for j in below:
                broken |= present[:, j] & present[:, k] & (values[:, j] > values[:, k])
        return broken

    def repaired(
        self,
        values: np.ndarray,
        present: np.ndarray,
        fixed: np.ndarray,
        rng: np.random.Generator,
        *,
        beyond: bool = False,
    ) -> np.ndarray:
        """Rows (n, k) in order, where that is possible; ``fixed`` and missing cells stay.

        Of raising what is too low and lowering what is too high, the smaller change is made. Cells
        get values that their columns may emit; with ``beyond`` also that of a fixed cell, where
        no other would do.
        """
        free = present & ~fixed
        start = self._around_fixed(values.copy(), present, fixed, beyond)
        found = []
        for direction in (1, -1):
            candidate = self._moved(start.copy(), present, free, direction)
            cost = np.abs(candidate.astype(np.float64) - values).sum(axis=1)
            cost[self.broken(candidate, present)] = np.inf
            found.append((candidate, cost + rng.random(len(cost)) * 1e-9 * (1 + cost)))
        (raised, up), (lowered, down) = found
        return np.where((up <= down)[:, None], raised, lowered)

    def cell_values(self, k: int, values: np.ndarray) -> np.ndarray:
        """Canonical cell values (n,) of values (n,) on the common scale."""
        if self.encoders[k].column.kind == "float":
            plain = values / self.factors[k] if self.whole else values
            digits = self.encoders[k].column.decimals
            return np.asarray(plain if digits is None else np.round(plain, digits))
        return (values // int(self.factors[k])).astype(np.int64)

    def _around_fixed(
        self, values: np.ndarray, present: np.ndarray, fixed: np.ndarray, beyond: bool
    ) -> np.ndarray:
        """Cells on the wrong side of a fixed one are moved to it."""
        held = fixed & present
        for k in np.flatnonzero(held.any(axis=0)):
            for others, direction in ((self.below[k], -1), (self.above[k], 1)):
                for j in others:
                    wrong = direction * values[:, j] < direction * values[:, k]
                    rows = wrong & held[:, k] & present[:, j] & ~fixed[:, j]
                    self._move(values, j, values[:, k], direction, rows, beyond)
        return values

    def _moved(
        self, values: np.ndarray, present: np.ndarray, free: np.ndarray, direction: int
    ) -> np.ndarray:
        """Raise (+1) or lower (-1) cells until all are in order, within what can be emitted."""
        order = self.order if direction > 0 else self.order[::-1]
        bounds = self._bounds(direction)
        for j in order:
            over = free[:, j] & (direction * values[:, j] > direction * bounds[j])
            values[over, j] = bounds[j]
        for j in order:
            for k in self.below[j] if direction > 0 else self.above[j]:
                wrong = direction * values[:, j] < direction * values[:, k]
                self._move(values, j, values[:, k], direction, wrong & free[:, j] & present[:, k])
        return values

    def _bounds(self, direction: int) -> list[float | int]:
        """How far each column may be raised (+1) or lowered so that those beyond can follow."""
        last: float | int = direction * (_LAST if self.whole else np.inf)
        bounds = [last] * len(self.encoders)
        for j in self.order[::-1] if direction > 0 else self.order:
            beyond = self.above[j] if direction > 0 else self.below[j]
            end = direction * min([direction * bounds[k] for k in beyond], default=_LAST)
            at = np.array([end], np.int64 if self.whole else np.float64)
            found, good = self._emittable(j, at, -direction)
            bounds[j] = found[0] if good[0] else end
        return bounds

    def _move(
        self,
        values: np.ndarray,
        j: int,
        to: np.ndarray,
        direction: int,
        rows: np.ndarray,
        beyond: bool = False,
    ) -> None:
        """Move cells of ``rows`` to the nearest value that is not on the wrong side of ``to``."""
        if rows.any():
            found, good = self._emittable(j, to[rows], direction)
            values[np.flatnonzero(rows)[good], j] = found[good]
            if beyond:
                values[np.flatnonzero(rows)[~good], j] = to[rows][~good]

    def _emittable(self, j: int, x: np.ndarray, direction: int) -> tuple[np.ndarray, np.ndarray]:
        """The nearest value (n,) that a column may emit, on the common scale; and if it exists."""
        encoder, factor = self.encoders[j], self.factors[j] if self.whole else 1.0
        # the origin is taken off before floats lose digits
        offset = encoder.origin * int(factor)
        found = encoder.emittable((x - offset) / factor, direction)
        good = np.isfinite(found)
        found = np.where(good, found * factor, 0.0)
        if self.whole:
            return np.rint(found).astype(np.int64) + offset, good
        return found, good

    def _scaled(self, k: int, values: np.ndarray) -> np.ndarray:
        if not self.whole:
            return values.astype(np.float64)
        if values.dtype.kind in "iu":
            return values.astype(np.int64) * int(self.factors[k])
        return np.rint(values * self.factors[k]).astype(np.int64)


def _closure(n: int, pairs: Sequence[Pair]) -> list[list[int]]:
    """Of each column, all that must not be above it."""
    reach = np.zeros((n, n), bool)
    for low, high in pairs:
        reach[high, low] = True
    for k in range(n):
        reach |= reach[:, [k]] & reach[[k], :]
    np.fill_diagonal(reach, False)
    return [np.flatnonzero(row).tolist() for row in reach]
