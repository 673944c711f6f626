"""The steps of judging a table: each runs some measures and files what they found."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import pandas as pd

from synthgen.errors import MissingExtraError
from synthgen.evaluation.features import read_as
from synthgen.evaluation.quality.align import FEW_ROWS, Note, Tables
from synthgen.evaluation.quality.association import associations
from synthgen.evaluation.quality.c2st import compare_with_holdout, xgb_c2st
from synthgen.evaluation.quality.closeness import closeness
from synthgen.evaluation.quality.constraints import constraints
from synthgen.evaluation.quality.coverage import rare_levels
from synthgen.evaluation.quality.diagnostic import diagnostic
from synthgen.evaluation.quality.frechet import frechet
from synthgen.evaluation.quality.logistic import lr_c2st
from synthgen.evaluation.quality.marginals import marginals
from synthgen.evaluation.quality.nash import nash_gap
from synthgen.evaluation.quality.rules import telling_rules
from synthgen.evaluation.quality.shape_trend import shape_trend
from synthgen.evaluation.quality.subgroups import subgroups
from synthgen.evaluation.quality.telling import broken_pairs, telling_columns
from synthgen.evaluation.quality.thinning import narrow, thin, thinned_reason
from synthgen.evaluation.quality.utility import utility
from synthgen.evaluation.result import MetricResult

# Trees and sdmetrics take so many rows of each table at most.
MOST_ROWS = 100_000
# Columns of which every pair is compared at most; the trees of XGB-C2ST see all.
MOST_COLUMNS = 200
_NO_HOLDOUT = "no holdout table was given"
_NO_TARGET = "no target column was given"


@dataclass
class Job:
    """Tables to judge, and what is known about them so far.

    ``whole`` has all columns; of a wide table ``tables`` has some, drawn at random.
    """

    whole: Tables
    target: Any
    seed: int
    metrics: dict[str, MetricResult] = field(default_factory=dict)
    details: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @cached_property
    def tables(self) -> Tables:
        """The tables, of wide ones so many columns."""
        given = self.whole
        always = [] if self.target is None else [self.target]
        names = narrow(given.real.columns, MOST_COLUMNS, always, self.seed)
        if len(names) == given.real.shape[1]:
            return given
        text = (
            f"all figures but XGB-C2ST are of {len(names):,} of the {given.real.shape[1]:,} "
            "columns, drawn at random"
        )
        holdout = None if given.holdout is None else given.holdout[names]
        notes = (Note("narrowed", "real", None, text), *given.notes)
        return Tables(given.real[names], given.synthetic[names], holdout, notes)

    @property
    def n(self) -> int:
        """Rows of the smaller of the two tables."""
        return min(len(self.tables.real), len(self.tables.synthetic))

    def sampled(self, given: Tables) -> Tables:
        """Tables, big ones thinned at random."""
        holdout = None if given.holdout is None else thin(given.holdout, MOST_ROWS, self.seed)
        return replace(
            given,
            real=thin(given.real, MOST_ROWS, self.seed),
            synthetic=thin(given.synthetic, MOST_ROWS, self.seed),
            holdout=holdout,
        )

    def file(self, **metrics: MetricResult) -> None:
        """Keep figures; those of very few rows, or of a sample, say so."""
        for name, result in metrics.items():
            if result.n == MOST_ROWS < self.n and not result.reason:
                result = replace(result, reason=thinned_reason(MOST_ROWS, self.n))
            if result.n < FEW_ROWS and not result.reason:
                few = f"{result.n} rows: below {FEW_ROWS} a figure is mostly chance"
                result = replace(result, reason=few)
            self.metrics[name] = result

    def lacking(self, reason: str, *names: str) -> None:
        """Keep the reason why figures are not there."""
        for name in names:
            self.metrics.setdefault(name, MetricResult(None, "higher", self.n, reason=reason))


Stage = tuple[tuple[str, ...], Callable[[Job], None]]


def run(name: str, stage: Stage, job: Job) -> None:
    """Run one stage; whatever it cannot measure gets the reason.

    Odd tables break libraries in ways nobody lists; one broken measure must not take the others
    with it.
    """
    keys, step = stage
    started = time.perf_counter()
    try:
        step(job)
        job.lacking("not measured", *keys)
    except MissingExtraError:
        raise
    except Exception as error:
        text = str(error).splitlines()[0] if str(error) else "no message"
        job.lacking(f"{type(error).__name__}: {text}", *keys)
    job.seconds[name] = time.perf_counter() - started


def _tell_apart(job: Job) -> None:
    tables = job.sampled(job.whole)
    score = xgb_c2st(tables.real, tables.synthetic, seed=job.seed)
    if tables.holdout is None:
        job.file(xgb_c2st=score)
        job.lacking(_NO_HOLDOUT, *_C2ST[1:])
        return
    compared = compare_with_holdout(tables.real, tables.synthetic, tables.holdout, seed=job.seed)
    ceiling = compared.ceiling.value
    job.file(
        xgb_c2st=replace(score, baseline=ceiling),
        xgb_c2st_train_at_holdout_n=replace(compared.train, baseline=ceiling),
        xgb_c2st_holdout=replace(compared.holdout, baseline=ceiling),
        xgb_c2st_ceiling=compared.ceiling,
    )


def _shapes(job: Job) -> None:
    tables = job.sampled(job.tables)
    real, synthetic, holdout = tables.real, tables.synthetic, tables.holdout
    found = shape_trend(real, synthetic)
    held = None if holdout is None else shape_trend(real, holdout)
    job.file(
        shape_error_pct=replace(found.shape, baseline=held.shape.value if held else None),
        trend_error_pct=replace(found.trend, baseline=held.trend.value if held else None),
    )
    columns = [
        _column(
            real[name],
            synthetic[name],
            None if holdout is None else holdout[name],
            found.columns.get(str(name)),
            None if held is None else held.columns.get(str(name)),
        )
        for name in real.columns
    ]
    job.details["columns"] = sorted(columns, key=lambda row: -(row["shape_error_pct"] or 0.0))
    job.details["pairs"] = [
        {
            "one": one,
            "other": other,
            "trend_error_pct": error,
            "holdout_trend_error_pct": None if held is None else held.pairs.get((one, other)),
        }
        for (one, other), error in sorted(found.pairs.items(), key=lambda item: -item[1])
    ]


def _column(
    real: pd.Series,
    synthetic: pd.Series,
    holdout: pd.Series | None,
    error: float | None,
    held: float | None,
) -> dict[str, Any]:
    category = read_as(real) == "category"
    cells = synthetic.dropna().astype(object)
    new = cells[~cells.isin(set(real.dropna()))] if category else cells[:0]
    return {
        "column": str(real.name),
        "reading": read_as(real),
        "shape_error_pct": error,
        "holdout_shape_error_pct": held,
        "missing_real_pct": 100 * float(real.isna().mean()),
        "missing_synthetic_pct": 100 * float(synthetic.isna().mean()),
        "missing_holdout_pct": None if holdout is None else 100 * float(holdout.isna().mean()),
        "unseen_values": int(new.nunique()) if category else None,
        "unseen_rows_pct": 100 * len(new) / len(synthetic) if category else None,
    }


def _usefulness(job: Job) -> None:
    tables, target = job.sampled(job.tables), job.target
    if target is None:
        job.lacking(_NO_TARGET, "mle", "mle_real")
        return
    if tables.real[target].nunique() < 2:
        job.lacking(f"the target {target!s} has one value in the real table", "mle", "mle_real")
        return
    train, test, reason = tables.real, tables.holdout, None
    if test is None:
        # A fifth of the real rows, which the generator has seen, stands in for a holdout.
        test = train.sample(frac=0.2, random_state=job.seed)
        train = train.drop(index=test.index)
        reason = "no holdout was given: judged on a fifth of the real rows"
    real = utility(train, test, target, seed=job.seed)
    found = utility(tables.synthetic, test, target, reference=train, real=real, seed=job.seed)
    job.file(
        mle=replace(found, reason=found.reason or reason),
        mle_real=replace(real, reason=real.reason or reason),
    )


def _telling(job: Job) -> None:
    real, synthetic, holdout = job.tables.real, job.tables.synthetic, job.tables.holdout
    job.details["telling_columns"] = [
        asdict(column) for column in telling_columns(real, synthetic, seed=job.seed)
    ]
    job.file(lr_c2st=lr_c2st(real, synthetic, holdout=holdout, seed=job.seed))
    job.file(nash_gap=nash_gap(real, synthetic, holdout=holdout, seed=job.seed))


def _dependence(job: Job) -> None:
    real, synthetic, holdout = job.tables.real, job.tables.synthetic, job.tables.holdout
    ways = marginals(real, synthetic, holdout=holdout, seed=job.seed)
    job.file(one_way=ways.one_way, two_way=ways.two_way, three_way=ways.three_way)
    strength = associations(real, synthetic, holdout=holdout, seed=job.seed)
    job.file(correlation_difference=strength.difference)
    job.details["associations"] = [asdict(pair) for pair in strength.pairs]
    trend = _trends(job, "trend_error_pct")
    held = None if holdout is None else _trends(job, "holdout_trend_error_pct")
    broken = broken_pairs(ways.broken, trend, held)
    job.details["broken_pairs"] = [asdict(pair) for pair in broken]
    pairs = [(pair.one, pair.other) for pair in broken]
    job.details["rules"] = [
        {
            "text": rule.text,
            "conditions": list(rule.conditions),
            "real_pct": rule.real_pct,
            "synthetic_pct": rule.synthetic_pct,
            "side": rule.side,
        }
        for rule in telling_rules(real, synthetic, pairs=pairs, seed=job.seed)
    ]


def _trends(job: Job, key: str) -> dict[tuple[str, str], float]:
    pairs = job.details.get("pairs", [])
    return {(p["one"], p["other"]): p[key] for p in pairs if p[key] is not None}


def _near(job: Job) -> None:
    tables = job.tables
    found = closeness(tables.real, tables.synthetic, holdout=tables.holdout, seed=job.seed)
    job.file(**{entry.name: getattr(found, entry.name) for entry in fields(found)})


def _as_pictures(job: Job) -> None:
    tables = job.tables
    found = frechet(tables.real, tables.synthetic, holdout=tables.holdout, seed=job.seed)
    job.file(frechet=found.distance, diversity=found.diversity)


def _rare(job: Job) -> None:
    tables = job.tables
    found = rare_levels(tables.real, tables.synthetic, holdout=tables.holdout, seed=job.seed)
    job.file(rare_coverage=found.coverage, rare_frequency_error=found.frequency_error)
    job.details["rare_levels"] = [
        {
            "column": level.column,
            "value": level.value,
            "real_pct": 100 * level.real,
            "synthetic_pct": 100 * level.synthetic,
            "holdout_pct": None if level.holdout is None else 100 * level.holdout,
        }
        for level in found.levels
    ]


def _rules_of_the_data(job: Job) -> None:
    tables = job.tables
    found = constraints(tables.real, tables.synthetic, holdout=tables.holdout)
    job.file(constraint_violations=found.violations)
    job.details["constraints"] = [
        {
            "kind": constraint.kind,
            "columns": list(constraint.columns),
            "text": constraint.text,
            "synthetic_pct": 100 * constraint.synthetic,
            "holdout_pct": None if constraint.holdout is None else 100 * constraint.holdout,
        }
        for constraint in found.found
    ]
    valid = diagnostic(tables.real, tables.synthetic, holdout=tables.holdout)
    job.file(diagnostic_validity=valid.validity, diagnostic_structure=valid.structure)


def _groups(job: Job) -> None:
    tables = job.tables
    found = subgroups(
        tables.real, tables.synthetic, holdout=tables.holdout, target=job.target, seed=job.seed
    )
    job.file(worst_subgroup=found.worst)
    job.details["subgroups"] = [
        {
            **asdict(group),
            "columns": list(group.columns),
            "values": list(group.values),
            "text": group.text,
        }
        for group in found.groups
    ]


_C2ST = ("xgb_c2st", "xgb_c2st_train_at_holdout_n", "xgb_c2st_holdout", "xgb_c2st_ceiling")

STAGES: dict[str, Stage] = {
    "telling the tables apart": (_C2ST, _tell_apart),
    "what gives rows away": (("lr_c2st", "nash_gap"), _telling),
    "columns and pairs": (("shape_error_pct", "trend_error_pct"), _shapes),
    "dependence": (("one_way", "two_way", "three_way", "correlation_difference"), _dependence),
    "usefulness": (("mle", "mle_real"), _usefulness),
    "closeness": (
        (
            "alpha_precision",
            "beta_recall",
            "authenticity",
            "dcr_share",
            "exact_copies",
            "singletons",
        ),
        _near,
    ),
    "distance and diversity": (("frechet", "diversity"), _as_pictures),
    "rare categories": (("rare_coverage", "rare_frequency_error"), _rare),
    "constraints": (
        ("constraint_violations", "diagnostic_validity", "diagnostic_structure"),
        _rules_of_the_data,
    ),
    "subgroups": (("worst_subgroup",), _groups),
}
