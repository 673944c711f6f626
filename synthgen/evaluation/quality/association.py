"""Strength of dependence of every pair of columns, and how far the synthetic table is from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult

MOST_ROWS = 50_000
_MOST_COLUMNS = 100
# Levels beyond these count as one.
_MOST_LEVELS = 100


@dataclass(frozen=True)
class Association:
    """Dependence of two columns in each table; ``None`` where a column is constant there.

    Attributes:
        one: A column.
        other: Another.
        measure: ``"correlation"`` (Pearson, -1 to 1), ``"cramers_v"`` (0 to 1) or
            ``"correlation_ratio"`` (of the number given the category, 0 to 1).
        real: In the real table.
        synthetic: In the synthetic one.
        holdout: In the holdout, if any.
    """

    one: str
    other: str
    measure: str
    real: float | None
    synthetic: float | None
    holdout: float | None


@dataclass(frozen=True)
class Associations:
    """The mean absolute difference over pairs, and every pair."""

    difference: MetricResult
    pairs: tuple[Association, ...]


def associations(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
) -> Associations:
    """Pearson's correlation, Cramer's V and the correlation ratio of all pairs of columns.

    A pair constant in the synthetic table only has dependence 0 there. Synthetic and holdout table
    are thinned to the same size, at most 50,000 rows; of more than 100 columns the first 100 are
    compared.

    Raises:
        InvalidInputError: If the columns differ.
    """
    size = fair_size(synthetic, holdout, MOST_ROWS)
    features = TableFeatures.of(real[list(real.columns[:_MOST_COLUMNS])])
    kinds = [column.reading in ("category", "boolean") for column in features.columns]
    tables = [thin(real, MOST_ROWS, seed), thin(synthetic, size, seed + 1)]
    tables += [] if holdout is None else [thin(holdout, size, seed + 2)]
    strengths = [_strengths(features.matrix(table), kinds) for table in tables]
    found = []
    for a, b in combinations(range(len(kinds)), 2):
        known, made, *rest = (strength[a, b] for strength in strengths)
        measure = _measure(kinds[a], kinds[b])
        names = str(features.columns[a].name), str(features.columns[b].name)
        held = _or_none(rest[0]) if rest else None
        found.append(Association(*names, measure, _or_none(known), _or_none(made), held))
    gaps = [abs((p.synthetic or 0.0) - p.real) for p in found if p.real is not None]
    base = [abs((p.holdout or 0.0) - p.real) for p in found if p.real is not None]
    unit = "mean absolute difference"
    if not gaps:
        reason = "no pair of columns varies in the real table"
        result = MetricResult(None, "lower", size, unit, reason=reason)
    else:
        baseline = None if holdout is None else float(np.mean(base))
        note = thinned_reason(size, len(synthetic), "synthetic rows")
        result = MetricResult(float(np.mean(gaps)), "lower", size, unit, None, baseline, note)
    return Associations(result, tuple(found))


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's, over rows where both are known; NaN where one is constant."""
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 2:
        return float("nan")
    left, right = one[both] - one[both].mean(), other[both] - other[both].mean()
    scale = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / scale if scale > 0 else float("nan")


def cramers_v(one: Floats, other: Floats) -> float:
    """``sqrt(chi2 / n / (min(levels) - 1))`` of two columns of codes; NaN where one is constant."""
    rows, left = np.unique(one, return_inverse=True)
    columns, right = np.unique(other, return_inverse=True)
    least = min(len(rows), len(columns)) - 1
    if least < 1:
        return float("nan")
    cells = np.bincount(left * len(columns) + right, minlength=len(rows) * len(columns))
    joint = cells.reshape(len(rows), len(columns)) / len(one)
    expected = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    return float(np.sqrt(((joint - expected) ** 2 / expected).sum() / least))


def correlation_ratio(codes: Floats, numbers: Floats) -> float:
    """Root of the share of a number's variance that lies between groups (Pearson's eta)."""
    known = np.isfinite(numbers)
    groups, group = np.unique(codes[known], return_inverse=True)
    numbers = numbers[known]
    if len(groups) < 2:
        return float("nan")
    numbers = numbers - numbers.mean()
    total = float(numbers @ numbers)
    if total <= 0:
        return float("nan")
    sums, counts = np.bincount(group, numbers), np.bincount(group)
    return float(np.sqrt(np.clip((sums**2 / counts).sum() / total, 0, 1)))


def _strengths(cells: Floats, kinds: list[bool]) -> Floats:
    """Dependence of every pair, above the diagonal.

    Shape:
        (n_columns, n_columns)
    """
    columns = [
        _levels(cells[:, index]) if category else cells[:, index]
        for index, category in enumerate(kinds)
    ]
    found = np.full((len(kinds), len(kinds)), np.nan)
    for a, b in combinations(range(len(kinds)), 2):
        if kinds[a] and kinds[b]:
            found[a, b] = cramers_v(columns[a], columns[b])
        elif kinds[a]:
            found[a, b] = correlation_ratio(columns[a], columns[b])
        elif kinds[b]:
            found[a, b] = correlation_ratio(columns[b], columns[a])
        else:
            found[a, b] = correlation(columns[a], columns[b])
    return found


def _levels(codes: Floats) -> Floats:
    """Codes with missing as a level of its own and the rarest levels as one."""
    codes = np.where(np.isnan(codes), -2.0, codes)
    values, counts = np.unique(codes, return_counts=True)
    if len(values) <= _MOST_LEVELS:
        return codes
    kept = values[np.argsort(-counts, kind="stable")[:_MOST_LEVELS]]
    return np.where(np.isin(codes, kept), codes, -3.0)


def _measure(one: bool, other: bool) -> str:
    if one and other:
        return "cramers_v"
    return "correlation_ratio" if one or other else "correlation"


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
