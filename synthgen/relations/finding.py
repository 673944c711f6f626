"""Everything that holds between the columns of a table."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from synthgen.relations import copies, dependencies, missing, orderings, partial, sums
from synthgen.relations.plan import Plan
from synthgen.relations.reader import MOST_COLUMNS, Name, Reader
from synthgen.schema import Relation, Schema

FEWEST_ROWS = 50


def find_relations(frame: pd.DataFrame, schema: Schema) -> tuple[Relation, ...]:
    """Relations of a canonical frame (see `synthgen.frames.read`) that no row breaks, and copies
    that hold in some rows only.

    Claimed is only what columns that have nothing to do with each other would not show as well.
    Candidates come from a sample of rows and are checked on all of them. Pairs are searched among
    the first 500 columns of a kind, sums and partial copies among the first 300 numbers.
    """
    if len(frame) < FEWEST_ROWS or len(schema) < 2:
        return ()
    reader = Reader(frame, schema)
    equal = copies.find(reader)
    copied = {name for relation in equal for name in relation.columns[1:]}
    decided = dependencies.find(reader, copied)
    bound = {name for relation in decided for name in relation.columns}
    added = sums.find(reader, copied, bound)
    some = _partial_copies(reader, (*equal, *decided, *added))
    family = _families(decided)
    ordered = [r for r in orderings.find(reader, copied) if not _follows(r, added, family, reader)]
    together = _unexplained(missing.find(reader), copied, decided, added, schema)
    return (*equal, *decided, *added, *some, *ordered, *together)


def unsearched(schema: Schema) -> str | None:
    """What of a wide table was not searched, on one line; ``None`` if all of it was."""
    numbers = sum(column.kind in ("integer", "float") for column in schema)
    if len(schema) <= MOST_COLUMNS and numbers <= sums.MOST_COLUMNS:
        return None
    return (
        f"relations were searched among the first {MOST_COLUMNS} columns of a kind, sums and "
        f"partial copies among the first {sums.MOST_COLUMNS} numbers; others may be added to the "
        "schema by hand"
    )


def _partial_copies(reader: Reader, others: tuple[Relation, ...]) -> list[Relation]:
    """Copies in some rows, between columns that are learned."""
    plan = Plan.of(reader.schema.model_copy(update={"relations": others}))
    learned = {plan.schema.names[j] for j in plan.modelled}
    return partial.find(reader, learned, learned - plan.discrete)


def _unexplained(
    together: list[Relation],
    copied: set[Name],
    decided: list[Relation],
    added: list[Relation],
    schema: Schema,
) -> list[Relation]:
    """Groups without columns that follow from others, and are missing where these are anyway."""
    pairs = {relation.columns for relation in decided}
    sums_of = {
        relation.columns[0]: {name for name in relation.columns[1:] if schema[name].nullable}
        for relation in added
    }
    kept = []
    for relation in together:
        group = [name for name in relation.columns if name not in copied]
        names = tuple(
            b
            for b in group
            if not any((a, b) in pairs for a in group)
            and not (sums_of.get(b) and sums_of[b] <= set(group))
        )
        if len(names) > 1:
            kept.append(relation.model_copy(update={"columns": names}))
    return kept


def _families(decided: list[Relation]) -> dict[Name, Name]:
    """Column -> the one that all of its values follow from in the end."""
    by = {relation.columns[1]: relation.columns[0] for relation in reversed(decided)}
    root = {}
    for name in {name for relation in decided for name in relation.columns}:
        top = name
        while top in by:
            top = by[top]
        root[name] = top
    return root


def _follows(
    ordering: Relation, added: list[Relation], family: dict[Name, Name], reader: Reader
) -> bool:
    """Whether dependencies, or sums of numbers that are never negative, say so already."""
    return all(
        family.get(a, a) == family.get(b, b)
        or any(_implied(a, b, relation, reader) for relation in added)
        for a, b in pairwise(ordering.columns)
    )


def _implied(a: Name, b: Name, relation: Relation, reader: Reader) -> bool:
    result, *parts = relation.columns
    if result not in (a, b):
        return False
    part, sign = (b, -1) if result == a else (a, 1)
    terms = dict(zip(parts, relation.factors, strict=True))
    if sign * relation.constant < 0:
        return False
    # what is left of the sum when the part is taken away must not change its sign
    terms[part] = terms.get(part, 0.0) - 1
    for name, factor in terms.items():
        held = reader.cells(name)
        if (sign * factor * held.values[~held.missing] < 0).any():
            return False
    return True
