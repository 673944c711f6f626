"""Relations of a schema file: checked, corrected, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthgen import InvalidInputError, Schema, SchemaError, SynthGen
from synthgen.relations import confidence, describe, with_relations
from synthgen.schema import Relation

Make = Callable[..., pd.DataFrame]


def test_none_are_looked_for_and_an_empty_list_is_obeyed(make_related: Make) -> None:
    frame = make_related()
    inferred = Schema.infer(frame)
    assert inferred.relations is None and "relations" not in inferred.to_dict()
    found = with_relations(frame, inferred)
    assert len(found.relations or ()) == 7
    nothing = inferred.model_copy(update={"relations": ()})
    assert with_relations(frame, nothing).relations == ()
    assert nothing.to_dict()["relations"] == []
    assert Schema.from_dict(nothing.to_dict()).relations == ()


def test_through_a_file(make_related: Make, tmp_path: Path) -> None:
    frame = make_related()
    found = with_relations(frame, Schema.infer(frame))
    found.save(tmp_path / "schema.json")
    assert Schema.load(tmp_path / "schema.json") == found
    assert with_relations(frame, Schema.load(tmp_path / "schema.json")) == found


def test_a_schema_holds_no_values(make_related: Make) -> None:
    frame = make_related()
    text = json.dumps(with_relations(frame, Schema.infer(frame)).to_dict())
    for value in ("Rome", "Ghent", "IT", str(frame["fare"][0]), str(frame["city_code"][0])):
        assert f'"{value}"' not in text and f" {value}," not in text


@pytest.mark.parametrize(
    ("relation", "column", "value", "says"),
    [
        ({"kind": "copy", "columns": ["total", "paid"]}, "paid", 12.5, "total = paid in every row"),
        ({"kind": "dependency", "columns": ["city", "country"]}, "country", "XX", "decides"),
        ({"kind": "sum", "columns": ["total", "fare", "tip"]}, "total", 987.65, "= fare . tip"),
        ({"kind": "ordering", "columns": ["low", "mean", "high"]}, "low", 987.6, "low <= mean"),
        ({"kind": "missing_together", "columns": ["x", "y"]}, "x", None, "same rows"),
    ],
)
def test_a_broken_relation_names_columns_rows_and_no_value(
    make_related: Make, relation: dict[str, Any], column: str, value: object, says: str
) -> None:
    frame = make_related()
    rows = frame.index[frame["x"].notna() & (frame["city"] == "Lyon")][[1, 4]]
    frame.loc[rows, column] = value
    schema = Schema.infer(frame).to_dict() | {"relations": [relation]}
    with pytest.raises(SchemaError, match=says) as raised:
        SynthGen(max_steps=1).fit(frame, schema=schema)
    message = str(raised.value)
    assert f"2 of 600 rows break it, the first of them row {rows[0] + 1} " in message
    assert str(value) not in message
    assert isinstance(raised.value, InvalidInputError)


@pytest.mark.parametrize(
    ("relation", "says"),
    [
        ({"kind": "sum", "columns": ["a", "nope"]}, "names a column 'nope' that there is not"),
        ({"kind": "sum", "columns": ["a"]}, "two or more different columns"),
        ({"kind": "copy", "columns": ["a", "a"]}, "two or more different columns"),
        ({"kind": "copy", "columns": ["a", "b"], "mutual": True}, "needs a dependency"),
        ({"kind": "sum", "columns": ["a", "b"], "weights": [1, 2]}, "2 weights for 1 columns"),
        ({"kind": "sum", "columns": ["a", "b"], "weights": [0]}, "no weight 0"),
        ({"kind": "ordering", "columns": ["a", "b"], "constant": 1}, "need kind sum"),
        ({"kind": "order", "columns": ["a", "b"]}, "relations.0.kind"),
    ],
)
def test_a_bad_relation_is_named(relation: dict[str, Any], says: str) -> None:
    columns = [{"name": "a", "kind": "float"}, {"name": "b", "kind": "float"}]
    with pytest.raises(SchemaError, match=says):
        Schema.from_dict({"columns": columns, "relations": [relation]})


def test_what_is_declared_is_kept(make_related: Make) -> None:
    """One that the search would never claim, as it could be chance."""
    frame = make_related().assign(floor=-50.0)
    schema = Schema.infer(frame).to_dict()
    schema["relations"] = [{"kind": "ordering", "columns": ["floor", "low"]}]
    fitted = SynthGen(max_steps=5, seed=1).fit(frame, schema=schema)
    assert fitted.schema_.relations == (Relation(kind="ordering", columns=("floor", "low")),)
    sampled = fitted.sample(500)
    assert (sampled["floor"] <= sampled["low"]).all()
    assert (sampled["total"] != sampled["paid"]).any(), "a deleted relation is not kept"


@pytest.mark.parametrize(
    ("relation", "text"),
    [
        ({"kind": "sum", "columns": ["a", "b", "c"], "weights": [-1, 1]}, "a = c - b"),
        ({"kind": "sum", "columns": ["a", "b"], "weights": [-2], "constant": 5}, "a = 5 - 2 * b"),
        ({"kind": "sum", "columns": ["a", "b"], "weights": [-1]}, "a = -b"),
        ({"kind": "sum", "columns": ["a", "b"], "weights": [-1], "constant": 1}, "a + b = 1"),
        ({"kind": "dependency", "columns": ["a", "b", "c"]}, "a decides b and c"),
        ({"kind": "missing_together", "columns": ["a", "b", "c"]},
         "a, b and c are missing in the same rows"),
    ],
)  # fmt: skip
def test_words(relation: dict[str, Any], text: str) -> None:
    assert describe(Relation.model_validate(relation)) == text


def test_confidence_in_words() -> None:
    assert confidence(Relation(kind="copy", columns=("a", "b"))) == "declared"
    found = Relation(kind="copy", columns=("a", "b"), rows=3000, break_rate_below=0.001)
    assert confidence(found).startswith("no exception in 3,000 rows: fewer than 0.1 % of new rows")


def test_a_repeated_value_of_a_unique_column() -> None:
    frame = pd.DataFrame({"id": [f"k{i:04d}" for i in range(200)], "x": range(200)})
    frame.loc[[7, 9], "id"] = "k0003"
    columns = [{"name": "id", "kind": "identifier", "unique": True}, {"name": "x", "kind": "float"}]
    with pytest.raises(SchemaError, match="'id' is declared unique, but 2 of 200 rows.*row 8 "):
        with_relations(frame, Schema.from_dict({"columns": columns, "relations": []}))
