"""Schemas: to JSON and back, and what is wrong with a bad one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthgen.errors import SchemaError
from synthgen.schema import Column, Schema

SCHEMA = Schema(
    columns=(
        Column(name="age", kind="integer", dtype="int64", nullable=False),
        Column(name=3, kind="category", categories=("a", 1, True, 2.5)),
        Column(name="seen", kind="datetime", unit="us", zone="Europe/Berlin", resolution=60),
        Column(name="mail", kind="identifier", personal="email", unique=True),
    )
)


def test_json_round_trip(tmp_path: Path) -> None:
    again = Schema.from_dict(json.loads(json.dumps(SCHEMA.to_dict())))
    assert again == SCHEMA
    assert [type(value) for value in again[3].categories or ()] == [str, int, bool, float]
    SCHEMA.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == SCHEMA


def test_defaults_are_left_out_of_the_file() -> None:
    first = SCHEMA.to_dict()["columns"][0]
    assert first == {"name": "age", "kind": "integer", "dtype": "int64", "nullable": False}


def test_lookup() -> None:
    assert SCHEMA["age"].kind == "integer"
    assert SCHEMA[3].kind == "category"
    assert "age" in SCHEMA
    assert "3" not in SCHEMA
    assert SCHEMA.names == ["age", 3, "seen", "mail"]
    assert len(SCHEMA) == 4
    with pytest.raises(SchemaError, match="did you mean 'age'"):
        SCHEMA["agee"]
    assert Schema(columns=SCHEMA.columns) == SCHEMA  # also after a lookup


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ({"name": "a", "kind": "number"}, "columns.0.kind"),
        ({"name": "a"}, "columns.0.kind"),
        ({"kind": "text"}, "columns.0.name"),
        ({"name": "a", "kind": "text", "colour": "red"}, "columns.0.colour"),
        ({"name": "a", "kind": "integer", "personal": "email"}, "needs kind identifier or text"),
        ({"name": "a", "kind": "integer", "categories": [1]}, "needs kind category"),
        ({"name": "a", "kind": "integer", "minimum": 3, "maximum": 1}, "minimum 3.0 is above"),
    ],
)
def test_a_bad_column_is_named(column: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.from_dict({"columns": [column]})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"columns": []}, "at least one column"),
        ({"columns": [{"name": "a", "kind": "text"}] * 2}, "occur twice: a"),
        ({"version": 2, "columns": [{"name": "a", "kind": "text"}]}, "version"),
        ([1], "schema"),
        (None, "schema"),
    ],
)
def test_a_bad_schema(data: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        Schema.from_dict(data)


def test_bad_files(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match="cannot read the schema file"):
        Schema.load(tmp_path / "none.json")
    with pytest.raises(SchemaError, match="cannot read the schema file"):
        Schema.load(tmp_path)
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(SchemaError, match="not a JSON file"):
        Schema.load(tmp_path / "bad.json")


def test_a_frame_must_have_exactly_the_columns() -> None:
    schema = Schema(
        columns=(Column(name="age", kind="integer"), Column(name="sex", kind="category"))
    )
    schema.validate_frame(pd.DataFrame({"sex": ["f"], "age": [1]}))
    with pytest.raises(
        SchemaError, match="no column 'sex' that the schema declares; did you mean 'sx'"
    ):
        schema.validate_frame(pd.DataFrame({"sx": ["f"], "age": [1]}))
    with pytest.raises(SchemaError, match="'extra' that the schema does not declare"):
        schema.validate_frame(pd.DataFrame({"sex": ["f"], "age": [1], "extra": [0]}))


def test_inferring_holds_no_values() -> None:
    data = pd.DataFrame({"who": ["Anna Schmidt", "Paul Weber", "Maria Lopez"] * 9,
                         "pay": [41_234.56, 52_345.67, 63_456.78] * 9})  # fmt: skip
    text = json.dumps(Schema.infer(data).to_dict())
    for value in ("Anna", "Schmidt", "41234", "63456"):
        assert value not in text
