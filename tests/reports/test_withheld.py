"""Rules and constraints without the values of single rows."""

from __future__ import annotations

import pandas as pd

from synthgen.evaluation.quality import Judgement
from synthgen.reports.withheld import details

REAL = pd.DataFrame(
    {
        "job": ["clerk"] * 50 + ["cook"] * 46 + ["queen"] * 4,
        "job title": ["a"] * 100,
        "income": [1000.0] * 50 + [round(3017.13 + 7.77 * i, 2) for i in range(50)],
        "born": pd.date_range("1990-01-01 10:11:12", periods=100, freq="36h"),
    }
)


def rule(*conditions: str, real_pct: float = 10.0) -> dict:
    return {
        "text": " and ".join(conditions), "conditions": list(conditions), "real_pct": real_pct,
        "synthetic_pct": 30.0, "side": "synthetic",
    }  # fmt: skip


def told(**lists) -> dict:
    return details(Judgement(metrics={}, **lists), REAL)


def test_rare_categories_are_not_named() -> None:
    (found,) = told(rules=[rule("job is one of 'cook', 'queen'", "job title is 'a'")])["rules"]
    assert found["conditions"] == ["job is one of 'cook', a rare value", "job title is 'a'"]
    assert found["text"] == "job is one of 'cook', a rare value and job title is 'a'"


def test_numbers_of_few_rows_are_rounded_and_frequent_ones_stay() -> None:
    (found,) = told(rules=[rule("income is from 1000 to 3032.67")])["rules"]
    assert found["text"] == "income is from 1000 to about 3000"


def test_times_of_few_rows_are_rounded() -> None:
    (found,) = told(rules=[rule("born is at least 1990-01-02 22:11:12")])["rules"]
    assert "22:11:12" not in found["text"]
    assert found["text"].startswith("born is at least about 1990-01-0")


def test_rules_of_a_handful_of_real_rows_are_not_told() -> None:
    rules = [rule("job is 'cook'", real_pct=share) for share in (0.0, 1.0, 4.0, 5.0)]
    assert [r["real_pct"] for r in told(rules=rules)["rules"]] == [0.0, 5.0]


def test_bounds_lose_their_numbers() -> None:
    bound = {
        "kind": "bounds", "columns": ["income"], "text": "income is from 1000 to 3397.86",
        "synthetic_pct": 1.0, "holdout_pct": None,
    }  # fmt: skip
    order = bound | {"kind": "ordering", "text": "a <= b"}
    found = told(constraints=[bound, order])["constraints"]
    assert [c["text"] for c in found] == ["income is within the range of the real rows", "a <= b"]


def test_rare_levels_and_small_groups_are_left_out() -> None:
    levels = [
        {"column": "job", "value": v, "real_pct": 1, "synthetic_pct": 1, "holdout_pct": None}
        for v in ("queen", "cook")
    ]
    groups = [{"text": str(n), "n_real": n} for n in (3, 5)]
    found = told(rare_levels=levels, subgroups=groups)
    assert [level["value"] for level in found["rare_levels"]] == ["cook"]
    assert [group["n_real"] for group in found["subgroups"]] == [5]


def test_nothing_rare_in_a_whole_report(report, small) -> None:
    page, data = report.to_html(), str(report.to_dict())
    for name in ("workclass", "education"):
        counts = small["real"][name].value_counts()
        for value in counts.index[counts < 5]:
            assert f"'{value}'" not in data
            assert f">{value}<" not in page
    gains = small["real"]["capital-gain"].value_counts()
    assert not [v for v in gains.index[gains < 5] if f"{v:,}" in page and v > 10_000]
