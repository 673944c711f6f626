"""What a report may tell of a judgement: no value that fewer than five real rows hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.evaluation.features import ColumnFeature, Floats
from synthgen.evaluation.quality import Judgement
from synthgen.reports.binning import edges, number_label
from synthgen.reports.distributions import rare_values

_DETAILS = (
    "columns", "pairs", "associations", "broken_pairs", "telling_columns", "rules", "constraints",
    "subgroups", "rare_levels", "notes",
)  # fmt: skip
_RARE = "a rare value"
_QUANTITY = re.compile(
    r"(?P<time>\d{4,}-\d\d-\d\d \d\d:\d\d:\d\d)"
    r"|(?P<length>-?\d+ days[ +\d:.]*)"
    r"|(?P<number>-?\d[\d.]*(?:e[+-]?\d+)?)"
)


def details(found: Judgement, real: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """The judgement's lists without rare values.

    Categories of fewer than `MIN_ROWS` real rows are not named, numbers of so few rows are
    rounded, and bounds, which are the extreme values of single rows, lose their numbers.
    """
    told = {name: [dict(row) for row in getattr(found, name)] for name in _DETAILS}
    columns = {str(name): _Column.of(real[name]) for name in real.columns}
    told["rules"] = [row for rule in told["rules"] if (row := _rule(rule, columns, len(real)))]
    told["constraints"] = [_constraint(row) for row in told["constraints"]]
    told["subgroups"] = [g for g in told["subgroups"] if g["n_real"] >= MIN_ROWS]
    told["rare_levels"] = [
        level
        for level in told["rare_levels"]
        if level["value"] not in columns[level["column"]].rare
    ]
    return told


@dataclass(frozen=True)
class _Column:
    """What has to be known of a column to speak of its values."""

    reading: str
    rare: set[str]
    frequent: Floats
    step: float

    @classmethod
    def of(cls, column: pd.Series[Any]) -> _Column:
        feature = ColumnFeature.of(column)
        if feature.reading in ("category", "boolean"):
            return cls(feature.reading, rare_values(column), np.empty(0), 1.0)
        numbers = feature.numbers(column) + feature.origin_s
        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return cls(feature.reading, set(), numbers, 1.0)
        values, counts = np.unique(numbers, return_counts=True)
        bounds = edges(numbers, feature.reading)
        return cls(feature.reading, set(), values[counts >= MIN_ROWS], float(bounds[1] - bounds[0]))

    def told(self, words: str) -> str:
        """``words``, what a condition says of the column, without rare values."""
        if self.reading in ("category", "boolean"):
            # Values stand there as Python writes texts.
            for value in sorted(self.rare, key=len, reverse=True):
                words = words.replace(repr(value), _RARE)
            return words
        return _QUANTITY.sub(self._quantity, words)

    def _quantity(self, match: re.Match[str]) -> str:
        if match["time"]:
            value = pd.Timestamp(match["time"]).timestamp()
        elif match["length"]:
            value = pd.Timedelta(match["length"]).total_seconds()
        else:
            value = float(match["number"])
        if np.isclose(self.frequent, value, rtol=1e-9, atol=0.0).any():
            return match[0]
        return f"about {number_label(round(value / self.step) * self.step, self.reading)}"


def _rule(rule: dict[str, Any], columns: dict[str, _Column], n_real: int) -> dict[str, Any] | None:
    """The rule for telling; none if it fits a handful of real rows, for it would describe them."""
    if 0 < rule["real_pct"] / 100 * n_real < MIN_ROWS:
        return None
    conditions = [_condition(text, columns) for text in rule["conditions"]]
    return rule | {"conditions": conditions, "text": " and ".join(conditions)}


def _condition(text: str, columns: dict[str, _Column]) -> str:
    name = _subject(text, list(columns))
    return name + columns[name].told(text[len(name) :]) if name is not None else _RARE


def _subject(text: str, names: Sequence[str]) -> str | None:
    """The column that a condition begins with: the longest, for one may begin like another."""
    return max((n for n in names if text.startswith(f"{n} ")), key=len, default=None)


def _constraint(row: dict[str, Any]) -> dict[str, Any]:
    if row["kind"] != "bounds":
        return row
    return row | {"text": f"{', '.join(row['columns'])} is within the range of the real rows"}
