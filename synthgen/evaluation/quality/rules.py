"""Example rules that hold for many more rows of one table than of the other, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.evaluation.features import ColumnFeature, Floats, TableFeatures
from synthgen.evaluation.quality.binning import Binning, Ints
from synthgen.evaluation.quality.thinning import fair_size, thin

MOST_ROWS = 20_000
_FEWEST_ROWS = 20
_DEPTH = 4
_LISTED = 5

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """A conjunction of conditions, and the share of each table's rows that meet it.

    Attributes:
        conditions: Each in words.
        real_pct: Of the real rows.
        synthetic_pct: Of the synthetic rows.
    """

    conditions: tuple[str, ...]
    real_pct: float
    synthetic_pct: float

    @property
    def text(self) -> str:
        """All conditions in one line."""
        return " and ".join(self.conditions)

    @property
    def side(self) -> str:
        """The table with the larger share."""
        return "synthetic" if self.synthetic_pct > self.real_pct else "real"


@dataclass(frozen=True)
class _Range:
    """Cells above ``low`` and up to ``high``."""

    low: float = -np.inf
    high: float = np.inf


def telling_rules(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    pairs: Sequence[tuple[str, str]] = (),
    most: int = 8,
    seed: int = 0,
    most_rows: int = MOST_ROWS,
) -> tuple[Rule, ...]:
    """Leaves of a shallow decision tree that tells the tables apart, the largest gap first.

    A greedy tree is blind to dependence between columns that are fine one by one, so of every
    pair given the combination of values that is most too frequent is added.

    Both tables are thinned to the smaller one and to ``most_rows``. Rules are found on one half
    of the rows and their shares are counted on the other, so that a rule is not chance: one whose
    shares differ by less than two standard errors is left out.

    Args:
        real: Real rows.
        synthetic: Synthetic rows of the same columns.
        pairs: Names, as text, of columns to combine.
        most: How many rules.
        seed: Of the thinning and the halves.
        most_rows: At most so many rows of each table.

    Raises:
        InvalidInputError: If the columns differ.
    """
    from sklearn.tree import DecisionTreeClassifier

    size = min(len(real), fair_size(synthetic, None, most_rows))
    if size < _FEWEST_ROWS:
        return ()
    features = TableFeatures.of(real)
    thinned = [thin(table, size, seed) for table in (real, synthetic)]
    rows, holes = _filled(np.concatenate([features.matrix(table) for table in thinned]))
    label = np.repeat([True, False], size)
    order = np.random.default_rng(seed).permutation(2 * size)
    fit, judge = order[:size], order[size:]
    tree = DecisionTreeClassifier(
        max_depth=_DEPTH, min_samples_leaf=max(5, size // 200), random_state=seed
    ).fit(rows[fit], label[fit])
    leaf = tree.apply(rows)
    found = [(ranges, leaf == node) for node, ranges in _leaves(tree.tree_).items()]
    binning = Binning.of(real)
    cells = np.concatenate([binning.codes(table) for table in thinned])
    names = [str(column.name) for column in features.columns]
    for pair in pairs:
        a, b = (names.index(name) for name in pair)
        inside = _cell(cells[:, a], cells[:, b], label, fit)
        found.append(({k: _extent(rows[inside, k]) for k in (a, b)}, inside))
    rules = {}
    for ranges, inside in found:
        shares = [float(inside[judge][label[judge] == s].mean()) for s in (True, False)]
        if ranges and _differ(shares, size // 2):
            conditions = tuple(
                _words(features.columns[k], ranges[k], rows[:, k], holes[k]) for k in sorted(ranges)
            )
            rules[conditions] = Rule(conditions, 100 * shares[0], 100 * shares[1])
    ranked = sorted(rules.values(), key=lambda r: (-abs(r.real_pct - r.synthetic_pct), r.text))
    return tuple(ranked[:most])


def _cell(one: Ints, other: Ints, label: Bools, fit: Ints) -> Bools:
    """Rows in the combination of bins whose synthetic share most exceeds its real one."""
    key = one * (int(other.max()) + 1) + other
    seen, place = np.unique(key, return_inverse=True)
    place, real = place[fit], label[fit]
    counts = [np.bincount(place[real == s], minlength=len(seen)) for s in (True, False)]
    gap = counts[1] / max(1, counts[1].sum()) - counts[0] / max(1, counts[0].sum())
    return np.asarray(key == seen[int(np.argmax(gap))])


def _extent(cells: Floats) -> _Range:
    """The smallest range that holds the cells of one bin."""
    return _Range(float(np.nextafter(cells.min(), -np.inf)), float(cells.max()))


def _filled(rows: Floats) -> tuple[Floats, list[float | None]]:
    """Missing cells as a number below all others, and that number for columns that have any."""
    rows = rows.copy()
    holes: list[float | None] = []
    for index in range(rows.shape[1]):
        missing = np.isnan(rows[:, index])
        known = rows[~missing, index]
        low = float(known.min()) if len(known) else 0.0
        hole = low - 1.0 - abs(low) * 1e-3
        rows[missing, index] = hole
        holes.append(hole if missing.any() else None)
    return rows, holes


def _differ(shares: list[float], rows: int) -> bool:
    error = float(np.sqrt(sum(share * (1 - share) for share in shares) / max(1, rows)))
    return abs(shares[0] - shares[1]) > 2 * error


def _leaves(tree: Any) -> dict[int, dict[int, _Range]]:
    """Ranges of columns on the way to every leaf."""
    found: dict[int, dict[int, _Range]] = {}
    waiting: list[tuple[int, dict[int, _Range]]] = [(0, {})]
    while waiting:
        node, ranges = waiting.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == right:
            found[node] = ranges
            continue
        index, cut = int(tree.feature[node]), float(tree.threshold[node])
        now = ranges.get(index, _Range())
        waiting.append((left, {**ranges, index: _Range(now.low, min(now.high, cut))}))
        waiting.append((right, {**ranges, index: _Range(max(now.low, cut), now.high)}))
    return found


def _words(column: ColumnFeature, found: _Range, cells: Floats, hole: float | None) -> str:
    """A range of codes as a condition a reader of the table understands."""
    name = str(column.name)
    known = cells if hole is None else cells[cells != hole]
    inside = np.unique(known[(known > found.low) & (known <= found.high)])
    missing = hole is not None and found.low < hole <= found.high
    if not len(inside):
        return f"{name} is missing"
    if missing is False and hole is not None and len(inside) == len(np.unique(known)):
        return f"{name} is not missing"
    tail = " or missing" if missing else ""
    if column.reading == "boolean":
        return f"{name} is {' or '.join(str(bool(v)).lower() for v in inside)}{tail}"
    if column.vocabulary is not None:
        return f"{name} {_levels(column.vocabulary, inside, np.unique(known))}{tail}"
    return f"{name} {_interval(column, found, inside, known)}{tail}"


def _levels(vocabulary: pd.Index, inside: Floats, known: Floats) -> str:
    outside = np.setdiff1d(known, inside)
    if len(inside) == 1:
        return f"is {_level(vocabulary, inside[0])}"
    if len(outside) < len(inside) and len(outside) <= _LISTED:
        if len(outside) == 1:
            return f"is not {_level(vocabulary, outside[0])}"
        return f"is none of {_listed(vocabulary, outside)}"
    return f"is one of {_listed(vocabulary, inside)}"


def _listed(vocabulary: pd.Index, codes: npt.NDArray[np.float64]) -> str:
    names = [_level(vocabulary, code) for code in codes[:_LISTED]]
    rest = len(codes) - len(names)
    return ", ".join(names) + (f" and {rest} more" if rest else "")


def _level(vocabulary: pd.Index, code: float) -> str:
    return repr(str(vocabulary[int(code)])) if code >= 0 else "a value no real row has"


def _interval(column: ColumnFeature, found: _Range, inside: Floats, known: Floats) -> str:
    """The values that lie in the range, not the cut between them."""
    low, high = float(inside[0]), float(inside[-1])
    below, above = bool((known <= found.low).any()), bool((known > found.high).any())
    if low == high:
        return f"is {_value(column, low)}"
    if below and above:
        return f"is from {_value(column, low)} to {_value(column, high)}"
    return f"is at least {_value(column, low)}" if below else f"is at most {_value(column, high)}"


def _value(column: ColumnFeature, number: float) -> str:
    if column.reading == "datetime":
        return str(pd.Timestamp(number + column.origin_s, unit="s").floor("s"))
    if column.reading == "duration":
        return str(pd.Timedelta(number, unit="s"))
    return f"{number:.10g}"
