"""`evaluate_quality`: how good a synthetic table is, as figures, JSON and a page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.quality import Judgement, MetricResult, judge
from synthgen.reports.distributions import distribution
from synthgen.reports.report import Report, checked_seed
from synthgen.reports.tables import Compared, compared
from synthgen.reports.verdict import verdict
from synthgen.reports.versions import versions
from synthgen.reports.withheld import details

_PACKAGES = ("numpy", "pandas", "scikit-learn", "xgboost", "sdmetrics")

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class QualityReport(Report):
    """What was measured about a synthetic table, without any raw row or rare value.

    Attributes:
        metrics: Every figure by name; see `Judgement` for their names.
        judgement: The same with all details, for programs; may hold rare values.
        contents: What the files hold: plain dicts and lists.
    """

    metrics: dict[str, MetricResult]
    judgement: Judgement = field(repr=False)
    contents: dict[str, Any] = field(repr=False)

    def to_html(self) -> str:
        """The report as one HTML page that loads nothing."""
        from synthgen.reports.page import render

        return render(self.contents)


def evaluate_quality(
    real: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    target: Any = None,
    model: Any = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> QualityReport:
    """Judge a synthetic table against the real one.

    Examples:
        >>> evaluate_quality(train, rows, holdout=test, target="income").save("quality.html")
        ... # doctest: +SKIP

    Args:
        real: The rows that the generator was fitted on: pandas, polars or Arrow.
        synthetic: Synthetic rows of the same columns; any kind of table too.
        holdout: Real rows that the generator never saw. Without them no figure has a baseline and
            copying cannot be recognized.
        target: The column that a predictor shall learn.
        model: A fitted `SynthGen`, or its ``history_`` (a DataFrame), for the training curves.
        seed: Repeats the figures exactly.
        progress: Called with the stage that begins, how many are done, and how many there are.

    Raises:
        InvalidInputError: If the tables cannot be compared: other columns, no rows, no such target.
        MissingExtraError: If the extra ``quality`` is not installed.
    """
    seed = checked_seed(seed)
    history = _history(model)
    tables = compared(real, synthetic, holdout, target)
    found = judge(tables.real, tables.synthetic, tables.holdout, tables.target, progress, seed)
    contents = {
        **{name: result.to_dict() for name, result in found.metrics.items()},
        "verdict": verdict(found),
        "rows": found.rows,
        "target": found.target,
        **details(found, tables.real),
        "skipped": tables.skipped,
        "distributions": _distributions(tables),
        "history": history,
        "made": _made(model, seed),
    }
    return QualityReport(found.metrics, found, contents)


def _distributions(tables: Compared) -> list[dict[str, Any]]:
    by_role = {"real": tables.real, "synthetic": tables.synthetic, "holdout": tables.holdout}
    return [
        distribution({role: t[name] for role, t in by_role.items() if t is not None})
        for name in tables.real.columns
    ]


def _history(model: Any) -> dict[str, list[float | None]]:
    """Column -> values of a training run; empty without one."""
    history = getattr(model, "history_", model)
    if history is None:
        return {}
    if not isinstance(history, pd.DataFrame):
        try:
            history = pd.DataFrame(history)
        except (ValueError, TypeError):
            raise InvalidInputError(
                f"model: expected a fitted SynthGen or its history_, got {type(model).__name__}"
            ) from None
    numbers = history.select_dtypes(include=["number", "bool"])
    return {
        str(name): [float(v) if np.isfinite(v) else None for v in column.astype(float)]
        for name, column in numbers.items()
    }


def _made(model: Any, seed: int) -> dict[str, Any]:
    """Versions, seed, and what is known of the generator."""
    record = getattr(model, "training_", None)
    known = ("model", "seed", "steps", "ended_by", "n_rows")
    generator = (
        {name: record[name] for name in known if name in record}
        if isinstance(record, Mapping)
        else None
    )
    return {"versions": versions(_PACKAGES), "seed": seed, "generator": generator}
