"""What a private fit may read for nothing: the schema that somebody declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthgen.errors import SchemaError
from synthgen.schema import Relation, Schema

# relations that hold by computing one cell from others; the rest would have to be learned from rows
KEPT = ("copy", "sum", "ordering", "missing_together")


def declared_schema(
    schema: Schema | dict[str, Any] | str | Path | None,
) -> tuple[Schema, list[Relation]]:
    """The schema that was given, with the relations that a private fit can keep; and the others.

    Raises:
        SchemaError: If there is none: inferring one would read the rows.
    """
    if schema is None:
        raise SchemaError(
            "a private fit needs a schema, since inferring one reads every row: make one with "
            "'synthgen schema DATA -o schema.json' (Schema.infer in Python), take out what must "
            "not be known of the rows, and give it; what stays in it is public"
        )
    given = Schema.given(schema)
    found = given.relations or ()
    # how often a relation was seen to hold is told of rows, not declared
    nothing = dict.fromkeys(("rows", "share", "break_rate_below"))
    kept = tuple(r.model_copy(update=nothing) for r in found if r.kind in KEPT)
    return given.model_copy(update={"relations": kept}), [r for r in found if r.kind not in KEPT]


def public_facts(schema: Schema) -> list[str]:
    """What a schema declares, in words: everything that is read for nothing."""
    facts = [f"names, kinds, formats and nullability of the {len(schema)} columns, as declared"]
    named = [repr(c.name) for c in schema if c.categories is not None]
    if named:
        facts.append(f"values of {', '.join(named)}")
    bounded = [repr(c.name) for c in schema if None not in (c.minimum, c.maximum)]
    if bounded:
        facts.append(f"bounds of {', '.join(bounded)}")
    facts += [f"{r.kind} of {', '.join(map(repr, r.columns))}" for r in schema.relations or ()]
    return [*facts, "sampling rate, clipping norm and number of steps"]


def check_entity(schema: Schema, name: str) -> None:
    """Refuse a column that cannot say whose each row is.

    Raises:
        SchemaError: If it is not there, or something of it would be learned.
    """
    if schema[name].kind != "identifier":
        raise SchemaError(
            f"entity: column {name!r} says whose each row is, and is declared "
            f"{schema[name].kind}, of which values would be learned; declare it identifier"
        )


def entity_unit(name: str, most: int) -> str:
    """The unit of privacy where a column says whose each row is, in words."""
    return f"entity of column {name!r}, at most {most:,} row{'s' * (most != 1)} of each"
