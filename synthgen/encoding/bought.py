"""The encoders of a private table: everything in them is declared, or bought from its ledger.

Categories without declared values: those that enough rows hold, by a threshold; the others become
`OTHER`. Numbers without declared bounds: the powers of two between which enough rows lie. Inside
the bounds a tree of halved intervals is bought level by level, and splits where many rows are (the
idea of Zhang, Xiao and Xie, *PrivTree*, 2016, with Gaussian noise and so a fixed depth): common
values end as bins of their own, empty stretches as one wide bin. At last the counts of all codes
of all columns are bought at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.cells import Cells
from synthgen.encoding.binned import BinnedEncoder
from synthgen.encoding.category import OTHER, CategoryEncoder
from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.generated import GeneratedEncoder
from synthgen.encoding.numeric import rounding_step
from synthgen.encoding.table import EncodedTable, TableEncoder
from synthgen.errors import InvalidInputError
from synthgen.privacy.ledger import PrivateTable
from synthgen.schema import Column, Schema

NUMERIC = ("integer", "float", "datetime", "duration")
# parts of the budget: bounds and values that are not declared, the trees, the counts of all codes
COUNT_SHARE = 0.005
DISCOVERY_SHARE, TREE_SHARE, COUNTS_SHARE = 0.02, 0.05, 0.10
# halvings of bounds down to single values, and down to the leaves of a continuous column
_MOST_LEVELS, _CONTINUOUS_LEVELS = 20, 14
# an interval splits that holds a row in so many, and more than the noise by so many deviations
_FINENESS, _CERTAIN = 64, 4.0
# values that nothing names are left out where they are no more than noise by so many deviations
_RARE = 3.0
# powers of two that are told apart where no bounds are declared
_EXPONENTS = np.arange(-32, 64)


@dataclass(frozen=True)
class CellRows:
    """Cells of all columns, to be taken by row."""

    columns: tuple[Cells, ...]

    @classmethod
    def of(cls, frame: pd.DataFrame, schema: Schema) -> CellRows:
        """Cells of a canonical frame, whose misfits are not repeated in the error.

        Raises:
            InvalidInputError: If a column does not hold what is declared.
        """
        found = []
        for column in schema:
            try:
                found.append(cell.read(frame[column.name], column))
            except InvalidInputError:
                raise InvalidInputError(
                    f"column {column.name!r} is declared {column.kind} and holds something else; "
                    "correct the schema or the table (with epsilon no cell is shown)"
                ) from None
        return cls(tuple(found))

    def __len__(self) -> int:
        return len(self.columns[0].missing)

    def take(self, rows: np.ndarray) -> CellRows:
        """The given rows (k,)."""
        return CellRows(
            tuple(replace(c, values=c.values[rows], missing=c.missing[rows]) for c in self.columns)
        )


def buy_encoder(schema: Schema, table: PrivateTable[CellRows], n_rows: float) -> TableEncoder:
    """Encoders of a private table.

    Args:
        schema: Declared.
        table: The rows.
        n_rows: Noisy number of rows.
    """
    levels = _levels(schema, table)
    bins = _trees(schema, table, _bounds(schema, table), n_rows)
    start = [_encoder(c, levels.get(j), bins.get(j), None) for j, c in enumerate(schema)]
    parts: list[tuple[Callable[[CellRows], np.ndarray], int]] = [
        (_codes_of(encoder, j), encoder.n_codes) for j, encoder in enumerate(start)
    ]
    counts = table.histograms("counts of all codes of all columns", parts, COUNTS_SHARE)
    sigma = table.sigma(COUNTS_SHARE, len(parts))
    columns = []
    for j, column in enumerate(schema):
        known, held = levels.get(j), counts[j]
        if known and known[-1] == OTHER and column.categories is None and len(known) > 1:
            other = len(known) - 1
            if held[other] < _RARE * sigma:
                known, held = known[:-1], np.delete(held, other)
        columns.append(_encoder(column, known, bins.get(j), held))
    return TableEncoder(schema, tuple(columns))


def encode(rows: CellRows, encoder: TableEncoder) -> EncodedTable:
    """Codes of private rows; values inside bins are not learned."""
    codes = [_codes_of(column, j)(rows) for j, column in enumerate(encoder.columns)]
    stacked = np.stack(codes, axis=1).astype(np.int32)
    return EncodedTable(stacked, np.zeros(stacked.shape, np.float32))


def _codes_of(encoder: ColumnEncoder, j: int) -> Callable[[CellRows], np.ndarray]:
    """Codes (n,) of a column, each of its own row alone: no other row may have a part in it."""
    stand_in = int(np.argmax(encoder.share))
    if isinstance(encoder, CategoryEncoder) and OTHER in encoder.levels:
        stand_in = encoder.levels.index(OTHER)

    def codes(rows: CellRows) -> np.ndarray:
        cells = rows.columns[j]
        found, _ = encoder.encode(cells, np.random.default_rng(0))
        odd = found < 0
        if isinstance(encoder, CategoryEncoder):
            # an encoder draws a level for those that it has no code for, row after row
            known = np.array([level in encoder.levels for level in cells.levels or (False, True)])
            odd |= ~cells.missing & ~known[np.where(cells.missing, 0, cells.values).astype(int)]
        return np.where(odd, stand_in, found)

    return codes


def _encoder(
    column: Column,
    levels: tuple[Any, ...] | None,
    bins: tuple[np.ndarray, np.ndarray] | None,
    counts: np.ndarray | None,
) -> ColumnEncoder:
    """The encoder of a column; without counts all codes are as frequent."""
    missing = column.nullable
    if bins is not None:
        n = len(bins[0])
        counts = np.ones(n + missing) if counts is None else _in_order(counts, *bins)
        return BinnedEncoder.of(column, *bins, counts[:n], max(counts[-1], 1.0) * missing)
    n = 1 if levels is None else len(levels)
    held = np.maximum(np.ones(n + missing) if counts is None else counts, 1.0)
    share = held / held.sum()
    if levels is None:
        return GeneratedEncoder(column, share, missing)
    return CategoryEncoder(column, share, missing, levels, ())


def _in_order(counts: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Counts by code (atoms, wider bins, missing) as counts by bin in ascending order."""
    order = np.r_[np.flatnonzero(low == high), np.flatnonzero(low != high)]
    found = counts.copy()
    found[order] = counts[: len(order)]
    return found


