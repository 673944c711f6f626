"""Classifier two-sample test: how well boosted trees tell synthetic rows from real ones.

Lopez-Paz and Oquab, "Revisiting Classifier Two-Sample Tests" (2017). The score is
``1 - mean over folds of (2 max(1/2, AUC) - 1)``: 1 when the two cannot be told apart, 0 when every
row is recognized. It is sensitive: published figures of the same kind go down to 0 for tables whose
single columns look fine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthgen.evaluation.auc import Z95, auc_with_error
from synthgen.evaluation.extras import need
from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.result import MetricResult
from synthgen.parallel import in_threads

_UNIT = "1 - (2 AUC - 1)"
# Two-sided 95 % quantiles of Student's t by degrees of freedom.
_T95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}


def xgb_c2st(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    reference: pd.DataFrame | None = None,
    folds: int = 3,
    seed: int = 0,
) -> MetricResult:
    """Two-sample score of boosted trees, real rows against synthetic ones.

    Args:
        real: Real rows.
        synthetic: Synthetic rows of the same columns. The larger table is thinned at random to
            the size of the smaller one.
        reference: The table whose values give the category codes; a value outside it becomes
            one code of its own. Default: ``real``.
        folds: Parts of the shuffled, stratified cross-validation.
        seed: Of the thinning, the folds and the trees.

    Raises:
        MissingExtraError: If xgboost is not installed.
        InvalidInputError: If the columns differ.
    """
    features = TableFeatures.of(real if reference is None else reference)
    left, right = features.matrix(real), features.matrix(synthetic)
    return _score(*_thin(left, right, seed), folds, seed)


@dataclass(frozen=True)
class C2STComparison:
    """Two-sample scores at one size of table, mean over draws of rows.

    Attributes:
        train: Train rows against synthetic rows.
        holdout: Holdout rows against synthetic rows; lower than ``train`` where train rows were
            copied.
        ceiling: Train rows against holdout rows: what a perfect generator would score.
    """

    train: MetricResult
    holdout: MetricResult
    ceiling: MetricResult


def compare_with_holdout(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    draws: int = 5,
    folds: int = 3,
    seed: int = 0,
) -> C2STComparison:
    """Scores against train and against holdout rows, all tables thinned to the smallest size.

    The intervals hold the spread over ``draws`` of rows, not that over trained models. Arguments
    and errors as in `xgb_c2st`; category codes are those of ``train``.
    """
    features = TableFeatures.of(train)
    tables = [features.matrix(table) for table in (train, synthetic, holdout)]
    size = min(map(len, tables))

    def compared(draw: int) -> list[MetricResult]:
        rng = np.random.default_rng([seed, draw])
        a, s, h = (_sample(table, size, rng) for table in tables)
        return [_score(*pair, folds, seed + draw) for pair in ((a, s), (h, s), (a, h))]

    scores = zip(*in_threads(compared, range(draws)), strict=True)
    return C2STComparison(*(_mean(list(found)) for found in scores))


def _score(real: Floats, synthetic: Floats, folds: int, seed: int) -> MetricResult:
    """Score of two matrices of one length."""
    n = len(real)
    if n < folds:
        return MetricResult(
            None,
            "higher",
            n,
            _UNIT,
            reason=f"{n} rows are too few for {folds} folds; give at least {folds} rows of each",
        )
    aucs = _fold_aucs(real, synthetic, folds, seed)
    value = 1.0 - float(np.mean([2 * max(0.5, auc) - 1 for auc, _ in aucs]))
    # Folds hold different rows, so their errors add in squares; the score moves twice as fast.
    error = 2 * float(np.sqrt(sum(error**2 for _, error in aucs))) / folds
    return MetricResult(value, "higher", n, _UNIT, ci=_interval(value, Z95 * error))


def _fold_aucs(real: Floats, synthetic: Floats, folds: int, seed: int) -> list[tuple[float, float]]:
    from sklearn.model_selection import StratifiedKFold

    classifier: Callable[..., Any] = need("xgboost", "the two-sample test").XGBClassifier
    rows = np.concatenate([real, synthetic])
    label = np.repeat([1, 0], [len(real), len(synthetic)])

    def one(parts: tuple[Any, Any]) -> tuple[float, float]:
        fit, judge = parts
        model = classifier(eval_metric="logloss", random_state=seed, n_jobs=1)
        model.fit(rows[fit], label[fit])
        score = model.predict_proba(rows[judge])[:, 1].astype(np.float64)
        return auc_with_error(score[label[judge] == 1], score[label[judge] == 0])

    split = StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, label)
    return in_threads(one, split)


def _thin(left: Floats, right: Floats, seed: int) -> tuple[Floats, Floats]:
    size = min(len(left), len(right))
    rng = np.random.default_rng(seed)
    return _sample(left, size, rng), _sample(right, size, rng)


def _sample(table: Floats, size: int, rng: np.random.Generator) -> Floats:
    """``size`` rows without replacement; the table itself when it has no more."""
    return table if len(table) == size else table[rng.choice(len(table), size, replace=False)]


def _mean(results: list[MetricResult]) -> MetricResult:
    """Mean over draws, with Student's interval of their spread."""
    if results[0].value is None or len(results) == 1:
        return results[0]
    values = np.array([result.value for result in results], dtype=np.float64)
    t = _T95.get(len(values) - 1, 2.0)
    half = t * float(values.std(ddof=1)) / float(np.sqrt(len(values)))
    value = float(values.mean())
    return MetricResult(value, "higher", results[0].n, _UNIT, ci=_interval(value, half))


def _interval(value: float, half: float) -> tuple[float, float]:
    return max(0.0, value - half), min(1.0, value + half)
