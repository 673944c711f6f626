"""Basic validity as sdmetrics' DiagnosticReport sees it: ranges, categories, columns and types."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from synthgen.evaluation.extras import need
from synthgen.evaluation.features import TableFeatures
from synthgen.evaluation.quality.shape_trend import prepared, sdtype
from synthgen.evaluation.result import MetricResult

_TABLE = "table"


@dataclass(frozen=True)
class Diagnostic:
    """Scores from 0 to 1; a valid table has 1.

    Attributes:
        validity: Cells inside the range, or among the categories, of the real column.
        structure: Columns present and of the right type.
    """

    validity: MetricResult
    structure: MetricResult


def diagnostic(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, holdout: pd.DataFrame | None = None
) -> Diagnostic:
    """Run the DiagnosticReport; that of ``holdout`` rows becomes the baseline.

    Raises:
        MissingExtraError: If sdmetrics is not installed.
    """
    found = _scores(real, synthetic)
    base = {} if holdout is None else _scores(real, holdout)
    n = min(len(real), len(synthetic))

    def result(name: str) -> MetricResult:
        value = found.get(name)
        reason = None if value is not None else "sdmetrics gives no score for these columns"
        return MetricResult(value, "higher", n, "score", None, base.get(name), reason)

    return Diagnostic(result("Data Validity"), result("Data Structure"))


def _scores(real: pd.DataFrame, synthetic: pd.DataFrame) -> dict[str, float]:
    report = need("sdmetrics.reports", "the diagnostic report").DiagnosticReport()
    features = TableFeatures.of(real)
    columns = {str(feature.name): {"sdtype": sdtype(feature)} for feature in features.columns}
    report.generate(
        {_TABLE: prepared(real, features)},
        {_TABLE: prepared(synthetic, features)},
        {"tables": {_TABLE: {"columns": columns}}, "relationships": []},
        verbose=False,
    )
    table = report.get_properties().set_index("Property")["Score"]
    return {str(name): float(score) for name, score in table.items() if not math.isnan(score)}
