"""Utility: what a model trained on one table is worth on real rows it has not seen.

Esteban, Hyland and Rätsch, "Real-valued (Medical) Time Series Generation" (2017), call it "train on
synthetic, test on real". The model is fixed - boosted trees, 200 of depth 6 at rate 0.1, over
ordinal codes - so that figures compare across tables and generators.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.auc import Z95, auc_with_error
from synthgen.evaluation.extras import need
from synthgen.evaluation.features import Floats, TableFeatures, read_as
from synthgen.evaluation.result import MetricResult

_TREES = {"n_estimators": 200, "max_depth": 6, "learning_rate": 0.1}
# A number with more values than this is predicted as a quantity, not as a class.
_MOST_CLASSES = 20


def utility(
    train: pd.DataFrame,
    test: pd.DataFrame,
    target: Any,
    *,
    reference: pd.DataFrame | None = None,
    real: MetricResult | None = None,
    seed: int = 0,
) -> MetricResult:
    """Score on real ``test`` rows of a model trained on ``train``, real or synthetic.

    AUC for two classes, the unweighted mean of one-against-rest AUCs for more, the root mean
    square error of ``log1p`` for a quantity that is nowhere negative, of the quantity otherwise.
    Rows without a target are left out.

    Args:
        train: Rows to train on.
        test: Real rows to judge on.
        target: The column to predict.
        reference: The real train table: it gives the category codes, decides between classes and
            a quantity, and its own score becomes the baseline. Default: ``train``.
        real: That score, where it is known already.
        seed: Of the trees.

    Raises:
        MissingExtraError: If xgboost is not installed.
        InvalidInputError: If there is no such column, or no row with a target.
    """
    known = train if reference is None else reference
    for role, table in (("train", train), ("test", test), ("reference", known)):
        if target not in table.columns:
            raise InvalidInputError(f"the {role} table has no column {target!r} to predict")
    task = _regression if _is_quantity(known[target]) else _classification
    features = TableFeatures.of(known.drop(columns=target))
    judge = _split(test, target, features, "test")
    found = task(_split(train, target, features, "train"), judge, known[target], seed)
    if reference is None:
        return found
    if real is None:
        real = task(_split(known, target, features, "reference"), judge, known[target], seed)
    return replace(found, baseline=real.value)


_Rows = tuple[Floats, "pd.Series[Any]"]


def _is_quantity(target: pd.Series) -> bool:
    return read_as(target) not in ("category", "boolean") and target.nunique() > _MOST_CLASSES


def _split(table: pd.DataFrame, target: Any, features: TableFeatures, role: str) -> _Rows:
    """Features and target of the rows that have one."""
    table = table[table[target].notna()]
    if not len(table):
        raise InvalidInputError(f"no row of the {role} table has a value in {target!r}")
    return features.matrix(table), table[target]


def _regression(fit: _Rows, judge: _Rows, known: pd.Series, seed: int) -> MetricResult:
    numbers = [_number(target) for target in (fit[1], judge[1])]
    logarithm = bool((_number(known.dropna()) >= 0).all() and (numbers[1] >= 0).all())
    if logarithm:
        # A generator may go below zero where the real column never does.
        numbers = [np.log1p(np.maximum(target, 0)) for target in numbers]
    model = need("xgboost", "utility").XGBRegressor(**_TREES, random_state=seed)
    model.fit(fit[0], numbers[0])
    squares = (model.predict(judge[0]).astype(np.float64) - numbers[1]) ** 2
    value = float(np.sqrt(squares.mean()))
    # Delta method: the error of a square root is that of the mean over twice the root.
    half = Z95 * float(squares.std(ddof=1) / np.sqrt(len(squares))) / (2 * value) if value else 0.0
    unit = "RMSE of log1p" if logarithm else "RMSE"
    return MetricResult(
        value, "lower", len(fit[1]), unit, ci=(max(0.0, value - half), value + half)
    )


def _number(target: pd.Series) -> Floats:
    return TableFeatures.of(target.to_frame()).matrix(target.to_frame())[:, 0]


def _classification(fit: _Rows, judge: _Rows, known: pd.Series, seed: int) -> MetricResult:
    classes = sorted(known.dropna().unique(), key=str)
    code = {value: index for index, value in enumerate(classes)}
    labels = [
        target.astype(object).map(code).fillna(-1).to_numpy(int) for target in (fit[1], judge[1])
    ]
    judged = sorted(set(labels[1]) - {-1})
    unit = "AUC" if len(classes) == 2 else "mean one-against-rest AUC"
    n = len(fit[1])
    if len(judged) < 2:
        few = f"the test rows hold {len(judged)} of the known classes; two are needed"
        return MetricResult(None, "higher", n, unit, reason=few)
    scores, reason = _class_scores(fit[0], labels[0], judge[0], len(classes), seed)
    if len(classes) == 2:
        judged = judged[1:]
    aucs = [
        auc_with_error(scores[labels[1] == label, label], scores[labels[1] != label, label])
        for label in judged
    ]
    value = float(np.mean([auc for auc, _ in aucs]))
    # The one-against-rest scores share their rows; adding errors bounds any correlation.
    half = Z95 * float(np.mean([error for _, error in aucs]))
    ci = (max(0.0, value - half), min(1.0, value + half))
    return MetricResult(value, "higher", n, unit, ci=ci, reason=reason)


def _class_scores(
    rows: Floats, labels: npt.NDArray[np.int_], judge: Floats, n_classes: int, seed: int
) -> tuple[Floats, str | None]:
    """Predicted probability of every class, zero for those the train rows lack.

    Shape:
        (n_judged_rows, n_classes)
    """
    rows, labels = rows[labels >= 0], labels[labels >= 0]
    present = np.unique(labels)
    scores = np.zeros((len(judge), n_classes))
    if len(present) < 2:
        return scores, f"the train rows hold {len(present)} class, so nothing can be learned"
    model = need("xgboost", "utility").XGBClassifier(**_TREES, random_state=seed)
    model.fit(rows, np.searchsorted(present, labels))
    scores[:, present] = model.predict_proba(judge)
    lacking = n_classes - len(present)
    return (
        scores,
        f"{lacking} of {n_classes} classes are absent from the train rows" if lacking else None,
    )
