"""All quality measures of one pair of tables, in one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from synthgen.evaluation.quality.align import align
from synthgen.evaluation.quality.stages import STAGES, Job, run
from synthgen.evaluation.result import MetricResult

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Judgement:
    """Everything measured about a synthetic table; plain lists and dicts, ready for JSON.

    Column names are text here, and so are category values. Percentages are 0 to 100, shares and
    AUCs 0 to 1. ``None`` stands for "not known", for instance without a holdout.

    Attributes:
        metrics: Measures by name, in the order to show them. Always all of them; one that cannot
            be computed has no value and a reason.
            ``xgb_c2st, xgb_c2st_train_at_holdout_n, xgb_c2st_holdout, xgb_c2st_ceiling, lr_c2st,
            nash_gap, shape_error_pct, trend_error_pct, one_way, two_way, three_way,
            correlation_difference, mle, mle_real, alpha_precision, beta_recall, authenticity,
            dcr_share, exact_copies, singletons, frechet, diversity, rare_coverage,
            rare_frequency_error, constraint_violations, worst_subgroup, diagnostic_validity,
            diagnostic_structure``.
        columns: Per column, worst first: ``{"column", "reading", "shape_error_pct",
            "holdout_shape_error_pct", "missing_real_pct", "missing_synthetic_pct",
            "missing_holdout_pct", "unseen_values", "unseen_rows_pct"}``; ``reading`` is
            ``"number" | "boolean" | "datetime" | "duration" | "category"``, and the two ``unseen``
            entries are ``None`` unless it is a category.
        pairs: Every pair whose trend counts (sdmetrics), worst first: ``{"one", "other",
            "trend_error_pct", "holdout_trend_error_pct"}``.
        associations: Every pair of columns, in table order: ``{"one", "other", "measure", "real",
            "synthetic", "holdout"}``: strength of dependence, from Pearson's correlation
            (``"correlation"``, -1 to 1), Cramer's V (``"cramers_v"``, 0 to 1) or the correlation
            ratio (``"correlation_ratio"``, 0 to 1).
        broken_pairs: Pairs of columns whose dependence the synthetic table lost or made up, worst
            first, at most 10: ``{"one", "other", "trend_error_pct", "holdout_trend_error_pct",
            "two_way_error_pct", "text"}``; ``two_way_error_pct`` is the total variation distance
            of the pair's 10 x 10 bins beyond that of its two columns.
        telling_columns: What the boosted-tree critic used, most first: ``{"column", "gain_share",
            "auc_drop", "auc_alone"}``: share of the trees' gain, fall of the held-out AUC when
            the column is shuffled, and AUC of the column on its own.
        rules: Example rules that tell the tables apart, most telling first, at most 8:
            ``{"text", "conditions", "real_pct", "synthetic_pct", "side"}``: ``conditions`` is a
            list of texts whose conjunction is ``text``; the percentages are of all real and of
            all synthetic rows; ``side`` is the table that has more of them, ``"real"`` or
            ``"synthetic"``.
        constraints: What holds in every real row, most violated first: ``{"kind", "columns",
            "text", "synthetic_pct", "holdout_pct"}``; ``kind`` is ``"bounds" | "never_missing" |
            "integer" | "known_values" | "ordering" | "dependency"``, ``columns`` a list of names,
            the percentages of violating rows.
        subgroups: Groups of rows by one or two categorical columns, worst first: ``{"columns",
            "values", "text", "n_real", "n_synthetic", "real_pct", "synthetic_pct",
            "shape_error_pct", "chance_pct", "holdout_shape_error_pct", "worst_column", "mle",
            "mle_real"}``; at most 20, see `Subgroup`.
        rare_levels: Category values of less than 1 % of real rows, rarest first: ``{"column",
            "value", "real_pct", "synthetic_pct", "holdout_pct"}``.
        notes: What was odd about the tables: ``{"kind", "table", "column", "text"}``, see `Note`.
        rows: ``{"real", "synthetic", "holdout"}``: how many rows were given.
        target: The column to predict, or ``None``.
        seconds: Wall time of every stage, by its name. No part of what a seed reproduces.
    """

    metrics: dict[str, MetricResult]
    columns: list[dict[str, Any]] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)
    associations: list[dict[str, Any]] = field(default_factory=list)
    broken_pairs: list[dict[str, Any]] = field(default_factory=list)
    telling_columns: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    constraints: list[dict[str, Any]] = field(default_factory=list)
    subgroups: list[dict[str, Any]] = field(default_factory=list)
    rare_levels: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, int | None] = field(default_factory=dict)
    target: str | None = None
    seconds: dict[str, float] = field(default_factory=dict, compare=False)


def judge(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    target: Any = None,
    progress: Progress | None = None,
    seed: int = 0,
) -> Judgement:
    """Measure a synthetic table against the real one.

    Every measure names the rows it rests on; measures that train models or compare all rows with
    all others thin big tables at random, and their reason says so.

    Args:
        real: Real rows the generator was fitted on.
        synthetic: Synthetic rows.
        holdout: Real rows the generator never saw: they give every figure its baseline, and
            utility and closeness their meaning.
        target: The column to predict.
        progress: Called with the stage that begins, how many are done, and how many there are;
            once more at the end.
        seed: Of everything random.

    Raises:
        MissingExtraError: If xgboost or sdmetrics is not installed.
        InvalidInputError: If the tables cannot be compared at all: other columns, no rows, no
            such target.
    """
    tables = align(real, synthetic, holdout, target=target)
    job = Job(tables, target, seed)
    for done, (name, stage) in enumerate(STAGES.items()):
        if progress is not None:
            progress(name, done, len(STAGES))
        run(name, stage, job)
    if progress is not None:
        progress("done", len(STAGES), len(STAGES))
    rows = {"real": len(real), "synthetic": len(synthetic)}
    return Judgement(
        metrics=job.metrics,
        notes=[note.to_dict() for note in job.tables.notes],
        rows={**rows, "holdout": None if holdout is None else len(holdout)},
        target=None if target is None else str(target),
        seconds=job.seconds,
        **job.details,
    )
