from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from xgboost import XGBClassifier

from synthgen.evaluation.quality import compare_with_holdout, xgb_c2st

Adult = tuple[pd.DataFrame, pd.DataFrame]


def independent(table: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Every column shuffled on its own: perfect shape, no joint structure."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({name: rng.permutation(table[name]) for name in table.columns})


def test_equals_the_protocol_written_out(parts: Adult) -> None:
    train, test = parts
    real, synthetic = train.head(1500), independent(test)
    code = {
        name: {value: index for index, value in enumerate(sorted(set(real[name])))}
        for name in real.select_dtypes(object)
    }
    rows = pd.concat([real, synthetic], ignore_index=True)
    for name, codes in code.items():
        rows[name] = rows[name].map(lambda value, codes=codes: codes.get(value, -1))
    label = np.r_[np.ones(1500), np.zeros(1500)]
    scores = []
    for fit, judge in StratifiedKFold(3, shuffle=True, random_state=0).split(rows, label):
        model = XGBClassifier(eval_metric="logloss", random_state=0)
        model.fit(rows.to_numpy(float)[fit], label[fit])
        auc = roc_auc_score(label[judge], model.predict_proba(rows.to_numpy(float)[judge])[:, 1])
        scores.append(2 * max(0.5, auc) - 1)
    expected = 1 - np.mean(scores)
    assert expected < 0.9
    assert xgb_c2st(real, synthetic).value == pytest.approx(expected, abs=1e-6)


def test_real_rows_pass_and_rows_off_the_grid_do_not(parts: Adult) -> None:
    train, test = parts
    like = xgb_c2st(train, test)
    assert like.value is not None and like.value > 0.9
    assert like.n == len(test)
    assert like.ci is not None and like.ci[0] < like.value <= like.ci[1]
    shifted = test.assign(fnlwgt=test["fnlwgt"] + 10_000_000)
    assert xgb_c2st(train, shifted).value == pytest.approx(0, abs=0.01)


def test_an_unknown_category_gives_rows_away() -> None:
    # AUC by hand: "a" beats every row, "b" beats "z" and ties with "b": 1/2 + 1/2 * 3/4.
    real = pd.DataFrame({"c": ["a", "b"] * 300})
    found = xgb_c2st(real, real.replace("a", "z"))
    assert found.value == pytest.approx(1 - (2 * 7 / 8 - 1), abs=0.03)


def test_copies_of_train_rows_show_against_the_holdout(parts: Adult) -> None:
    train, test = parts
    copies = train.head(1500)
    compared = compare_with_holdout(train.head(1500), copies, test, draws=2)
    assert compared.train.n == compared.holdout.n == compared.ceiling.n == 1500
    assert compared.train.value == 1.0
    assert compared.holdout.value == pytest.approx(compared.ceiling.value, abs=0.02)


def test_comparison_thins_all_tables_to_the_smallest(parts: Adult) -> None:
    train, test = parts
    compared = compare_with_holdout(train, independent(train), test.head(400), draws=3)
    assert compared.ceiling.n == 400
    assert compared.ceiling.value > compared.train.value
    low, high = compared.train.ci or (0.0, 0.0)
    assert low < compared.train.value < high


def test_same_seed_same_score(parts: Adult) -> None:
    train, test = parts
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    assert xgb_c2st(train, test, seed=3) == xgb_c2st(train, test, seed=3)
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_too_few_rows_have_a_reason() -> None:
    result = xgb_c2st(pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [1, 2]}))
    assert result.value is None
    assert result.reason is not None and "too few" in result.reason
