"""What is found in tables whose relations are known, and what is not claimed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen import Schema, frames
from synthgen.relations import describe, find_relations, unsearched

Make = Callable[..., pd.DataFrame]


def found(frame: pd.DataFrame) -> list[str]:
    """Relations of a table in words."""
    canonical, _ = frames.read(frame)
    return [describe(r) for r in find_relations(canonical, Schema.infer(frame))]


def test_every_kind_is_found_and_nothing_else(make_related: Make) -> None:
    assert found(make_related()) == [
        "total = paid in every row",
        "city and city_code decide each other",
        "city decides country",
        "total = fare + tip",
        "low <= mean <= high",
        "start <= end",
        "x and y are missing in the same rows",
    ]


@pytest.mark.parametrize(
    ("column", "value", "lost"),
    [
        ("paid", 0.01, "total = paid in every row"),
        ("country", "ES", "city decides country"),
        ("total", 0.5, "total = fare + tip"),
        ("high", -99.0, "low <= mean <= high"),
        ("x", 1.0, "x and y are missing in the same rows"),
    ],
)
def test_one_exception_is_enough(make_related: Make, column: str, value: object, lost: str) -> None:
    frame = make_related()
    row = frame.index[frame["x"].isna()][3]
    frame.loc[row, column] = value
    assert lost not in found(frame)


def test_adult(adult: pd.DataFrame) -> None:
    assert found(adult) == ["education and education-num decide each other"]


def test_measured_tables_without_rules() -> None:
    penguins = pd.read_csv(Path(__file__).parents[1] / "data" / "penguins.csv")
    assert not [text for text in found(penguins) if "<=" in text or "=" in text]


def test_columns_that_run_in_parallel_or_far_apart_are_no_rule() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 30, 500)
    frame = pd.DataFrame(
        {"near": x.round(2), "parallel": (x + 30 + rng.normal(0, 2, 500)).round(2),
         "far": rng.normal(5000, 300, 500).round(2)}
    )  # fmt: skip
    assert found(frame) == []


def test_rows_too_few_for_their_levels_say_nothing() -> None:
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"key": np.arange(300) // 3, "group": (np.arange(300) // 3) % 2,
                         "noise": rng.normal(size=300)})  # fmt: skip
    assert found(many) == []
    rare = pd.DataFrame({"kind": ["a"] * 4900 + ["b"] * 100})
    rare["flag"] = rare["kind"] == "b"
    assert found(rare) == [], "of columns that are nearly constant everything nearly holds"


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), rows=st.integers(70, 400), columns=st.integers(2, 30))
def test_independent_columns_have_none(seed: int, rows: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    kinds = [
        lambda: rng.integers(0, rng.integers(2, 9), rows),
        lambda: rng.normal(rng.integers(0, 50), 10, rows).round(1),
        lambda: rng.choice(list("abcde"), rows),
        lambda: np.where(rng.random(rows) < 0.9, 0, rng.integers(1, 100, rows)),
        lambda: np.where(rng.random(rows) < 0.3, np.nan, rng.random(rows).round(2)),
    ]
    frame = pd.DataFrame({f"c{i}": kinds[rng.integers(len(kinds))]() for i in range(columns)})
    assert found(frame) == []


def test_a_wide_table_is_searched_in_bounds() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(72, 1500)).round(2), columns=map(str, range(1500)))
    frame["copy"] = frame["3"]
    assert found(frame) == ["3 = copy in every row"]
    said = unsearched(Schema.infer(frame))
    assert said and "first 500 columns" in said
    assert unsearched(Schema.infer(frame.iloc[:, :99])) is None


def test_what_says_the_same_is_said_once() -> None:
    rng = np.random.default_rng(0)
    city = rng.integers(0, 12, 900)
    frame = pd.DataFrame({"city": city, "country": city // 3, "continent": city // 6})
    assert found(frame) == ["city decides country", "country decides continent"]


def test_dates_in_two_units_and_text_categories() -> None:
    rng = np.random.default_rng(0)
    start = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 99, 300), "D"))
    later = start + pd.to_timedelta(rng.integers(0, 9999, 300), "s")
    frame = pd.DataFrame({"start": start, "same": start.astype("datetime64[s]"), "end": later})
    assert found(frame) == ["start = same in every row", "start <= end"]


def test_gaps_that_follow_are_not_said_again() -> None:
    rng = np.random.default_rng(0)
    v = np.where(rng.random(300) < 0.2, np.nan, rng.integers(0, 90, 300))
    assert found(pd.DataFrame({"v": v, "w": 3 * v, "same": v})) == [
        "v = same in every row",
        "w = 3 * v",
    ]


def test_seventy_rows_are_enough_for_a_start_and_an_end() -> None:
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 9999, 70), "min")
    frame = pd.DataFrame({"start": start})
    frame["end"] = frame["start"] + pd.to_timedelta(rng.integers(0, 300, 70), "min")
    assert found(frame) == ["start <= end"]
