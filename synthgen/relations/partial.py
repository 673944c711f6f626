"""Numbers that are those of another column of their row in some rows: paid as billed.

Two numbers of a row are equal by chance as often as their values' frequencies say, and in columns
that move together as often as they are apart by any other difference. A copy is equal far more
often than both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np

from synthgen.cells import Cells
from synthgen.encoding.copies import MOST_SOURCES, converted, copyable, equal
from synthgen.encoding.quantiles import Points
from synthgen.encoding.summary import find_atoms
from synthgen.relations.evidence import is_more_than_chance, log_chance_of_many
from synthgen.relations.reader import Name, Reader
from synthgen.schema import Column, Relation

MOST_COLUMNS = 300
LEAST_SHARE = 0.03
# A share that is not so many times what chance makes of it is none of copies.
_FAR_ABOVE = 4.0
# What is looked at on all rows: pairs with half the share in the sample, so many per column.
_MOST_CANDIDATES = 8


def find(reader: Reader, sources: Collection[Name], targets: Collection[Name]) -> list[Relation]:
    """Pairs (source, target), the source before the target, at most three for each target.

    Args:
        sources, targets: Columns that may be either; numbers and times of them are looked at.
    """
    kinds = ("integer", "float", "datetime", "duration")
    columns = [c for c in reader.columns(*kinds) if c.name in sources or c.name in targets]
    found = []
    for names, target in _candidates(reader.sample, columns[:MOST_COLUMNS], sources, targets):
        own = _Target(reader, target, len(columns) ** 2)
        for name in names:
            own.look_at(reader.schema[name])
        found += own.chosen()
    return found


def _candidates(
    reader: Reader, columns: list[Column], sources: Collection[Name], targets: Collection[Name]
) -> Iterator[tuple[list[Name], Column]]:
    """Columns of which some cells are equal in the sample: their sources, the likeliest first."""
    values = np.stack([_plain(reader, c) for c in columns]) if columns else np.zeros((0, 0))
    for j, target in enumerate(columns):
        own = values[j]
        free = ~np.isnan(own) & ~np.isin(own, find_atoms(Points.of(own[~np.isnan(own)])))
        before = [i for i, c in enumerate(columns[:j])
                  if c.name in sources and copyable(c, target)]  # fmt: skip
        if target.name not in targets or not free.any() or not before:
            continue
        share = (values[before][:, free] == own[free]).mean(axis=1)
        order = np.argsort(-share, kind="stable")[:_MOST_CANDIDATES]
        likely = [columns[before[i]].name for i in order if share[i] > LEAST_SHARE / 2]
        if likely:
            yield likely, target


def _plain(reader: Reader, column: Column) -> np.ndarray:
    """Values (n,) as floats, good enough to find equal ones; NaN where missing."""
    held = reader.cells(column.name)
    values = held.values.astype(np.float64)
    if column.decimals is not None:
        values = np.round(values, column.decimals)
    return np.where(held.missing, np.nan, values)


class _Target:
    """A column, and what of its numbers that are no atoms is explained by sources."""

    def __init__(self, reader: Reader, column: Column, candidates: int) -> None:
        self.reader, self.column, self.candidates = reader, column, candidates
        self.cells = converted(reader.cells(column.name), column, column)
        present = self.cells.values[~self.cells.missing]
        atoms = find_atoms(Points.of(present.astype(np.float64)))
        self.free = ~self.cells.missing & ~np.isin(self.cells.values.astype(np.float64), atoms)
        self.rows = int(self.free.sum())
        self.same: dict[Name, np.ndarray] = {}

    def look_at(self, source: Column) -> None:
        """Note where a source is the same, if that is more than chance."""
        there = self.reader.cells(source.name)
        same = equal(there, self.cells, (source, self.column)) & self.free
        if self._enough(int(same.sum())) and self._is_a_copy(same, there, source):
            self.same[source.name] = same

    def chosen(self) -> list[Relation]:
        """Sources, each of which explains enough of what those before it leave."""
        found: list[Relation] = []
        left = self.free.copy()
        while self.same and len(found) < MOST_SOURCES:
            gain = {name: int((same & left).sum()) for name, same in self.same.items()}
            best = max(gain, key=lambda name: gain[name])
            if not self._enough(gain[best]):
                break
            same = self.same.pop(best)
            share = float(same[self.free].mean())
            left &= ~same
            found.append(
                Relation(
                    kind="partial_copy",
                    columns=(best, self.column.name),
                    share=round(share, 2),
                    rows=self.rows,
                )
            )
        return found

    def _enough(self, count: int) -> bool:
        return count > LEAST_SHARE * self.rows

    def _is_a_copy(self, same: np.ndarray, there: Cells, source: Column) -> bool:
        """Whether the source is the same far more often than by chance."""
        count = int(same.sum())
        form = converted(there, source, self.column)
        chance = max(self._by_frequency(form), self._by_difference(form), 1 / self.rows)
        return count >= _FAR_ABOVE * chance * self.rows and is_more_than_chance(
            log_chance_of_many(count, self.rows, chance), self.candidates
        )

    def _by_frequency(self, there: Cells) -> float:
        """Share of equal rows if the columns had nothing to do with each other."""
        value, count = np.unique(there.values[~there.missing], return_counts=True)
        own = self.cells.values[self.free]
        if not len(value) or not len(own):
            return 0.0
        at = np.minimum(np.searchsorted(value, own), len(value) - 1)
        return float(np.where(value[at] == own, count[at], 0).mean() / len(there.missing))

    def _by_difference(self, there: Cells) -> float:
        """Share of the difference, other than none, that most rows have."""
        rows = self.free & ~there.missing
        gap = self.cells.values[rows] - there.values[rows]
        if self.column.decimals is not None:
            gap = np.round(gap, self.column.decimals)
        _, count = np.unique(gap[gap != 0], return_counts=True)
        return float(count.max(initial=0)) / self.rows
