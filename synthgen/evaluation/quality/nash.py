"""The Nash gap: how far a critic trained until it stops improving gets beyond guessing.

At the equilibrium of an adversarial game no critic does better than chance (Goodfellow et al. 2014,
proposition 1): held-out accuracy 1/2, a gap of 0. The critic is gradient boosting with as many
trees as keep lowering its loss on rows it was not trained on.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthgen.evaluation.auc import Z95
from synthgen.evaluation.extras import need
from synthgen.evaluation.features import Floats, TableFeatures
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult
from synthgen.parallel import in_threads

MOST_ROWS = 20_000
_FEWEST_ROWS = 20
_TREES = {"n_estimators": 1000, "max_depth": 5, "learning_rate": 0.1, "early_stopping_rounds": 20}


def nash_gap(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
    most_rows: int = MOST_ROWS,
) -> MetricResult:
    """Held-out accuracy of a converged critic, minus 1/2.

    All tables are thinned to the smallest and to ``most_rows``; three fifths of the rows train,
    one fifth says when to stop, one fifth judges. The baseline is the gap of ``real`` against
    ``holdout`` rows. Chance may push a gap of none a little below 0.

    Raises:
        MissingExtraError: If xgboost is not installed.
        InvalidInputError: If the columns differ.
    """
    size = min(len(real), fair_size(synthetic, holdout, most_rows))
    if size < _FEWEST_ROWS:
        reason = f"{size} rows are too few to train, stop and judge a critic"
        return MetricResult(None, "lower", size, "accuracy - 1/2", reason=reason)
    features = TableFeatures.of(real)
    known = features.matrix(thin(real, size, seed))
    others = [thin(synthetic, size, seed + 1)]
    if holdout is not None:
        others.append(thin(holdout, size, seed + 2))
    gaps = in_threads(lambda table: _gap(known, features.matrix(table), seed), others)
    value, judged = gaps[0]
    baseline = gaps[1][0] if holdout is not None else None
    half = Z95 * float(np.sqrt(max(0.0, 0.25 - value**2) / judged))
    note = thinned_reason(size, min(len(real), len(synthetic)))
    ci = (value - half, min(0.5, value + half))
    return MetricResult(value, "lower", size, "accuracy - 1/2", ci, baseline, note)


def _gap(real: Floats, synthetic: Floats, seed: int) -> tuple[float, int]:
    """The gap, and the number of rows it was judged on; each part holds as many of both tables."""
    n = len(real)
    order = np.random.default_rng(seed).permutation(n)
    train, stop, judge = order[: 3 * n // 5], order[3 * n // 5 : 4 * n // 5], order[4 * n // 5 :]
    rows = {
        name: np.concatenate([real[part], synthetic[part]])
        for name, part in (("train", train), ("stop", stop), ("judge", judge))
    }
    label = {name: np.repeat([1, 0], len(part) // 2) for name, part in rows.items()}
    classifier = need("xgboost", "the Nash gap").XGBClassifier
    model = classifier(eval_metric="logloss", random_state=seed, n_jobs=1, **_TREES)
    model.fit(
        rows["train"], label["train"], eval_set=[(rows["stop"], label["stop"])], verbose=False
    )
    right = model.predict(rows["judge"]) == label["judge"]
    return float(np.mean(right)) - 0.5, len(right)
