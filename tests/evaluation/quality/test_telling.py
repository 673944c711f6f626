from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality.rules import telling_rules
from synthgen.evaluation.quality.telling import broken_pairs, telling_columns

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_the_column_that_is_off_tells(parts: Adult) -> None:
    train, test = parts
    off = test.assign(age=test["age"] + 30)
    first = telling_columns(train, off)[0]
    assert first.column == "age"
    assert first.gain_share > 0.5 and first.auc_drop > 0.2 and first.auc_alone > 0.8


def test_a_column_alone_is_scored_alone() -> None:
    # 1/2 of the real rows are 0, none of the synthetic: AUC 1/2 + 1/2 * 1/2 = 3/4.
    real = pd.DataFrame({"a": [0, 1] * 600, "b": 1})
    found = {c.column: c for c in telling_columns(real, real.assign(a=1))}
    assert found["a"].auc_alone == pytest.approx(0.75, abs=0.03)
    assert found["b"].auc_alone == 0.5 and found["b"].auc_drop == 0
    assert found["a"].gain_share == pytest.approx(1)


def test_too_few_rows_tell_nothing() -> None:
    table = pd.DataFrame({"a": range(5)})
    assert telling_columns(table, table) == () and telling_rules(table, table) == ()


def met(table: pd.DataFrame, query: str) -> float:
    return 100 * len(table.query(query)) / len(table)


def test_rules_say_what_a_query_finds() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"n": rng.integers(0, 100, 4000), "c": rng.choice(list("abc"), 4000)})
    made = pd.DataFrame({"n": rng.integers(0, 100, 4000), "c": rng.choice(list("abc"), 4000)})
    made.loc[(made["n"] >= 40) & (made["n"] < 60), "c"] = "b"
    first = telling_rules(real, made)[0]
    assert first.text == "n is from 40 to 59 and c is 'b'"
    assert first.side == "synthetic"
    assert first.real_pct == pytest.approx(met(real, "40 <= n < 60 and c == 'b'"), abs=1.5)
    assert first.synthetic_pct == pytest.approx(met(made, "40 <= n < 60"), abs=1.5)


def test_unseen_missing_and_true_are_words() -> None:
    rows = 2000
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"c": rng.choice(list("ab"), rows)})
    unseen = telling_rules(real, real.where(rng.random((rows, 1)) < 0.7, "z"))[0]
    assert unseen.text == "c is a value no real row has" and unseen.real_pct == 0
    numbers = pd.DataFrame({"n": rng.normal(size=rows)})
    missing = telling_rules(numbers, numbers.where(rng.random((rows, 1)) < 0.7))[0]
    assert missing.text == "n is missing" or missing.text.endswith(" or missing")
    assert missing.real_pct < 2 and missing.synthetic_pct == pytest.approx(30, abs=4)
    flags = pd.DataFrame({"f": rng.random(rows) < 0.5})
    rules = telling_rules(flags, pd.DataFrame({"f": rng.random(rows) < 0.9}))
    assert {rule.text for rule in rules} == {"f is true", "f is false"}


def test_equal_tables_have_no_rules(parts: Adult) -> None:
    train, _ = parts
    halves = train.iloc[::2], train.iloc[1::2]
    # Two standard errors let some rules of chance pass, but none of them says much.
    for rule in telling_rules(*halves):
        assert abs(rule.real_pct - rule.synthetic_pct) < 5


def test_a_broken_pair_gives_a_rule_a_greedy_tree_misses(parts: Adult) -> None:
    train, _ = parts
    rng = np.random.default_rng(0)
    loose = train.assign(sex=rng.permutation(train["sex"]))
    rules = telling_rules(train, loose, pairs=[("relationship", "sex")])
    texts = {rule.text: rule for rule in rules}
    rule = texts["relationship is 'Husband' and sex is 'Female'"]
    assert rule.real_pct < 0.2 and rule.synthetic_pct > 8


def test_times_in_rules() -> None:
    real = pd.DataFrame({"t": pd.date_range("2020-01-01", periods=1000, freq="D")})
    (early, *_) = telling_rules(real, real + pd.Timedelta(days=2000))
    assert early.text.startswith("t is at ") and " 00:00:00" in early.text and "20" in early.text


def test_broken_pairs_are_ranked_and_named() -> None:
    gaps = {("a", "b"): 0.02, ("a", "c"): 0.4, ("b", "c"): 0.001}
    found = broken_pairs(gaps, {("c", "a"): 55.0}, {("a", "b"): 3.0})
    assert [(p.one, p.other, p.trend_error_pct, p.holdout_trend_error_pct) for p in found] == [
        ("a", "c", 55.0, None),
        ("a", "b", None, 3.0),
    ]
    assert "40.0%" in found[0].text
