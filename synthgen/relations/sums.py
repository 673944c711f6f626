"""Numbers that add up: totals, differences, shares of a whole, multiples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synthgen.cells import Cells
from synthgen.relations.evidence import (
    break_rate_below,
    is_more_than_chance,
    log_chance_of_rows,
)
from synthgen.relations.numbers import decimals, grid, ticks, tolerance
from synthgen.relations.reader import Name, Reader, matrix
from synthgen.schema import Column, Relation

MOST_COLUMNS = 300
_MOST_PARTS = 64
_MOST_UNEVEN_PARTS = 4
# A weight is 1, or a simple number; only a lone one may be any.
_SIMPLE = np.unique([n / d for n in range(1, 13) for d in range(1, 13)] + [60, 100, 1000, 3600])
_SPARE_ROWS = 20


def find(reader: Reader, copied: set[Name], computed: set[Name]) -> list[Relation]:
    """Sums that hold in every row, each with the column first that is best computed.

    Args:
        reader: The table.
        copied: Columns that are left out.
        computed: Columns that cannot be the computed one, such as those that decide others.
    """
    numbers = [c for c in reader.columns("integer", "float") if c.name not in copied]
    taken, found = set(computed), []
    for columns, weights, constant in _candidates(reader.sample, numbers[:MOST_COLUMNS]):
        candidate = Sum(tuple(columns), weights, constant)
        solved = _best_form(reader, candidate, taken, len(numbers) ** 2)
        if solved is not None:
            taken.add(solved.columns[0])
            found.append(solved)
    return found


def computed(
    columns: Sequence[Column], cells: Sequence[Cells], factors: Sequence[float], constant: float
) -> Cells:
    """The first of ``columns`` from the cells (n,) of the others, on its own decimals.

    Missing where any of the others is.
    """
    result, missing = columns[0], np.logical_or.reduce([held.missing for held in cells])
    digits = decimals(result)
    whole = grid(columns)
    if whole is not None and _is_whole(factors, constant, whole):
        total = np.full(len(missing), round(constant * 10**whole), np.int64)
        for held, factor in zip(cells, factors, strict=True):
            total += int(factor) * ticks(np.where(held.missing, 0, held.values), 10.0**whole)
        if result.kind == "integer":
            return Cells(np.rint(total / 10**whole).astype(np.int64), missing)
        return Cells(np.round(total / 10.0**whole, digits or 0), missing)
    value = np.full(len(missing), constant)
    for held, factor in zip(cells, factors, strict=True):
        value = value + factor * np.where(held.missing, 0, held.values).astype(np.float64)
    if digits is not None:
        value = np.round(value, digits)
    return Cells(value.astype(np.int64) if result.kind == "integer" else value, missing)


def unequal(
    columns: Sequence[Column], cells: Sequence[Cells], factors: Sequence[float], constant: float
) -> np.ndarray:
    """(n,) bool: rows whose first cell is not the sum of the others, or is missing otherwise."""
    first = cells[0]
    total = computed(columns, cells[1:], factors, constant)
    both = ~first.missing & ~total.missing
    whole = grid(columns)
    if whole is not None and _is_whole(factors, constant, whole):
        if (decimals(columns[0]) or 0) < whole:
            finest = Column(name="", kind="float", decimals=whole)
            total = computed([finest, *columns[1:]], cells[1:], factors, constant)
        off = ticks(first.values, 10.0**whole) != ticks(total.values, 10.0**whole)
    else:
        exact = Column(name="", kind="float")
        total = computed([exact, *columns[1:]], cells[1:], factors, constant)
        size = np.abs(first.values.astype(np.float64)) + abs(constant)
        for held, factor in zip(cells[1:], factors, strict=True):
            size = size + abs(factor) * np.abs(np.where(held.missing, 0, held.values))
        digits = decimals(columns[0])
        slack = tolerance(columns) * size + (0 if digits is None else 0.5 * 10.0**-digits)
        off = np.abs(first.values - total.values) > slack
    return np.asarray((both & off) | (first.missing ^ total.missing))


@dataclass(frozen=True)
class Sum:
    """``columns[0] = constant + weights . columns[1:]``."""

    columns: tuple[Column, ...]
    weights: tuple[float, ...]
    constant: float

    def solved_for(self, k: int) -> Sum:
        """The same with another column on the left."""
        if k == 0:
            return self
        own = self.weights[k - 1]
        rest = [-w / own for i, w in enumerate(self.weights, 1) if i != k]
        others = [c for i, c in enumerate(self.columns[1:], 1) if i != k]
        return Sum(
            (self.columns[k], self.columns[0], *others), (1 / own, *rest), 0.0 - self.constant / own
        )


def needs_no_rounding(form: Sum) -> bool:
    """Whether every sum of numbers with the columns' decimals has those of the first column."""
    own, *others = (decimals(column) for column in form.columns)
    if own is None:
        return None in others
    if None in others:
        return False
    steps = [w * 10.0 ** (own - (d or 0)) for w, d in zip(form.weights, others, strict=True)]
    return all(abs(x - round(x)) < 1e-9 for x in [*steps, form.constant * 10.0**own])


def _is_whole(factors: Sequence[float], constant: float, digits: int) -> bool:
    """Whether the sum of numbers on the grid is on it."""
    scaled = constant * 10**digits
    return all(f == int(f) for f in factors) and abs(scaled - round(scaled)) < 1e-6


