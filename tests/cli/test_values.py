from __future__ import annotations

import pytest
import typer

from synthgen import Column, Schema
from synthgen.cli import values
from synthgen.errors import ConditionError, InvalidInputError

SCHEMA = Schema(
    columns=(
        Column(name="age", kind="integer"),
        Column(name="height", kind="float"),
        Column(name="when", kind="datetime", unit="s"),
        Column(name="ok", kind="boolean", text_format="yes/no"),
        Column(name="city", kind="category"),
        Column(name="a=b", kind="category"),
        Column(name="a", kind="category"),
        Column(name=7, kind="category"),
    )
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("5m", 300),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (" 2 M ", 120),
        (30, 30),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert values.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "5x", "5m junk", "-5", "0", "0s", "1e400"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 90s, 5m or 1h30m"):
        values.duration(text)


@pytest.mark.parametrize(
    ("text", "mb"), [("512", 512), ("512m", 512), ("4g", 4096), ("1.5GB", 1536)]
)
def test_sizes(text: str, mb: float) -> None:
    assert values.megabytes(text) == mb


@pytest.mark.parametrize("text", ["", "g", "4x", "0g", "-4g", "4g4"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="write 512m or 4g"):
        values.megabytes(text)


def test_what_people_read() -> None:
    assert [values.show_duration(s) for s in (8.24, 125, 3780)] == [
        "8.2 s",
        "2 min 5 s",
        "1 h 3 min",
    ]
    assert [values.show_size(n) for n in (812, 3_100_000, 7 * 10**9)] == [
        "812 B",
        "3.1 MB",
        "7.0 GB",
    ]


def test_options_have_the_type_that_their_text_shows() -> None:
    given = ["loss=hinge", "pac=4", "spectral_norm=True", "lr=1e-3", "x=none", "y=a=b", "z=[1]"]
    assert values.options(given) == {
        "loss": "hinge", "pac": 4, "spectral_norm": True, "lr": 1e-3, "x": "none", "y": "a=b",
        "z": "[1]",
    }  # fmt: skip
    for bad in (["loss"], ["=hinge"], ["a=1", "a=2"]):
        with pytest.raises(InvalidInputError, match="--option"):
            values.options(bad)


@pytest.mark.parametrize(
    ("text", "name", "wanted"),
    [
        ("age=30", "age", 30),
        ("age=-3", "age", -3),
        ("age=30,40,50", "age", {30, 40, 50}),
        ("age=30..40", "age", (30, 40)),
        ("age=-5..-2", "age", (-5, -2)),
        ("age=30..", "age", (30, None)),
        ("height=..1.5", "height", (None, 1.5)),
        ("when=2020-01-01..2020-02-01", "when", ("2020-01-01", "2020-02-01")),
        ("age=", "age", None),
        ("city=", "city", None),
        ("city=New York", "city", "New York"),
        ("city=Oslo,Rome", "city", {"Oslo", "Rome"}),
        ('city="Oslo, Norway",Rome', "city", {"Oslo, Norway", "Rome"}),
        ("city=a..b", "city", "a..b"),
        ("ok=yes", "ok", True),
        ("ok=NO", "ok", False),
        ("ok=true", "ok", True),
        ("a=b=c", "a=b", "c"),
        ("a=c", "a", "c"),
        ("7=x", 7, "x"),
    ],
)
def test_conditions(text: str, name: object, wanted: object) -> None:
    assert values.conditions([text], SCHEMA) == {name: wanted}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("cit=Oslo", "did you mean 'city'"),
        ("city", "COL=VALUE"),
        ("age=old", "not a number"),
        ("age=nan", "not a number"),
        ("age=1..x", "not a number"),
        ("ok=maybe", "neither 'yes' nor 'no'"),
    ],
)
def test_conditions_that_make_no_sense(text: str, word: str) -> None:
    with pytest.raises(ConditionError, match=word):
        values.conditions([text], SCHEMA)


def test_several_conditions_on_several_columns() -> None:
    assert values.conditions(["age=1", "city=x"], SCHEMA) == {"age": 1, "city": "x"}
    with pytest.raises(ConditionError, match="has a condition already"):
        values.conditions(["age=1", "age=2"], SCHEMA)


def test_columns_are_found_by_what_is_typed() -> None:
    assert values.column_named("7", SCHEMA, "--balance") == 7
    with pytest.raises(ConditionError, match=r"--balance 'cty'.*'city'"):
        values.column_named("cty", SCHEMA, "--balance")
