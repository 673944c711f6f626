from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from synthgen.evaluation.quality.logistic import lr_c2st

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_equals_the_protocol_written_out(parts: Adult) -> None:
    real, made = parts[0].head(1000), parts[1].head(1000).assign(age=lambda t: t["age"] + 4)
    rows = pd.get_dummies(pd.concat([real, made])).to_numpy(float)
    label = np.repeat([1, 0], 1000)
    scores = []
    for fit, judge in StratifiedKFold(3, shuffle=True, random_state=0).split(rows, label):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        model.fit(rows[fit], label[fit])
        auc = roc_auc_score(label[judge], model.decision_function(rows[judge]))
        scores.append(2 * max(0.5, auc) - 1)
    assert np.mean(scores) > 0.05
    assert lr_c2st(real, made).value == pytest.approx(1 - np.mean(scores), abs=0.01)


def test_independent_columns_fool_it(parts: Adult) -> None:
    train, test = parts
    rng = np.random.default_rng(0)
    loose = pd.DataFrame({name: rng.permutation(train[name]) for name in train.columns})
    found = lr_c2st(train, loose, holdout=test)
    assert found.value is not None and found.value > 0.93
    assert found.baseline is not None and found.n == len(test)


def test_missing_cells_and_unseen_values() -> None:
    real = pd.DataFrame({"n": [1.0, 2.0, None, 3.0] * 50, "c": ["a", "b", None, "a"] * 50})
    assert lr_c2st(real, real).value == pytest.approx(1, abs=0.1)
    assert (lr_c2st(real, real.assign(n=real["n"].fillna(2.0))).value or 0) < 0.9
    assert (lr_c2st(real, real.replace("a", "z")).value or 0) < 0.6


def test_few_rows() -> None:
    table = pd.DataFrame({"a": [1, 2]})
    assert lr_c2st(table, table).value is None
