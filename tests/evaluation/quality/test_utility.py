from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from xgboost import XGBClassifier, XGBRegressor

from synthgen.errors import InvalidInputError
from synthgen.evaluation.quality import utility

Adult = tuple[pd.DataFrame, pd.DataFrame]
TREES = {"n_estimators": 200, "max_depth": 6, "learning_rate": 0.1, "random_state": 0}


def coded(table: pd.DataFrame, like: pd.DataFrame, target: str) -> np.ndarray:
    """Oracle: sorted codes of ``like``, -1 for what it does not hold."""
    table = table.drop(columns=target).copy()
    for name in table.select_dtypes(object):
        order = sorted(set(like[name]))
        table[name] = table[name].map(lambda v, order=order: order.index(v) if v in order else -1)
    return table.to_numpy(float)


def test_two_classes_against_the_protocol_written_out(parts: Adult) -> None:
    train, test = parts
    model = XGBClassifier(**TREES).fit(coded(train, train, "income"), train["income"] == ">50K")
    score = model.predict_proba(coded(test, train, "income"))[:, 1]
    found = utility(train, test, "income")
    assert found.value == pytest.approx(roc_auc_score(test["income"] == ">50K", score), abs=1e-6)
    assert found.unit == "AUC" and found.direction == "higher"
    assert found.ci is not None and found.ci[0] < found.value < found.ci[1]


def test_several_classes(parts: Adult) -> None:
    train, test = parts
    train, test = train[train["race"] != "Other"], test[test["race"] != "Other"]
    classes = sorted(set(train["race"]))
    label = train["race"].map(classes.index)
    model = XGBClassifier(**TREES).fit(coded(train, train, "race"), label)
    score = model.predict_proba(coded(test, train, "race"))
    expected = np.mean(
        [roc_auc_score(test["race"] == c, score[:, i]) for i, c in enumerate(classes)]
    )
    assert utility(train, test, "race").value == pytest.approx(expected, abs=1e-6)


def test_a_quantity_on_the_log_scale(parts: Adult) -> None:
    train, test = parts
    model = XGBRegressor(**TREES).fit(
        coded(train, train, "hours-per-week"), np.log1p(train["hours-per-week"])
    )
    gap = model.predict(coded(test, train, "hours-per-week")) - np.log1p(test["hours-per-week"])
    found = utility(train, test, "hours-per-week")
    assert found.value == pytest.approx(np.sqrt((gap**2).mean()), abs=1e-6)
    assert found.unit == "RMSE of log1p" and found.direction == "lower"


def test_a_quantity_below_zero_stays_on_its_scale(parts: Adult) -> None:
    train, test = (table.assign(fnlwgt=table["fnlwgt"] - 2e5) for table in parts)
    assert utility(train, test, "fnlwgt").unit == "RMSE"


def test_noise_is_worth_less_than_real_rows(parts: Adult) -> None:
    train, test = parts
    noise = train.assign(income=np.random.default_rng(0).permutation(train["income"]))
    found = utility(noise, test, "income", reference=train)
    assert found.baseline == utility(train, test, "income").value
    assert found.value is not None and found.value < 0.65 < 0.88 < found.baseline


def test_a_synthetic_table_below_zero_is_judged_like_the_real_one(parts: Adult) -> None:
    train, test = parts
    below = train.assign(**{"hours-per-week": train["hours-per-week"] - 3})
    assert utility(below, test, "hours-per-week", reference=train).unit == "RMSE of log1p"


def test_absent_classes_have_a_reason(parts: Adult) -> None:
    train, test = parts
    white = train[train["race"] == "White"]
    found = utility(white, test, "race", reference=train)
    assert found.value == 0.5
    assert found.reason is not None and "hold 1 class" in found.reason
    some = train[train["race"].isin(["White", "Black"])]
    found = utility(some, test, "race", reference=train)
    assert found.reason == "3 of 5 classes are absent from the train rows"


def test_missing_targets_are_left_out(parts: Adult) -> None:
    train, test = parts
    gaps = pd.concat([train, train.assign(income=None)], ignore_index=True)
    assert utility(gaps, test, "income").value == utility(train, test, "income").value


def test_one_class_to_judge_has_a_reason(parts: Adult) -> None:
    train, test = parts
    found = utility(train, test[test["income"] == ">50K"], "income")
    assert found.value is None and found.reason is not None and "two are needed" in found.reason


def test_unknown_target_and_no_target(parts: Adult) -> None:
    train, test = parts
    with pytest.raises(InvalidInputError, match="train table has no column 'incomes'"):
        utility(train, test, "incomes")
    with pytest.raises(InvalidInputError, match="no row of the test table has a value in 'income'"):
        utility(train, test.assign(income=None), "income")
