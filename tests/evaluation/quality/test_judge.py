from __future__ import annotations

import json
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from synthgen.errors import InvalidInputError
from synthgen.evaluation.quality import Judgement, judge
from synthgen.evaluation.quality.stages import STAGES

Adult = tuple[pd.DataFrame, pd.DataFrame]
NAMES = [name for names, _ in STAGES.values() for name in names]


@pytest.fixture(scope="module")
def loose(parts: Adult) -> Judgement:
    """Independent columns judged against Adult."""
    train, test = (part.head(rows) for part, rows in zip(parts, (800, 400), strict=True))
    rng = np.random.default_rng(0)
    made = pd.DataFrame({name: rng.choice(train[name], len(train)) for name in train.columns})
    return judge(train, made, test, "income")


def test_every_measure_is_there_and_the_fault_is_named(loose: Judgement) -> None:
    assert list(loose.metrics) == NAMES
    assert {name for name, m in loose.metrics.items() if m.value is None} == set()
    value = {name: m.value for name, m in loose.metrics.items()}
    assert value["xgb_c2st"] < 0.15 and value["shape_error_pct"] < 3
    assert loose.metrics["xgb_c2st"].baseline > 0.75
    assert value["mle"] < 0.6 < 0.8 < value["mle_real"]
    assert {loose.broken_pairs[0]["one"], loose.broken_pairs[0]["other"]} == {
        "education",
        "education-num",
    }
    assert "education" in " ".join(c["column"] for c in loose.telling_columns[:4])
    assert any("relationship" in rule["text"] for rule in loose.rules)
    assert loose.constraints[0]["kind"] == "dependency"
    assert loose.subgroups[0]["shape_error_pct"] > loose.subgroups[0]["chance_pct"]


def test_details_are_ready_for_json_and_as_documented(loose: Judgement) -> None:
    text = Judgement.__doc__ or ""
    for entry in fields(loose):
        if entry.name in ("metrics", "target", "rows", "seconds"):
            continue
        rows = getattr(loose, entry.name)
        if entry.name != "notes":
            assert rows, entry.name
        for key in rows[0] if rows else ():
            assert f'"{key}"' in text, (entry.name, key)
        json.dumps(rows, allow_nan=False)
    assert loose.rows == {"real": 800, "synthetic": 800, "holdout": 400}
    assert set(loose.seconds) == set(STAGES)
    for name in loose.metrics:
        assert name in text, name


def test_progress_and_seed(parts: Adult) -> None:
    train, test = (part.head(300) for part in parts)
    seen: list[tuple[str, int, int]] = []
    first = judge(train, test, progress=lambda *step: seen.append(step), seed=4)
    assert [done for _, done, _ in seen] == list(range(len(STAGES) + 1))
    assert first == judge(train, test, seed=4)
    assert first.metrics["xgb_c2st_holdout"].value is None
    assert "holdout" in (first.metrics["dcr_share"].reason or "")
    assert "target" in (first.metrics["mle"].reason or "")


def odd() -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    rng = np.random.default_rng(0)
    few = pd.DataFrame({"n": rng.normal(size=30), "c": rng.choice(list("ab"), 30)})
    long = pd.DataFrame({"n": rng.normal(size=90), "c": rng.choice(list("ab"), 90)})
    return {
        "few rows": (few, few),
        "one row": (few.head(1), few.head(1)),
        "a constant target": (long.assign(c="a"), long),
        "all missing": (long.assign(n=np.nan), long.assign(n=None)),
        "synthetic missing": (long, long.assign(n=None, c=None)),
        "unseen only": (long, long.assign(c="new")),
        "other dtypes": (long, long.assign(n=long["n"].astype(str), c=5)),
        "one column": (long[["c"]], long[["c"]]),
        "identifiers": (long.assign(c=[f"r{i}" for i in range(90)]), long),
        "infinite": (long, long.assign(n=np.inf)),
        "times": (
            long.assign(n=pd.date_range("2020", periods=90, tz="UTC")),
            long.assign(n=pd.date_range("2021", periods=90)),
        ),
    }


@pytest.mark.parametrize("case", list(odd()))
def test_odd_tables_get_reasons_not_crashes(case: str) -> None:
    real, made = odd()[case]
    # A holdout makes many more fits; two cases stand for all.
    found = judge(real, made, real if case in ("one row", "unseen only") else None, "c")
    assert list(found.metrics) == NAMES
    for name, result in found.metrics.items():
        assert result.value is not None or result.reason, name
        # A library's own exception is no reason a user can act on.
        for raw in ("KeyError", "IndexError", "TypeError", "AttributeError", "ZeroDivision"):
            assert raw not in (result.reason or ""), (name, result.reason)
    if case == "few rows":
        assert all(result.reason for result in found.metrics.values())
        assert "30 rows" in (found.metrics["xgb_c2st"].reason or "")


def test_other_columns_cannot_be_judged(parts: Adult) -> None:
    train, _ = parts
    with pytest.raises(InvalidInputError, match="lacks 'age'"):
        judge(train, train.drop(columns="age"))


def test_big_tables_are_thinned_and_say_so(parts: Adult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthgen.evaluation.quality.stages.MOST_ROWS", 200)
    train, _ = parts
    found = judge(train.head(400), train.head(400))
    for name in ("xgb_c2st", "shape_error_pct"):
        assert found.metrics[name].n == 200
        assert "200 rows" in (found.metrics[name].reason or "")
    assert found.metrics["exact_copies"].n == 400 and found.metrics["exact_copies"].value == 1


def test_a_wide_table_is_judged_by_some_of_its_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthgen.evaluation.quality import stages

    monkeypatch.setattr(stages, "MOST_COLUMNS", 12)
    rng = np.random.default_rng(0)
    real, made = (
        pd.DataFrame(rng.normal(size=(200, 40)), columns=[f"c{k}" for k in range(40)])
        for _ in range(2)
    )
    made["c39"] += 100
    found = judge(real, made, target="c3")
    assert len(found.columns) == 12
    assert "c3" in [row["column"] for row in found.columns]
    assert found.notes[0]["text"].startswith("all figures but XGB-C2ST are of 12 of the 40")
    # the trees see the one column that gives the rows away, whether it was drawn or not
    assert found.metrics["xgb_c2st"].value is not None
    assert found.metrics["xgb_c2st"].value < 0.05
    assert len(found.associations) == 12 * 11 / 2