def _levels(schema: Schema, table: PrivateTable[CellRows]) -> dict[int, tuple[Any, ...]]:
    """Values of categories by column, declared or found."""
    found: dict[int, tuple[Any, ...]] = {}
    unknown = []
    for j, column in enumerate(schema):
        if column.kind == "boolean":
            found[j] = (False, True)
        elif column.kind == "category" and column.categories is not None:
            found[j] = column.categories
        elif column.kind == "category":
            unknown.append(j)
    for j in unknown:

        def counts(rows: CellRows, j: int = j) -> dict[Any, int]:
            cells = rows.columns[j]
            held = Counter(cells.values[~cells.missing].tolist())
            return {(cells.levels or (False, True))[k]: n for k, n in held.items()}

        name = schema.names[j]
        share = DISCOVERY_SHARE / len(unknown)
        known = table.levels(f"values of column {name!r}", counts, share, 1 / len(unknown))
        found[j] = (*(k for k in known if k != OTHER), OTHER)
    return found


def _bounds(schema: Schema, table: PrivateTable[CellRows]) -> dict[int, tuple[float, float]]:
    """First and last value of numeric columns, declared or found."""
    found: dict[int, tuple[float, float]] = {}
    unknown: list[int] = []
    for j, column in enumerate(schema):
        if column.kind not in NUMERIC:
            continue
        if column.minimum is None or column.maximum is None:
            unknown.append(j)
        else:
            found[j] = (float(column.minimum), float(column.maximum))
    if not unknown:
        return found
    n_cells = 2 * len(_EXPONENTS) + 1

    def magnitude(j: int) -> Callable[[CellRows], np.ndarray]:
        def cells(rows: CellRows) -> np.ndarray:
            held = rows.columns[j]
            x = np.where(held.missing, 0, held.values).astype(np.float64)
            exponent = np.floor(np.log2(np.maximum(np.abs(x), 1e-300)))
            place = (exponent - _EXPONENTS[0]).clip(0, len(_EXPONENTS) - 1).astype(np.int64) + 1
            place = np.where(np.abs(x) < 2.0 ** int(_EXPONENTS[0]), 0, place)
            return np.where(held.missing, -1, len(_EXPONENTS) + np.sign(x).astype(int) * place)

        return cells

    counts = table.histograms(
        "magnitudes of numbers without declared bounds",
        [(magnitude(j), n_cells) for j in unknown],
        DISCOVERY_SHARE,
    )
    sigma = table.sigma(DISCOVERY_SHARE, len(unknown))
    for j, held in zip(unknown, counts, strict=True):
        # of 193 cells of noise alone, one in a thousand columns has one this large
        place = np.flatnonzero(held > 4.5 * sigma) - len(_EXPONENTS)
        place = place if len(place) else np.zeros(1, int)
        column = schema.columns[j]
        low = _edge(int(place.min()), -1) if column.minimum is None else column.minimum
        high = _edge(int(place.max()), +1) if column.maximum is None else column.maximum
        found[j] = (float(low), float(max(high, low)))
    return found


