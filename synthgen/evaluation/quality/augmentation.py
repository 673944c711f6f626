"""Augmentation gain: whether synthetic rows of a rare class help to recognize it in real rows.

Beside it, always: no augmentation, class weights, and SMOTE (Chawla et al. 2002; SMOTE-NC where
there are categories). Oversampling that does not beat class weights is not worth its rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.extras import need
from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.result import MetricResult

MEASURES = ("pr_auc", "auc", "recall", "f1")
ARMS = ("none", "weights", "smote", "synthetic")
_TREES = {"n_estimators": 200, "max_depth": 6, "learning_rate": 0.1}
_FEWEST_OF_CLASS = 10

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Augmentation:
    """Scores on real test rows of a classifier of the rare class against all others.

    Attributes:
        rare: The rare class, as text.
        n_added: Rows added by SMOTE and, at most, from the synthetic ones.
        scores: Of every arm (``"none"``, ``"weights"``, ``"smote"``, ``"synthetic"``), every
            measure (``"pr_auc"``, ``"auc"``, ``"recall"``, ``"f1"``; the last two at a
            probability of 1/2), with a bootstrap interval over test rows; baseline: no
            augmentation.
        gains: Difference of every arm to no augmentation, with the interval of the paired
            bootstrap: a gain whose interval holds 0 is none.
    """

    rare: str
    n_added: int
    scores: dict[str, dict[str, MetricResult]]
    gains: dict[str, dict[str, MetricResult]]


def augmentation_gain(
    train: pd.DataFrame,
    test: pd.DataFrame,
    target: Any,
    extra: pd.DataFrame | Callable[[int], pd.DataFrame],
    *,
    rare: Any = None,
    n_added: int | None = None,
    draws: int = 500,
    seed: int = 0,
) -> Augmentation:
    """Train on real rows plus synthetic rows of the rare class, judge on real ``test`` rows.

    Args:
        train: Real rows.
        test: Real rows to judge on.
        target: The column that holds the class.
        extra: Synthetic rows of the rare class, or a function that makes so many. Rows of another
            class are left out.
        rare: The class; default: the rarest of ``train``.
        n_added: Rows to add; default: as many as make the classes equally frequent.
        draws: Bootstrap samples of the test rows.
        seed: Of the trees, of SMOTE and of the bootstrap.

    Raises:
        MissingExtraError: If xgboost or imbalanced-learn is not installed.
        InvalidInputError: If there is no such column or class, or too few of its rows.
    """
    rare = _rare_class(train, test, target, rare)
    train, test = (t[t[target].notna()].reset_index(drop=True) for t in (train, test))
    features = TableFeatures.of(train.drop(columns=target))
    rows, label = features.matrix(train), (train[target] == rare).to_numpy(dtype=bool)
    count = int(label.sum())
    wanted = max(0, len(label) - 2 * count) if n_added is None else n_added
    made = extra(wanted) if callable(extra) else extra
    made = made[made[target] == rare].head(wanted) if target in made.columns else made.head(wanted)
    added = features.matrix(made)
    judge, truth = features.matrix(test), (test[target] == rare).to_numpy(dtype=bool)
    weight = (len(label) - count) / count
    fits: dict[str, Callable[[], Floats]] = {
        "none": lambda: _scores(rows, label, judge, seed),
        "weights": lambda: _scores(rows, label, judge, seed, scale_pos_weight=weight),
        "smote": lambda: _scores(*_smote(features, rows, label, wanted, seed), judge, seed),
        "synthetic": lambda: _scores(
            np.concatenate([rows, added]), np.r_[label, np.ones(len(added), bool)], judge, seed
        ),
    }
    found, reasons = {}, {}
    for arm, fit in fits.items():
        if arm == "synthetic" and len(added) < wanted:
            reasons[arm] = f"{len(added)} synthetic rows of the class in place of {wanted}"
        try:
            found[arm] = fit()
        except ValueError as error:  # SMOTE refuses tables it cannot interpolate
            reasons[arm] = str(error).splitlines()[0]
    return _compare(str(rare), wanted, found, reasons, truth, draws, seed)


def rates(score: Floats, truth: Bools, weights: Floats) -> Floats:
    """Average precision, AUC, recall and F1 of weighted rows.

    Shape:
        score, truth: (n_rows,); weights: (n_draws, n_rows); returns (n_draws, 4)
    """
    order = np.argsort(-score, kind="stable")
    last = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    found = np.empty((len(weights), 4))
    for draw, weight in enumerate(weights):
        ordered = weight[order]
        hits = np.cumsum(ordered * truth[order])[last]
        false = np.cumsum(ordered * ~truth[order])[last]
        total, others = max(float(hits[-1]), 1e-12), max(float(false[-1]), 1e-12)
        recall = np.r_[0.0, hits / total]
        precision = hits / np.maximum(hits + false, 1e-12)
        found[draw, 0] = float((np.diff(recall) * precision).sum())
        heights = (recall[1:] + recall[:-1]) / 2
        found[draw, 1] = float((np.diff(np.r_[0.0, false / others]) * heights).sum())
        said = score >= 0.5
        right = float(weight[said & truth].sum())
        found[draw, 2] = right / total
        found[draw, 3] = 2 * right / max(float(weight[said].sum()) + total, 1e-12)
    return found


def _rare_class(train: pd.DataFrame, test: pd.DataFrame, target: Any, rare: Any) -> Any:
    for role, table in (("train", train), ("test", test)):
        if target not in table.columns:
            raise InvalidInputError(f"the {role} table has no column {target!r} to augment")
    counts = train[target].value_counts()
    if len(counts) < 2:
        raise InvalidInputError(f"the target {target!r} has one class; two are needed")
    rare = counts.index[-1] if rare is None else rare
    for role, table in (("train", train), ("test", test)):
        found = int((table[target] == rare).sum())
        if found < _FEWEST_OF_CLASS:
            raise InvalidInputError(
                f"{found} rows of the {role} table have {rare!r} in {target!r}; "
                f"at least {_FEWEST_OF_CLASS} are needed to judge a gain"
            )
    return rare


def _scores(rows: Floats, label: Bools, judge: Floats, seed: int, **weights: float) -> Floats:
    classifier = need("xgboost", "augmentation gain").XGBClassifier
    model = classifier(**_TREES, **weights, random_state=seed).fit(rows, label.astype(int))
    return np.asarray(model.predict_proba(judge)[:, 1], dtype=np.float64)


def _smote(
    features: TableFeatures, rows: Floats, label: Bools, wanted: int, seed: int
) -> tuple[Floats, Bools]:
    """Rows with ``wanted`` more of the class, interpolated between neighbours of the class."""
    over = need("imblearn.over_sampling", "the SMOTE baseline")
    middle = [float(np.nanmedian(c)) if not np.isnan(c).all() else 0.0 for c in rows.T]
    filled = np.where(np.isnan(rows), middle, rows)
    category = np.array([c.reading in ("category", "boolean") for c in features.columns])
    count = int(label.sum())
    common = {
        "sampling_strategy": {1: count + wanted},
        "k_neighbors": min(5, count - 1),
        "random_state": seed,
    }
    if category.all():
        method = over.SMOTEN(**common)
    elif category.any():
        method = over.SMOTENC(categorical_features=np.flatnonzero(category).tolist(), **common)
    else:
        method = over.SMOTE(**common)
    found, classes = method.fit_resample(filled, label.astype(int))
    # The real rows stay as they are, gaps included; only the new ones are taken.
    made = np.asarray(found[len(rows) :], dtype=np.float64)
    return np.concatenate([rows, made]), np.r_[label, classes[len(rows) :] == 1]


def _compare(
    rare: str,
    n_added: int,
    found: dict[str, Floats],
    reasons: dict[str, str],
    truth: Bools,
    draws: int,
    seed: int,
) -> Augmentation:
    n = len(truth)
    drawn = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=draws)
    weights = np.concatenate([np.ones((1, n)), drawn])
    measured = {arm: rates(score, truth, weights) for arm, score in found.items()}
    plain = measured["none"]
    scores: dict[str, dict[str, MetricResult]] = {}
    gains: dict[str, dict[str, MetricResult]] = {}
    for arm in ARMS:
        reason = reasons.get(arm)
        if arm not in measured:
            none = MetricResult(None, "higher", n, reason=reason or "not measured")
            scores[arm], gains[arm] = dict.fromkeys(MEASURES, none), dict.fromkeys(MEASURES, none)
            continue
        scores[arm] = _summary(measured[arm], n, plain[0], reason)
        gains[arm] = _summary(measured[arm] - plain, n, np.zeros(len(MEASURES)), reason)
    del gains["none"]
    return Augmentation(rare, n_added, scores, gains)


def _summary(
    values: Floats, n: int, baseline: Floats, reason: str | None
) -> dict[str, MetricResult]:
    """The first row is the figure, the others are its bootstrap."""
    low, high = np.quantile(values[1:], [0.025, 0.975], axis=0)
    return {
        measure: MetricResult(
            float(values[0, i]),
            "higher",
            n,
            measure,
            (float(low[i]), float(high[i])),
            float(baseline[i]),
            reason,
        )
        for i, measure in enumerate(MEASURES)
    }
