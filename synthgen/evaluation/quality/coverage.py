"""Whether rare categories survive: what generators drop first, and what averages never show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthgen.evaluation.auc import Z95
from synthgen.evaluation.features import read_as
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult

RARE = 0.01


@dataclass(frozen=True)
class RareLevel:
    """Share of rows that hold a rare category value, in each table."""

    column: str
    value: str
    real: float
    synthetic: float
    holdout: float | None


@dataclass(frozen=True)
class RareLevels:
    """Category values of less than 1 % of the real rows.

    Attributes:
        coverage: Share of them that the synthetic table holds at all.
        frequency_error: Sum over them of the absolute difference in frequency, in percent of
            the sum of their real frequencies.
        levels: Each of them, rarest first.
    """

    coverage: MetricResult
    frequency_error: MetricResult
    levels: tuple[RareLevel, ...]


def rare_levels(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
) -> RareLevels:
    """Find rare levels of categories and booleans, and what became of them.

    Columns where most values occur once (names, identifiers) are left out. Synthetic and holdout
    table are thinned to the same size: fewer rows hold fewer rare levels.
    """
    size = fair_size(synthetic, holdout)
    synthetic_rows = thin(synthetic, size, seed)
    held_rows = None if holdout is None else thin(holdout, size, seed)
    levels = [
        level
        for name in real.columns
        if read_as(real[name]) in ("category", "boolean")
        for level in _of(
            real[name], synthetic_rows[name], None if held_rows is None else held_rows[name]
        )
    ]
    levels.sort(key=lambda level: (level.real, level.column, level.value))
    if not levels:
        reason = f"no category of the real table is rarer than {RARE:.0%}"
        none = MetricResult(None, "higher", size, "share", reason=reason)
        return RareLevels(none, MetricResult(None, "lower", size, "%", reason=reason), ())
    note = thinned_reason(size, len(synthetic), "synthetic rows")
    return RareLevels(
        _coverage(levels, size, holdout is not None, note),
        _frequency(levels, size, holdout is not None, note),
        tuple(levels),
    )


def _of(real: pd.Series, synthetic: pd.Series, holdout: pd.Series | None) -> list[RareLevel]:
    counts = real.value_counts()
    counts = counts[counts > 0]
    if len(counts) and (counts == 1).mean() > 0.5 and len(counts) > 20:
        return []
    rare = counts[counts / len(real) < RARE]
    made = synthetic.value_counts()
    held = None if holdout is None else holdout.value_counts()
    return [
        RareLevel(
            str(real.name),
            str(value),
            int(count) / len(real),
            int(made.get(value, 0)) / len(synthetic),
            None if held is None or holdout is None else int(held.get(value, 0)) / len(holdout),
        )
        for value, count in rare.items()
    ]


def _coverage(levels: list[RareLevel], n: int, held: bool, note: str | None) -> MetricResult:
    value = float(np.mean([level.synthetic > 0 for level in levels]))
    half = Z95 * float(np.sqrt(value * (1 - value) / len(levels)))
    base = float(np.mean([(level.holdout or 0) > 0 for level in levels])) if held else None
    ci = (max(0.0, value - half), min(1.0, value + half))
    return MetricResult(value, "higher", n, "share", ci, base, note)


def _frequency(levels: list[RareLevel], n: int, held: bool, note: str | None) -> MetricResult:
    total = sum(level.real for level in levels)
    value = 100 * sum(abs(level.synthetic - level.real) for level in levels) / total
    gaps = [abs((level.holdout or 0.0) - level.real) for level in levels]
    base = 100 * sum(gaps) / total if held else None
    return MetricResult(value, "lower", n, "%", None, base, note)
