"""What holds in every real row, and how often synthetic rows break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.evaluation.auc import Z95
from synthgen.evaluation.features import ColumnFeature, Floats, TableFeatures
from synthgen.evaluation.result import MetricResult

_FEWEST_ROWS = 50
# A dependency or a set of values needs so many real rows per level to be more than chance.
_ROWS_PER_LEVEL = 20
# What would hold of columns drawn independently of each other too says nothing.
_LEAST_SURPRISE = 0.05
_MOST_COLUMNS = 60

Bools = npt.NDArray[np.bool_]
Broken = Callable[[Floats], Bools]


@dataclass(frozen=True)
class Constraint:
    """A property of every real row.

    Attributes:
        kind: ``"bounds"``, ``"never_missing"``, ``"integer"``, ``"known_values"``,
            ``"ordering"`` or ``"dependency"``.
        columns: The columns it is about.
        text: It in words.
        synthetic: Share of synthetic rows that break it.
        holdout: Share of holdout rows that do.
    """

    kind: str
    columns: tuple[str, ...]
    text: str
    synthetic: float
    holdout: float | None


@dataclass(frozen=True)
class Constraints:
    """Share of synthetic rows that break at least one constraint, in percent, and each of them."""

    violations: MetricResult
    found: tuple[Constraint, ...]


def constraints(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, holdout: pd.DataFrame | None = None
) -> Constraints:
    """Find what holds in every real row, and count the rows that break it.

    Looked for: bounds of numbers and times, columns never missing, whole numbers, sets of values,
    ``a <= b`` between columns of one kind, and columns that decide another. Orderings and
    dependencies count only where independent columns would break them. Holdout rows break some
    by chance; that rate is the baseline. Of more than 60 columns, only the first 60 are searched
    for orderings and dependencies.

    Raises:
        InvalidInputError: If the columns differ.
    """
    features = TableFeatures.of(real)
    known = features.matrix(real)
    made = features.matrix(synthetic)
    held = None if holdout is None else features.matrix(holdout)
    n = len(made)
    if len(known) < _FEWEST_ROWS:
        reason = f"{len(known)} real rows are too few to find what always holds: at least 50"
        return Constraints(MetricResult(None, "lower", n, "%", reason=reason), ())
    any_made = np.zeros(n, dtype=bool)
    any_held = None if held is None else np.zeros(len(held), dtype=bool)
    found = []
    for kind, names, text, broken in _candidates(features, known):
        by = broken(made)
        any_made |= by
        rate = None
        if held is not None and any_held is not None:
            by_held = broken(held)
            any_held |= by_held
            rate = float(by_held.mean())
        found.append(Constraint(kind, names, text, float(by.mean()), rate))
    if not found:
        return Constraints(MetricResult(None, "lower", n, "%", reason="nothing always holds"), ())
    share = float(any_made.mean())
    half = Z95 * float(np.sqrt(share * (1 - share) / n))
    ci = (100 * max(0.0, share - half), 100 * min(1.0, share + half))
    base = None if any_held is None else 100 * float(any_held.mean())
    found.sort(key=lambda constraint: -constraint.synthetic)
    return Constraints(MetricResult(100 * share, "lower", n, "%", ci, base), tuple(found))


_Candidate = tuple[str, tuple[str, ...], str, Broken]


def _candidates(features: TableFeatures, known: Floats) -> Iterator[_Candidate]:
    for index, column in enumerate(features.columns):
        yield from _single(column, index, known[:, index])
    searched = range(min(len(features.columns), _MOST_COLUMNS))
    coded = [_Coded.of(known[:, index]) for index in searched]
    for a, b in permutations(searched, 2):
        one, other = features.columns[a], features.columns[b]
        names = str(one.name), str(other.name)
        if _ordered(one, other, known[:, a], known[:, b]):
            yield "ordering", names, f"{names[0]} <= {names[1]}", _disordered(a, b, one, other)
        if _decides(coded[a], coded[b]):
            yield "dependency", names, f"{names[0]} decides {names[1]}", _undecided(a, b, known)


def _single(column: ColumnFeature, index: int, cells: Floats) -> Iterator[_Candidate]:
    """What holds for one column."""
    name = str(column.name)
    present = cells[~np.isnan(cells)]
    if len(present) == len(cells):
        yield "never_missing", (name,), f"{name} is never missing", lambda m: np.isnan(m[:, index])
    if not len(present):
        return
    if column.vocabulary is not None:
        if len(column.vocabulary) * _ROWS_PER_LEVEL <= len(present):
            text = f"{name} is one of {len(column.vocabulary)} values"
            yield "known_values", (name,), text, lambda m: m[:, index] < 0
        return
    if column.reading == "boolean":
        return
    low, high = float(present.min()), float(present.max())
    text = f"{name} is from {_shown(column, low)} to {_shown(column, high)}"
    yield "bounds", (name,), text, lambda m: (m[:, index] < low) | (m[:, index] > high)
    if column.reading == "number" and bool((present == np.round(present)).all()):
        text = f"{name} is a whole number"
        yield "integer", (name,), text, lambda m: np.abs(m[:, index] - np.round(m[:, index])) > 0


def _ordered(one: ColumnFeature, other: ColumnFeature, low: Floats, high: Floats) -> bool:
    if one.reading != other.reading or one.reading not in ("number", "datetime", "duration"):
        return False
    low, high = low + one.origin_s, high + other.origin_s
    both = ~np.isnan(low) & ~np.isnan(high)
    if both.sum() < _FEWEST_ROWS or bool((low[both] > high[both]).any()):
        return False
    # How often would a row break it if the columns were independent?
    order = np.sort(high[both])
    broken = np.searchsorted(order, low[both], side="left") / len(order)
    return float(broken.mean()) >= _LEAST_SURPRISE


def _disordered(a: int, b: int, one: ColumnFeature, other: ColumnFeature) -> Broken:
    gap = one.origin_s - other.origin_s
    return lambda matrix: matrix[:, a] + gap > matrix[:, b]


@dataclass(frozen=True)
class _Coded:
    """A column as codes of its distinct values, missing being one of them."""

    levels: Floats
    codes: npt.NDArray[np.intp]
    surprise: float

    @classmethod
    def of(cls, cells: Floats) -> _Coded:
        levels, codes, counts = np.unique(_present(cells), return_inverse=True, return_counts=True)
        return cls(levels, codes, 1 - float(((counts / len(cells)) ** 2).sum()))


def _decides(one: _Coded, other: _Coded) -> bool:
    """Whether every value of ``one`` comes with one value of ``other``, with enough support."""
    if not 2 <= len(one.levels) <= len(one.codes) / _ROWS_PER_LEVEL:
        return False
    if other.surprise < _LEAST_SURPRISE:
        return False
    partner = np.empty(len(one.levels), dtype=np.intp)
    partner[one.codes] = other.codes
    return bool((partner[one.codes] == other.codes).all())


def _undecided(a: int, b: int, known: Floats) -> Broken:
    """Rows whose value of ``a`` is known and comes with another value of ``b``."""
    levels, first = np.unique(_present(known[:, a]), return_index=True)
    partner = _present(known[:, b])[first]

    def broken(matrix: Floats) -> Bools:
        one, other = _present(matrix[:, a]), _present(matrix[:, b])
        place = np.clip(np.searchsorted(levels, one), 0, len(levels) - 1)
        return np.asarray((levels[place] == one) & (partner[place] != other))

    return broken


def _present(cells: Floats) -> Floats:
    """Missing as a value of its own."""
    return np.where(np.isnan(cells), -np.inf, cells)


def _shown(column: ColumnFeature, number: float) -> str:
    if column.reading == "datetime":
        return str(pd.Timestamp(number + column.origin_s, unit="s").floor("s"))
    return str(pd.Timedelta(number, unit="s")) if column.reading == "duration" else f"{number:.10g}"
