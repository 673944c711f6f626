"""Charts: what they say and where they put things."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from synthgen.reports.charts import curve_chart, interval_chart
from synthgen.reports.heatmap import MOST_COLUMNS, chosen_columns, heatmaps


def figure(value, ci=None, baseline=None, unit="AUC") -> dict:
    return {"value": value, "ci": ci, "baseline": baseline, "unit": unit}


def test_a_dot_stands_where_its_value_is() -> None:
    at = [
        float(re.search(r'<circle cx="([\d.]+)"', interval_chart(figure(v), "x"))[1])
        for v in (0.0, 0.5, 1.0)
    ]
    assert at == [6, 75, 144]
    shown = interval_chart(figure(0.5, [0.4, 0.6], 0.9), "x")
    assert "x: 0.500 on a scale from 0 to 1; real rows 0.900" in shown
    assert "on a scale from 0 to 25" in interval_chart(figure(23.5, unit="%"), "x")
    assert interval_chart(figure(None), "x") == ""


def test_a_constant_or_empty_curve_does_not_break() -> None:
    assert "from 2 to 2" in curve_chart("loss", [0.0, 1.0], [2.0, 2.0])
    assert curve_chart("loss", [0.0], [None]) == ""


def pair(one: str, other: str, real, synthetic) -> dict:
    return {"one": one, "other": other, "measure": "correlation", "real": real,
            "synthetic": synthetic, "holdout": None}  # fmt: skip


@pytest.mark.parametrize(
    ("real", "synthetic", "shade"),
    [(0.5, 0.0, "less"), (0.0, 0.5, "more"), (-0.5, 0.4, "less"), (-0.5, -0.5, "")],
)
def test_the_difference_tells_lost_from_added(real, synthetic, shade) -> None:
    shown = heatmaps([pair("a", "b", real, synthetic)], ["a", "b"])[2]["svg"]
    assert [s for s in ("less", "more") if f'class="{s}"' in shown] == ([shade] if shade else [])


def test_of_many_columns_those_that_changed_are_kept() -> None:
    names = [f"c{i}" for i in range(40)]
    found = [pair(a, b, 0.1, 0.1) for a, b in pairwise(names)]
    found.append(pair("c7", "c39", 0.9, 0.0))
    kept = chosen_columns(found)
    assert len(kept) == MOST_COLUMNS
    assert {"c7", "c39"} <= set(kept)
    assert kept == [name for name in names if name in kept], "in the table's order"
    assert "None" not in heatmaps([pair("a", "b", None, 0.1)], ["a", "b"])[0]["svg"]
