"""What gives synthetic rows away: the columns a boosted-tree critic uses, and the broken pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthgen.evaluation.auc import auc_with_error
from synthgen.evaluation.extras import need
from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.quality.thinning import fair_size, thin
from synthgen.parallel import in_threads

MOST_ROWS = 20_000
_FEWEST_ROWS = 10


@dataclass(frozen=True)
class TellingColumn:
    """How much a column helps to tell synthetic rows from real ones.

    Attributes:
        column: Its name.
        gain_share: Its share of the gain of all splits, 0 to 1.
        auc_drop: Fall of the critic's AUC on rows held out when the column is shuffled among them.
        auc_alone: AUC, on rows held out, of a critic that sees this column only.
    """

    column: str
    gain_share: float
    auc_drop: float
    auc_alone: float


@dataclass(frozen=True)
class BrokenPair:
    """Two columns whose dependence differs; what each figure is, `broken_pairs` says."""

    one: str
    other: str
    trend_error_pct: float | None
    holdout_trend_error_pct: float | None
    two_way_error_pct: float
    text: str


def telling_columns(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, seed: int = 0, most_rows: int = MOST_ROWS
) -> tuple[TellingColumn, ...]:
    """Columns that give synthetic rows away, the most telling first.

    Both tables are thinned to the smaller one and to ``most_rows``; two thirds of the rows train
    the critic, a third judges it. Empty for tables of fewer than ten rows.

    Raises:
        MissingExtraError: If xgboost is not installed.
        InvalidInputError: If the columns differ.
    """
    size = min(len(real), fair_size(synthetic, None, most_rows))
    if size < _FEWEST_ROWS:
        return ()
    features = TableFeatures.of(real)
    tables = [features.matrix(thin(table, size, seed)) for table in (real, synthetic)]
    rng = np.random.default_rng(seed)
    rows = np.concatenate(tables)
    label = np.repeat([1, 0], size)
    order = rng.permutation(len(rows))
    fit, judge = order[: 2 * len(rows) // 3], order[2 * len(rows) // 3 :]
    if len(set(label[fit])) < 2 or len(set(label[judge])) < 2:
        return ()
    critic = _critic(rows[fit], label[fit], seed)
    gains = np.asarray(critic.feature_importances_, dtype=np.float64)
    whole = _auc(critic, rows[judge], label[judge])
    orders = [rng.permutation(len(judge)) for _ in features.columns]

    def telling(index: int) -> TellingColumn:
        shuffled = rows[judge].copy()
        shuffled[:, index] = shuffled[orders[index], index]
        one = rows[:, [index]]
        alone = _critic(one[fit], label[fit], seed, n_estimators=30, max_depth=4, n_jobs=1)
        return TellingColumn(
            str(features.columns[index].name),
            float(np.nan_to_num(gains[index])),
            whole - _auc(critic, shuffled, label[judge]),
            _auc(alone, one[judge], label[judge]),
        )

    found = in_threads(telling, range(len(features.columns)))
    return tuple(sorted(found, key=lambda column: (-column.gain_share, column.column)))


def broken_pairs(
    two_way: dict[tuple[str, str], float],
    trend: dict[tuple[str, str], float],
    holdout_trend: dict[tuple[str, str], float] | None = None,
    *,
    most: int = 10,
    least_pct: float = 1.0,
) -> tuple[BrokenPair, ...]:
    """Pairs of columns whose joint frequencies differ beyond those of the two columns, worst first.

    Args:
        two_way: Total variation distance of a pair beyond that of its columns, 0 to 1, as
            `marginals` gives it.
        trend: sdmetrics' trend error of pairs, in percent; pairs may be missing.
        holdout_trend: The same of holdout rows.
        most: How many to name.
        least_pct: Smaller differences, in percent, are not named.
    """
    ranked = sorted(two_way.items(), key=lambda item: (-item[1], item[0]))
    found = []
    for (one, other), gap in ranked[:most]:
        if 100 * gap < least_pct:
            break
        error = _of_pair(trend, one, other)
        text = f"{one} and {other} no longer belong together: {gap:.1%} of the rows would have to "
        text += "change for their joint frequencies to be right"
        held = None if holdout_trend is None else _of_pair(holdout_trend, one, other)
        found.append(BrokenPair(one, other, error, held, 100 * gap, text))
    return tuple(found)


def _of_pair(errors: dict[tuple[str, str], float], one: str, other: str) -> float | None:
    return errors.get((one, other), errors.get((other, one)))


def _critic(rows: Floats, label: Any, seed: int, **shape: int) -> Any:
    classifier = need("xgboost", "what tells the tables apart").XGBClassifier
    model = classifier(
        eval_metric="logloss", importance_type="total_gain", random_state=seed, **shape
    )
    return model.fit(rows, label)


def _auc(critic: Any, rows: Floats, label: Any) -> float:
    score = critic.predict_proba(rows)[:, 1].astype(np.float64)
    return auc_with_error(score[label == 1], score[label == 0])[0]
