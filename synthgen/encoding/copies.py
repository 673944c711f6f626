"""Cells that equal another cell of their row: codes that say "the same as column k".

What was paid is often what was billed, to the cent. No distribution of numbers says so; a code
does. A copied cell carries no value: it gets the decoded cell of its source.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.cells import Cells
from synthgen.schema import Column

MOST_SOURCES = 3
_TIMES = ("datetime", "duration")
_NUMBERS = ("integer", "float")
_EXACT_FLOAT = 2**53
# Decimals of a float are right up to so much of it.
_SLACK = 1e-12


@dataclass(frozen=True)
class Copies:
    """The copy codes of a column, one for each source.

    Attributes:
        sources: Names of the columns that a cell may be the same as.
        low, high: Where all of the column's numbers lie, copied or not, relative to its origin;
            protected like the ends of a quantile function.
    """

    sources: tuple[str | int, ...] = ()
    low: float = 0.0
    high: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {"sources": list(self.sources), "low": self.low, "high": self.high}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Copies:
        """Inverse of `to_dict`; raises `ValueError` if the ends are none."""
        low, high = float(data["low"]), float(data["high"])
        if not (np.isfinite([low, high]).all() and low <= high):
            raise ValueError("a column with copies has no range")
        return cls(tuple(data["sources"]), low, high)


NO_COPIES = Copies()


def copyable(source: Column, target: Column) -> bool:
    """Whether cells of one column can be those of another: both numbers, or times in one unit."""
    if target.kind in _NUMBERS:
        return source.kind in _NUMBERS
    form = [(column.unit or "ns", column.zone is None) for column in (source, target)]
    return target.kind in _TIMES and source.kind == target.kind and form[0] == form[1]


def converted(cells: Cells, one: Column, other: Column) -> Cells:
    """Cells (n,) of a column in the form of another; missing where that cannot hold them."""
    values = cells.values
    if one.kind == "float" and one.decimals is not None:
        values = np.round(values, one.decimals)
    if other.kind == "float":
        off = (np.abs(values) > _EXACT_FLOAT) & (one.kind == "integer")
        exact, values = values, values.astype(np.float64)
        if other.decimals is not None:
            values = np.round(values, other.decimals)
        off |= np.abs(values - exact) > _SLACK * np.abs(values)
    elif one.kind == "float":
        off = (values != np.rint(values)) | (np.abs(values) > _EXACT_FLOAT)
        values = np.where(off, 0.0, values).astype(np.int64)
    else:
        off = values % (other.resolution or 1) != 0
    return Cells(values, cells.missing | off)


def equal(source: Cells, target: Cells, columns: tuple[Column, Column]) -> np.ndarray:
    """(n,) bool: rows in which the target holds what the source does, to the last digit."""
    one, other = columns
    there, here = converted(source, one, other), converted(target, other, other)
    return np.asarray(~there.missing & ~target.missing & (there.values == here.values))


def first_equal(
    target: Cells, column: Column, sources: Sequence[tuple[Cells, Column]]
) -> np.ndarray:
    """(n,) int64: which of the sources a cell is the same as, the first of several; -1 for none."""
    found = np.full(len(target.missing), -1, np.int64)
    for k, (cells, source) in reversed([*enumerate(sources)]):
        found[equal(cells, target, (source, column))] = k
    return found


class CircleError(ValueError):
    """Columns (by index) that need each other, or one that does."""

    def __init__(self, columns: Collection[int]) -> None:
        super().__init__("columns copy each other in a circle")
        self.columns = columns


def sources_first(
    sources: Mapping[int, tuple[int, ...]],
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Columns and their sources in an order in which every source is known before its copies.

    Raises:
        CircleError: If columns copy each other in a circle.
    """
    waiting, ordered = dict(sources), []
    while waiting:
        ready = [j for j, own in waiting.items() if not waiting.keys() & set(own)]
        if not ready:
            raise CircleError(waiting.keys())
        ordered += [(j, waiting.pop(j)) for j in ready]
    return tuple(ordered)
