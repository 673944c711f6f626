"""Errors of single columns (shape) and of pairs of columns (trend), as sdmetrics measures them.

Shape is 1 minus the Kolmogorov-Smirnov distance of a number or time, or the total variation
distance of a category. Trend compares correlations and contingency tables; from sdmetrics 0.28.1 it
averages strongly associated pairs only, so figures of older versions do not compare. Columns drawn
independently of each other have near-perfect shape: read it beside trend and the two-sample test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from synthgen.evaluation.extras import need
from synthgen.evaluation.features import ColumnFeature, TableFeatures
from synthgen.evaluation.result import MetricResult

_TABLE = "table"


@dataclass(frozen=True)
class ShapeTrend:
    """Errors in percent, 0 for tables of equal distributions.

    Attributes:
        shape: Mean error over columns.
        trend: Mean error over strongly associated pairs of columns.
        columns: Shape error of every column that has one.
        pairs: Trend error of every pair that counts.
    """

    shape: MetricResult
    trend: MetricResult
    columns: dict[str, float]
    pairs: dict[tuple[str, str], float]


def shape_trend(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, holdout: pd.DataFrame | None = None
) -> ShapeTrend:
    """Shape and trend error of ``synthetic``; those of ``holdout`` rows become the baseline.

    Raises:
        MissingExtraError: If sdmetrics is not installed.
    """
    found = _errors(real, synthetic)
    baseline = None if holdout is None else _errors(real, holdout)
    n = min(len(real), len(synthetic))
    return ShapeTrend(
        shape=_result(found, "shape", n, baseline, "no column has a kind that can be compared"),
        trend=_result(
            found,
            "trend",
            n,
            baseline,
            "no pair of columns is strongly associated in the real table",
        ),
        columns=found["columns"],
        pairs=found["pairs"],
    )


def _result(
    found: dict[str, Any], name: str, n: int, baseline: dict[str, Any] | None, reason: str
) -> MetricResult:
    value = found[name]
    return MetricResult(
        value,
        "lower",
        n,
        "%",
        baseline=None if baseline is None else baseline[name],
        reason=None if value is not None else reason,
    )


def _errors(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, Any]:
    """Percent errors of the whole table, of columns and of pairs."""
    report = need("sdmetrics.reports", "shape and trend error").QualityReport()
    # By default it thins large tables with numpy's global generator.
    report.num_rows_subsample = None
    features = TableFeatures.of(real)
    columns = {str(feature.name): {"sdtype": sdtype(feature)} for feature in features.columns}
    report.generate(
        {_TABLE: prepared(real, features)},
        {_TABLE: prepared(synthetic, features)},
        {"tables": {_TABLE: {"columns": columns}}, "relationships": []},
        verbose=False,
    )
    properties = report.get_properties().set_index("Property")["Score"]
    shapes = report.get_details("Column Shapes")
    pairs = report.get_details("Column Pair Trends")
    return {
        "shape": _percent(properties["Column Shapes"]),
        "trend": _percent(properties["Column Pair Trends"]),
        "columns": {
            str(name): 100 * (1 - score)
            for name, score in zip(shapes["Column"], shapes["Score"], strict=True)
            if not math.isnan(score)
        },
        "pairs": {
            (str(one), str(other)): 100 * (1 - score)
            for one, other, score in zip(
                pairs["Column 1"], pairs["Column 2"], pairs["Score"], strict=True
            )
            if not math.isnan(score)
        },
    }


def _percent(score: float) -> float | None:
    return None if math.isnan(score) else 100 * (1 - float(score))


def sdtype(feature: ColumnFeature) -> str:
    """What sdmetrics takes a column for; times are numbers."""
    return {"category": "categorical", "boolean": "boolean"}.get(feature.reading, "numerical")


def prepared(table: pd.DataFrame, features: TableFeatures) -> pd.DataFrame:
    """Text names, quantities and times as plain numbers, everything else as objects."""
    return pd.DataFrame({str(f.name): _plain(table[f.name], f) for f in features.columns})


def _plain(column: pd.Series, feature: ColumnFeature) -> pd.Series:
    if sdtype(feature) == "numerical":
        return pd.Series(feature.numbers(column))
    cells = column.reset_index(drop=True).astype(object)
    return cells.where(cells.notna(), None)
