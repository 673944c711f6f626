"""Classifier two-sample test by logistic regression on one-hot, standardized columns.

It sees single columns only: rows whose columns were drawn independently of each other score above
.99. It is here because it is widely published; read it beside `xgb_c2st`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthgen.evaluation.auc import Z95, auc_with_error
from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult

_UNIT = "1 - (2 AUC - 1)"
MOST_ROWS = 20_000
# Levels beyond these share an indicator.
_MOST_LEVELS = 100


def lr_c2st(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    folds: int = 3,
    seed: int = 0,
) -> MetricResult:
    """Two-sample score of a logistic regression, real rows against synthetic ones.

    Missing numbers take the mean and an indicator. All tables are thinned to the smallest, and to
    20,000 rows; the baseline is the score of ``real`` against ``holdout`` at that size.

    Raises:
        InvalidInputError: If the columns differ.
    """
    size = min(fair_size(synthetic, holdout, MOST_ROWS), len(real))
    if size < folds:
        reason = f"{size} rows are too few for {folds} folds; give at least {folds} rows of each"
        return MetricResult(None, "higher", size, _UNIT, reason=reason)
    features = TableFeatures.of(real)
    left = thin(real, size, seed)
    value, half = _score(features, left, thin(synthetic, size, seed + 1), folds, seed)
    baseline = None
    if holdout is not None:
        baseline, _ = _score(features, left, thin(holdout, size, seed + 2), folds, seed)
    ci = (max(0.0, value - half), min(1.0, value + half))
    reason_or_none = thinned_reason(size, min(len(real), len(synthetic)))
    return MetricResult(value, "higher", size, _UNIT, ci, baseline, reason_or_none)


def _score(
    features: TableFeatures, real: pd.DataFrame, synthetic: pd.DataFrame, folds: int, seed: int
) -> tuple[float, float]:
    """The score and half its 95 % interval."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    rows = _indicators(features, np.concatenate([features.matrix(t) for t in (real, synthetic)]))
    label = np.repeat([1, 0], [len(real), len(synthetic)])
    aucs = []
    for fit, judge in StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, label):
        mean, spread = rows[fit].mean(axis=0), rows[fit].std(axis=0)
        scaled = (rows - mean) / np.where(spread > 0, spread, 1.0)
        model = LogisticRegression(max_iter=200, tol=1e-3).fit(scaled[fit], label[fit])
        score = model.decision_function(scaled[judge])
        aucs.append(auc_with_error(score[label[judge] == 1], score[label[judge] == 0]))
    value = 1 - float(np.mean([2 * max(0.5, auc) - 1 for auc, _ in aucs]))
    error = 2 * float(np.sqrt(sum(error**2 for _, error in aucs))) / folds
    return value, Z95 * error


def _indicators(features: TableFeatures, codes: Floats) -> Floats:
    """Numbers with an indicator of missing cells; one indicator per category.

    Shape:
        (n_rows, n_features)
    """
    blocks: list[Floats] = []
    for index, column in enumerate(features.columns):
        cells = codes[:, index]
        missing = np.isnan(cells)
        if column.reading == "category":
            levels, counts = np.unique(cells[~missing], return_counts=True)
            kept = levels[np.argsort(-counts, kind="stable")[:_MOST_LEVELS]]
            blocks.append((cells[:, None] == kept[None, :]).astype(np.float64))
        else:
            mean = float(cells[~missing].mean()) if not missing.all() else 0.0
            blocks.append(np.where(missing, mean, cells)[:, None])
        if missing.any():
            blocks.append(missing[:, None].astype(np.float64))
    return np.concatenate(blocks, axis=1)
