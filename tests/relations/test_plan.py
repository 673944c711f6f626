"""What is learned and what follows, and which relations do not go together."""

from __future__ import annotations

import pytest

from synthgen import Schema, SchemaError
from synthgen.relations.plan import Lookup, Plan
from synthgen.schema import Column, Relation

COLUMNS = (
    *(Column(name=name, kind="category") for name in "abc"),
    *(Column(name=name, kind="float", decimals=2) for name in "xyz"),
    Column(name="day", kind="datetime"),
    Column(name="mail", kind="identifier", personal="email"),
)


def plan(*relations: dict[str, object]) -> Plan:
    made = tuple(Relation.model_validate(relation) for relation in relations)
    return Plan.of(Schema(columns=COLUMNS, relations=made))


def learned(of: Plan) -> list[object]:
    return [of.schema.names[j] for j in of.modelled]


def test_without_relations_everything_is_learned() -> None:
    assert learned(plan()) == ["a", "b", "c", "x", "y", "z", "day", "mail"]


def test_what_follows_is_not_learned() -> None:
    of = plan(
        {"kind": "dependency", "columns": ["b", "c"]},
        {"kind": "dependency", "columns": ["a", "b"]},
        {"kind": "copy", "columns": ["x", "y"]},
        {"kind": "sum", "columns": ["z", "y"], "weights": [2]},
    )
    assert learned(of) == ["a", "x", "day", "mail"]
    assert of.lookups == (Lookup(0, 1), Lookup(1, 2)), "sources first"
    assert of.discrete == {"a", "b", "c"}


def test_a_column_decided_twice_is_aligned() -> None:
    of = plan(
        {"kind": "dependency", "columns": ["a", "c"]}, {"kind": "dependency", "columns": ["b", "c"]}
    )
    assert learned(of)[:2] == ["a", "b"] and of.aligned == (Lookup(1, 2),)


@pytest.mark.parametrize(
    ("relations", "says"),
    [
        ([("copy", "xy"), ("sum", "yz")], None),
        ([("sum", "xy"), ("sum", "xz")], "'x' is computed twice"),
        ([("copy", "xz"), ("copy", "yz")], "'z' is computed twice"),
        ([("sum", "xy"), ("sum", "yx")], "need each other"),
        ([("dependency", "xy"), ("sum", "xz")], "decides another column"),
        ([("sum", "xa")], "'a' is of kind category, but only numbers"),
        ([("ordering", "xa")], "only numbers, dates or durations"),
        ([("copy", "xa")], "'a' is of kind category, but 'x' is of kind float"),
        ([("copy", "xy"), ("copy", "zx")], "into one relation"),
    ],
)
def test_relations_that_do_not_go_together(
    relations: list[tuple[str, str]], says: str | None
) -> None:
    made = [{"kind": kind, "columns": list(names)} for kind, names in relations]
    if says is None:
        plan(*made)
        return
    with pytest.raises(SchemaError, match=says):
        plan(*made)


def test_personal_fields_decide_nothing() -> None:
    with pytest.raises(SchemaError, match="'mail'"):
        plan({"kind": "dependency", "columns": ["a", "mail"]})
    with pytest.raises(SchemaError, match="order"):
        plan({"kind": "ordering", "columns": ["x", "day"]})