def _edge(place: int, side: int) -> float:
    """The outer end of a cell of magnitudes towards a side."""
    if place == 0:
        return 0.0
    outer = side * place > 0
    exponent = float(_EXPONENTS[abs(place) - 1] + outer)
    return float(np.sign(place) * 2.0**exponent)


@dataclass
class _Tree:
    """Halved intervals of one column.

    Attributes:
        first, unit: Value of the first leaf, and the distance of leaves.
        levels: Halvings from the whole to a leaf.
        n_leaves: Leaves up to the upper bound.
        open: Intervals that may split, at the level reached.
        done: (level, index) of those that stay.
    """

    j: int
    first: float
    unit: float
    levels: int
    n_leaves: int
    continuous: bool
    open: np.ndarray
    done: list[tuple[int, int]]

    @classmethod
    def of(cls, j: int, column: Column, low: float, high: float) -> _Tree:
        unit = rounding_step(column)
        n = (high - low) / unit + 1 if unit else np.inf
        continuous = n > 2**_MOST_LEVELS
        if continuous:
            n = 2.0**_CONTINUOUS_LEVELS
            unit = max(high - low, 1e-9) / n
        levels = int(np.ceil(np.log2(max(n, 1))))
        return cls(j, low, unit, levels, int(n), continuous, np.zeros(1, np.int64), [])

    def cells(self, level: int) -> Callable[[CellRows], np.ndarray]:
        """Which of the children of open intervals each row is in."""
        children = self.children()

        def found(rows: CellRows) -> np.ndarray:
            held = rows.columns[self.j]
            x = np.where(held.missing, 0, held.values).astype(np.float64)
            leaf = np.floor((x - self.first) / self.unit + (0 if self.continuous else 0.5))
            leaf = leaf.clip(0, self.n_leaves - 1).astype(np.int64)
            index = leaf >> (self.levels - level)
            place = np.searchsorted(children, index).clip(max=len(children) - 1)
            return np.where((children[place] == index) & ~held.missing, place, -1)

        return found

    def children(self) -> np.ndarray:
        """Indices of the halves of open intervals at the next level."""
        return np.sort(np.r_[2 * self.open, 2 * self.open + 1])

    def grow(self, level: int, counts: np.ndarray, threshold: float) -> None:
        """Take the noisy counts of a level: the heavy ones stay open."""
        children = self.children()
        inside = children << (self.levels - level) < self.n_leaves
        heavy = (counts > threshold) & inside & (level < self.levels)
        self.done += [(level, int(k)) for k in children[inside & ~heavy]]
        self.open = children[heavy]

    def bins(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last value of the bins, ascending."""
        if not self.done:
            self.done = [(0, 0)]
        below = [(self.levels - level, k) for level, k in self.done]
        spans = sorted((k << depth, (k + 1) << depth) for depth, k in below)
        first = np.array([a for a, _ in spans], np.float64)
        end = np.minimum(np.array([b for _, b in spans], np.float64), self.n_leaves)
        last = end if self.continuous else end - 1
        return self.first + first * self.unit, self.first + last * self.unit


def _trees(
    schema: Schema,
    table: PrivateTable[CellRows],
    bounds: dict[int, tuple[float, float]],
    n_rows: float,
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Bins of numeric columns."""
    trees = [_Tree.of(j, schema.columns[j], *ends) for j, ends in bounds.items()]
    deepest = max((tree.levels for tree in trees), default=0)
    for level in range(1, deepest + 1):
        # where none grows the level is paid for all the same: what is left for later steps must
        # not tell how deep it went
        growing = [tree for tree in trees if len(tree.open) and level <= tree.levels]
        share = TREE_SHARE / deepest
        counts = table.histograms(
            f"intervals of numbers, level {level}",
            [(tree.cells(level), 2 * len(tree.open)) for tree in growing],
            share,
        )
        sigma = table.sigma(share, len(growing))
        for tree, held in zip(growing, counts, strict=True):
            tree.grow(level, held, max(n_rows / _FINENESS, _CERTAIN * sigma))
    return {tree.j: tree.bins() for tree in trees}
