"""Relations of a schema against a table: found where nobody has looked, checked where declared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from synthgen.encoding.copies import equal
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.errors import SchemaError
from synthgen.relations import copies, dependencies, orderings, sums
from synthgen.relations.finding import find_relations
from synthgen.relations.plan import Plan
from synthgen.relations.reader import Reader
from synthgen.relations.words import describe
from synthgen.schema import Relation, Schema


def with_relations(frame: pd.DataFrame, schema: Schema) -> Schema:
    """The schema with the relations that hold in a canonical frame.

    Those it has are checked; where it has none, not even an empty list, they are found.

    Raises:
        SchemaError: If a row breaks a relation or repeats what is unique, if hardly any row keeps a
            partial copy, or if relations do not go together.
    """
    reader = Reader(frame, schema)
    _check_unique(reader)
    if schema.relations is None:
        return schema.model_copy(update={"relations": find_relations(frame, schema)})
    Plan.of(schema)
    for relation in schema.relations:
        if relation.kind == "partial_copy":
            _check_partial_copy(relation, reader)
            continue
        rows = np.flatnonzero(broken(relation, reader))
        if len(rows):
            raise SchemaError(
                f"the relation '{describe(relation)}' does not hold: {len(rows):,} of "
                f"{reader.rows:,} rows break it, the first of them row {rows[0] + 1} (the header "
                "not counted); correct these rows, or delete it from the schema's relations"
            )
    return schema


def _check_unique(reader: Reader) -> None:
    """Refuse a column that is declared to have no value twice and has."""
    for column in reader.schema:
        if not column.unique:
            continue
        held = reader.cells(column.name)
        present = np.flatnonzero(~held.missing)
        again = present[pd.Series(held.values[present]).duplicated().to_numpy()]
        if len(again):
            raise SchemaError(
                f"column {column.name!r} is declared unique, but {len(again):,} of "
                f"{reader.rows:,} rows repeat a value, the first of them row {again[0] + 1} (the "
                "header not counted); correct these rows, or take 'unique' out of the schema"
            )


def _check_partial_copy(relation: Relation, reader: Reader) -> None:
    """Refuse a partial copy that no table with these rows would teach."""
    source, target = (reader.schema[name] for name in relation.columns)
    cells = reader.cells(source.name), reader.cells(target.name)
    if equal(*cells, (source, target)).sum() < MIN_ROWS:
        raise SchemaError(
            f"the relation '{describe(relation)}' holds in fewer than {MIN_ROWS} rows; delete it "
            "from the schema's relations"
        )


def broken(relation: Relation, reader: Reader) -> np.ndarray:
    """(n,) bool: rows that break a relation."""
    return _BROKEN[relation.kind](relation, reader)


def _copy(relation: Relation, reader: Reader) -> np.ndarray:
    first, *others = relation.columns
    found = np.zeros(reader.rows, bool)
    for name in others:
        columns = reader.schema[first], reader.schema[name]
        found |= copies.unequal(columns, (reader.cells(first), reader.cells(name)))
    return found


def _dependency(relation: Relation, reader: Reader) -> np.ndarray:
    first, *others = relation.columns
    found = np.zeros(reader.rows, bool)
    for name in others:
        found |= dependencies.undecided(reader.codes(first), reader.codes(name))
        if relation.mutual:
            found |= dependencies.undecided(reader.codes(name), reader.codes(first))
    return found


def _sum(relation: Relation, reader: Reader) -> np.ndarray:
    columns = [reader.schema[name] for name in relation.columns]
    cells = [reader.cells(name) for name in relation.columns]
    return sums.unequal(columns, cells, relation.factors, relation.constant)


def _ordering(relation: Relation, reader: Reader) -> np.ndarray:
    columns = [reader.schema[name] for name in relation.columns]
    return orderings.disordered(columns, [reader.cells(name) for name in relation.columns])


def _missing_together(relation: Relation, reader: Reader) -> np.ndarray:
    gaps = [reader.cells(name).missing for name in relation.columns]
    return np.asarray(np.logical_or.reduce([gap != gaps[0] for gap in gaps]))


_BROKEN: dict[str, Callable[[Relation, Reader], np.ndarray]] = {
    "copy": _copy,
    "dependency": _dependency,
    "sum": _sum,
    "ordering": _ordering,
    "missing_together": _missing_together,
}
