"""How a column is distributed in two or three tables, told without any rare value.

A bar stands for at least `MIN_ROWS` real rows, or for none: values and bins that fewer hold are
pooled, and the ends of a histogram are round numbers, not the extreme values of single rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.evaluation.features import ColumnFeature, Floats, read_as
from synthgen.reports.binning import edge_label, edges, merged, number_label

OTHER_RARE = "other (rare)"
NOT_REAL = "unseen in real"
MISSING = "(missing)"
EMPTY = "(empty text)"

_MOST_BARS = 12
_FEW_VALUES = 24
# A value that so many rows hold stands apart from the histogram, which it would flatten.
_ATOM = 0.1
_MOST_ATOMS = 4

Bar = dict[str, Any]


def distribution(tables: Mapping[str, pd.Series[Any]]) -> dict[str, Any]:
    """One column's distribution.

    Args:
        tables: "real", "synthetic" and perhaps "holdout" -> the column there.

    Returns:
        ``{"column", "form", "bars", "bins"}``: ``form`` is ``"bars"`` or ``"histogram"``. Each bar
        is ``{"label", "real_pct", "synthetic_pct", "holdout_pct"}``, percent of the table's rows;
        a bin has ``"low"`` and ``"high"`` as well, numbers or seconds (of a time: since 1970);
        the first and the last bin hold whatever lies beyond. A histogram's ``bars`` are its
        frequent values and missing cells.
    """
    real = tables["real"]
    reading = read_as(real)
    if reading in ("category", "boolean"):
        found = _categories(tables)
    else:
        feature = ColumnFeature.of(real)
        numbers = {role: feature.numbers(column) for role, column in tables.items()}
        found = _quantities(numbers, feature)
    found["bars"] += _missing(tables)
    return {"column": str(real.name), "reading": reading, **found}


def rare_values(real: pd.Series[Any]) -> set[str]:
    """The values of a category that fewer than `MIN_ROWS` real rows hold, as text."""
    if read_as(real) not in ("category", "boolean"):
        return set()
    counts = real.dropna().astype(object).map(str).value_counts()
    return set(counts.index[counts < MIN_ROWS])


def _categories(tables: Mapping[str, pd.Series[Any]]) -> dict[str, Any]:
    texts = {r: column.dropna().astype(object).map(str) for r, column in tables.items()}
    counts = {role: column.value_counts() for role, column in texts.items()}
    rows = {role: len(column) for role, column in tables.items()}
    known = counts["real"]
    frequent = [str(value) for value, count in known.items() if count >= MIN_ROWS]
    shown = _in_order(tables["real"], frequent[:_MOST_BARS])
    groups: list[tuple[str, list[Any]]] = [(value or EMPTY, [value]) for value in shown]
    others = frequent[_MOST_BARS:]
    if others:
        groups.append((f"{len(others)} other values", others))
    rare = [value for value, count in known.items() if count < MIN_ROWS]
    if rare:
        groups.append((OTHER_RARE, rare))
    bars = [
        _bar(label, {r: int(c.reindex(values).fillna(0).sum()) for r, c in counts.items()}, rows)
        for label, values in groups
    ]
    unseen = {role: int((~column.isin(known.index)).sum()) for role, column in texts.items()}
    if any(unseen.values()):
        bars.append(_bar(NOT_REAL, unseen, rows))
    return {"form": "bars", "bars": bars, "bins": []}


def _in_order(real: pd.Series[Any], values: list[str]) -> list[str]:
    """Ordered levels as declared, others by frequency."""
    if isinstance(real.dtype, pd.CategoricalDtype) and real.dtype.ordered:
        place = {str(level): index for index, level in enumerate(real.dtype.categories)}
        return sorted(values, key=place.__getitem__)
    return values


def _quantities(numbers: Mapping[str, Floats], feature: ColumnFeature) -> dict[str, Any]:
    rows = {role: len(column) for role, column in numbers.items()}
    present = {role: column[~np.isnan(column)] for role, column in numbers.items()}
    real = present["real"]
    if not len(real):
        return {"form": "bars", "bars": [], "bins": []}
    values, counts = np.unique(real, return_counts=True)
    if len(values) <= _FEW_VALUES:
        return _value_bars(present, values, counts, rows, feature)
    atoms = values[counts >= _ATOM * len(real)][:_MOST_ATOMS]
    bars = [_value_bar(value, present, rows, feature, "= ") for value in atoms]
    rest = {role: column[~np.isin(column, atoms)] for role, column in present.items()}
    return {"form": "histogram", "bars": bars, "bins": _bins(rest, rows, feature)}


def _value_bars(
    present: Mapping[str, Floats],
    values: Floats,
    counts: Any,
    rows: Mapping[str, int],
    feature: ColumnFeature,
) -> dict[str, Any]:
    shown = values[counts >= MIN_ROWS]
    bars = [_value_bar(value, present, rows, feature) for value in shown]
    rare = {r: int(np.isin(c, values[counts < MIN_ROWS]).sum()) for r, c in present.items()}
    if rare["real"]:
        bars.append(_bar(OTHER_RARE, rare, rows))
    unseen = {role: int((~np.isin(column, values)).sum()) for role, column in present.items()}
    if any(unseen.values()):
        bars.append(_bar(NOT_REAL, unseen, rows))
    return {"form": "bars", "bars": bars, "bins": []}


def _value_bar(
    value: float,
    present: Mapping[str, Floats],
    rows: Mapping[str, int],
    feature: ColumnFeature,
    sign: str = "",
) -> Bar:
    label = sign + number_label(value, feature.reading, feature.origin_s)
    return _bar(label, {role: int((c == value).sum()) for role, c in present.items()}, rows)


def _bins(
    present: Mapping[str, Floats], rows: Mapping[str, int], feature: ColumnFeature
) -> list[Bar]:
    if not len(present["real"]):
        return []
    bounds = edges(present["real"], feature.reading, feature.origin_s)
    # The first and the last bin are open: they hold whatever lies beyond.
    inner = bounds[1:-1]
    counts = {
        role: np.bincount(np.searchsorted(inner, column, side="right"), minlength=len(bounds) - 1)
        for role, column in present.items()
    }
    found = []
    groups = merged(counts["real"])
    for place, (first, last) in enumerate(groups):
        low = None if place == 0 else float(bounds[first])
        high = None if place == len(groups) - 1 else float(bounds[last])
        held = {role: int(count[first:last].sum()) for role, count in counts.items()}
        label = edge_label(low, high, feature.reading, feature.origin_s)
        # Counted from the epoch: the origin itself is the time of a single row.
        ends = {"low": bounds[first] + feature.origin_s, "high": bounds[last] + feature.origin_s}
        found.append(_bar(label, held, rows) | {end: float(at) for end, at in ends.items()})
    return found


def _missing(tables: Mapping[str, pd.Series[Any]]) -> list[Bar]:
    counts = {role: int(column.isna().sum()) for role, column in tables.items()}
    if not any(counts.values()):
        return []
    return [_bar(MISSING, counts, {role: len(column) for role, column in tables.items()})]


def _bar(label: str, counts: Mapping[str, int], rows: Mapping[str, int]) -> Bar:
    shares = {role: 100.0 * count / rows[role] for role, count in counts.items()}
    return {
        "label": label,
        "real_pct": shares["real"],
        "synthetic_pct": shares["synthetic"],
        "holdout_pct": shares.get("holdout"),
    }