def _candidates(
    reader: Reader, numbers: list[Column]
) -> Iterator[tuple[list[Column], tuple[float, ...], float]]:
    """Linear relations with simple weights in the sampled rows, by orthogonalization.

    Every column is projected onto those before it that do not depend on others; one that leaves
    nothing is a combination of them.
    """
    rows = _complete_rows(reader, numbers)
    values = matrix([reader.cells(c.name).values[rows].astype(np.float64) for c in numbers])
    scale = np.abs(values).max(axis=0, initial=0)
    varied = np.flatnonzero((values != values[:1]).any(axis=0)) if len(values) else np.zeros(0, int)
    if not len(varied) or len(values) < len(varied) + _SPARE_ROWS:
        return
    basis = np.full((len(values), 1), 1 / np.sqrt(len(values)))
    free: list[int] = []
    for j in varied:
        x = values[:, j] / scale[j]
        left = x - basis @ (basis.T @ x)
        left -= basis @ (basis.T @ left)
        if np.linalg.norm(left) > 1e-7 * np.linalg.norm(x):
            basis = np.column_stack([basis, left / np.linalg.norm(left)])
            free.append(int(j))
            continue
        ones = np.ones((len(values), 1))
        design = np.column_stack([ones, values[:, free] / scale[free]])
        solution = np.linalg.lstsq(design, x, rcond=None)[0] * scale[j]
        weights = solution[1:] / scale[free]
        found = _simplified(weights, float(solution[0]), scale[free] / scale[j])
        if found is not None:
            parts, kept, constant = found
            yield [numbers[j], *(numbers[free[p]] for p in parts)], kept, constant


def _complete_rows(reader: Reader, numbers: list[Column]) -> np.ndarray:
    """(n,) bool: rows in which nothing is missing; columns with most gaps are taken out of it."""
    gaps = sorted((reader.cells(c.name).missing.mean(), i) for i, c in enumerate(numbers))
    kept = np.ones(reader.rows, bool)
    dropped = set()
    for _, i in gaps:
        now = kept & ~reader.cells(numbers[i].name).missing
        if now.sum() < len(numbers) + _SPARE_ROWS:
            dropped.add(i)
        else:
            kept = now
    numbers[:] = [c for i, c in enumerate(numbers) if i not in dropped]
    return kept


def _simplified(
    weights: np.ndarray, constant: float, share: np.ndarray
) -> tuple[list[int], tuple[float, ...], float] | None:
    """Parts with their weights and the constant, if these are what a person would write."""
    parts = np.flatnonzero(np.abs(weights) * share > 1e-7)
    if not 1 <= len(parts) <= _MOST_PARTS:
        return None
    constant = float(f"{constant:.9g}") if abs(constant) > 1e-6 else 0.0
    if len(parts) == 1:
        factor = float(f"{weights[parts[0]]:.9g}")
        return parts.tolist(), (factor,), constant
    simple = []
    for weight in weights[parts]:
        near = _SIMPLE[np.abs(_SIMPLE - abs(weight)).argmin()]
        if abs(near - abs(weight)) > 1e-5:
            return None
        simple.append(float(np.sign(weight) * near))
    if len(parts) > _MOST_UNEVEN_PARTS and any(abs(w) != 1 for w in simple):
        return None
    return parts.tolist(), tuple(simple), constant


def _best_form(
    reader: Reader, candidate: Sum, taken: set[Name], candidates: int
) -> Relation | None:
    """The relation with the computed column first, or ``None`` if it does not hold."""
    best: tuple[tuple[int, float, int], Sum] | None = None
    for k in range(len(candidate.columns)):
        form = candidate.solved_for(k)
        # a sum that has to be rounded is taken only the way it was found
        rounded = k == 0 and any(w != int(w) for w in form.weights)
        if form.columns[0].name in taken or not (rounded or needs_no_rounding(form)):
            continue
        rank = (int(not form.columns[0].nullable), _overshoot(reader, form), k)
        if best is None or rank < best[0]:
            best = rank, form
    if best is None:
        return None
    form = best[1]
    cells = [reader.cells(column.name) for column in form.columns]
    if unequal(form.columns, cells, form.weights, form.constant).any():
        return None
    held = np.logical_and.reduce([~each.missing for each in cells])
    mixed = [*cells]
    mixed[0] = _permuted(cells[0])
    share = unequal(form.columns, mixed, form.weights, form.constant)[held].mean()
    rows = int(held.sum())
    if not is_more_than_chance(log_chance_of_rows(float(share), rows), candidates):
        return None
    place = {name: i for i, name in enumerate(reader.schema.names)}
    terms = sorted(
        ((column.name, w) for column, w in zip(form.columns[1:], form.weights, strict=True)),
        key=lambda term: place[term[0]],
    )
    ones = all(w == 1 for w in form.weights)
    return Relation(
        kind="sum",
        columns=(form.columns[0].name, *(name for name, _ in terms)),
        weights=None if ones else tuple(w for _, w in terms),
        constant=form.constant,
        rows=rows,
        break_rate_below=round(break_rate_below(rows), 9),
    )


def _overshoot(reader: Reader, form: Sum) -> float:
    """How far beyond the computed column's own range unrelated parts could take it."""
    ends = []
    for column in form.columns:
        held = reader.cells(column.name)
        present = held.values[~held.missing].astype(np.float64)
        ends.append((float(present.min(initial=0)), float(present.max(initial=0))))
    low = high = form.constant
    for weight, (least, most) in zip(form.weights, ends[1:], strict=True):
        low += min(weight * least, weight * most)
        high += max(weight * least, weight * most)
    width = ends[0][1] - ends[0][0]
    return round((max(0.0, ends[0][0] - low) + max(0.0, high - ends[0][1])) / max(width, 1e-300), 6)


def _permuted(cells: Cells) -> Cells:
    """Present cells in another order, missing ones where they are."""
    values = cells.values.copy()
    present = np.flatnonzero(~cells.missing)
    values[present] = values[np.random.default_rng(0).permutation(present)]
    return Cells(values, cells.missing)
