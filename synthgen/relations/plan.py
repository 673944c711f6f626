"""What a model learns of a table, and what then follows: a function of the schema alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from synthgen.encoding.copies import MOST_SOURCES, CircleError, copyable, sources_first
from synthgen.errors import SchemaError
from synthgen.relations import copies, dependencies
from synthgen.relations.numbers import FAMILY
from synthgen.relations.reader import Name
from synthgen.relations.words import describe
from synthgen.schema import Relation, Schema


@dataclass(frozen=True)
class Lookup:
    """Codes of ``target`` follow from codes of ``source``; both are column indices."""

    source: int
    target: int


@dataclass(frozen=True)
class Plan:
    """Which columns are learned, and in which order the others follow; columns by index.

    Attributes:
        schema: The table.
        lookups: Columns decided by another, sources before targets.
        aligned: Columns that have to agree with a decided one that follows from elsewhere.
        sums: Columns that are sums, parts before sums.
        copied: Copied column -> its original.
        partial: Columns that are the same as others in some rows -> these others.
        orderings: Columns in ascending order.
        together: Columns that are missing in the same rows.
    """

    schema: Schema
    lookups: tuple[Lookup, ...] = ()
    aligned: tuple[Lookup, ...] = ()
    sums: tuple[tuple[int, Relation], ...] = ()
    copied: tuple[tuple[int, int], ...] = ()
    partial: tuple[tuple[int, tuple[int, ...]], ...] = ()
    orderings: tuple[tuple[int, ...], ...] = ()
    together: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, schema: Schema) -> Plan:
        """Plan of a schema's relations.

        Raises:
            SchemaError: If a relation does not suit its columns, or two of them compute one column.
        """
        return _Planner(schema).plan()

    def index(self, name: Name) -> int:
        """Index of a column; of a copied one, that of its original.

        Raises:
            SchemaError: If there is no such column.
        """
        j = self.schema.names.index(self.schema[name].name)
        return dict(self.copied).get(j, j)

    @cached_property
    def modelled(self) -> tuple[int, ...]:
        """Columns that a model learns, in order."""
        follow = {lookup.target for lookup in self.lookups}
        follow |= {target for target, _ in self.sums} | {target for target, _ in self.copied}
        return tuple(j for j in range(len(self.schema)) if j not in follow)

    @cached_property
    def discrete(self) -> frozenset[Name]:
        """Numeric columns whose every value needs a code, since they decide or are decided."""
        pairs = (*self.lookups, *self.aligned)
        names = self.schema.names
        return frozenset(names[j] for pair in pairs for j in (pair.source, pair.target))

    @cached_property
    def sources(self) -> dict[Name, tuple[Name, ...]]:
        """Columns that are the same as others in some rows -> these others, by name."""
        names = self.schema.names
        return {names[j]: tuple(names[k] for k in sources) for j, sources in self.partial}


class _Planner:
    """Gathers the steps of a plan, relation by relation."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.position = {name: j for j, name in enumerate(schema.names)}
        self.original: dict[int, int] = {}
        self.by: dict[int, Relation] = {}
        self.lookups: dict[int, int] = {}
        self.aligned: list[Lookup] = []
        self.sums: dict[int, Relation] = {}
        self.partial: dict[int, tuple[int, ...]] = {}
        self.orderings: list[tuple[int, ...]] = []
        self.together: list[tuple[int, ...]] = []

    def plan(self) -> Plan:
        relations = self.schema.relations or ()
        for kind, add in (
            ("copy", self._copy),
            ("dependency", self._dependency),
            ("sum", self._sum),
            ("partial_copy", self._partial_copy),
            ("ordering", self._ordering),
            ("missing_together", self._together),
        ):
            for relation in relations:
                if relation.kind == kind:
                    add(relation)
        deciding = {target: (source,) for target, source in self.lookups.items()}
        lookups = tuple(Lookup(source, j) for j, (source,) in sources_first(deciding))
        return Plan(
            self.schema,
            lookups,
            tuple(self.aligned),
            tuple((j, self.sums[j]) for j in self._parts_first()),
            tuple(self.original.items()),
            self._sources_of_copies(),
            tuple(self.orderings),
            tuple(self.together),
        )

    def _index(self, name: Name) -> int:
        j = self.position[name]
        return self.original.get(j, j)

    def _claim(self, j: int, relation: Relation) -> None:
        if j in self.by:
            raise SchemaError(
                f"column {self.schema.names[j]!r} is computed twice: by '{describe(self.by[j])}' "
                f"and by '{describe(relation)}'; delete one of them from the schema's relations"
            )
        self.by[j] = relation

    def _misfit(self, relation: Relation, name: Name, needed: str) -> SchemaError:
        column = self.schema[name]
        return SchemaError(
            f"relation '{describe(relation)}': column {name!r} is of kind {column.kind}, but "
            f"{needed}; correct the kind, or delete the relation"
        )

    def _copy(self, relation: Relation) -> None:
        first = self._index(relation.columns[0])
        one = self.schema.columns[first]
        for name in relation.columns[1:]:
            other = self.schema[name]
            if not copies.comparable(one, other):
                raise self._misfit(relation, name, f"{one.name!r} is of kind {one.kind}")
            target = self.position[name]
            if target in self.original.values():
                raise SchemaError(
                    f"relation '{describe(relation)}': {name!r} is the original of another copy; "
                    "put all columns that are equal into one relation"
                )
            self._claim(target, relation)
            if one.kind in ("category", "boolean"):
                self.lookups[target] = first
            else:
                self.original[target] = first

    def _dependency(self, relation: Relation) -> None:
        for name in relation.columns:
            column = self.schema[name]
            if column.kind not in dependencies.KINDS or column.personal:
                raise self._misfit(relation, name, "only values that are learned can be decided")
        first = self._index(relation.columns[0])
        for name in relation.columns[1:]:
            target = self._index(name)
            if self._root(first) == self._root(target):
                continue  # both follow from one column, which came with these pairs
            if target not in self.by:
                self._claim(target, relation)
                self.lookups[target] = first
            else:
                self.aligned.append(Lookup(first, target))

    def _sum(self, relation: Relation) -> None:
        for name in relation.columns:
            if FAMILY.get(self.schema[name].kind) != "number":
                raise self._misfit(relation, name, "only numbers have a sum")
        target = self._index(relation.columns[0])
        if target in {*self.lookups.values(), *(pair.source for pair in self.aligned)}:
            raise SchemaError(
                f"relation '{describe(relation)}': column {relation.columns[0]!r} decides another "
                "column and cannot be computed; write the sum with another of its columns first"
            )
        self._claim(target, relation)
        self.sums[target] = relation

    def _partial_copy(self, relation: Relation) -> None:
        source, target = (self._index(name) for name in relation.columns)
        if source == target or source in self.partial.get(target, ()):
            return
        columns = self.schema.columns
        if not copyable(columns[source], columns[target]):
            other = "only numbers, or times in one unit, can be the same"
            raise self._misfit(relation, relation.columns[1], other)
        decided = {j for pair in self.aligned for j in (pair.source, pair.target)}
        decided |= {j for pair in self.lookups.items() for j in pair}
        for j, name in zip((source, target), relation.columns, strict=True):
            if j in self.by or (j == target and j in decided):
                raise SchemaError(
                    f"relation '{describe(relation)}': column {name!r} is computed, or decides "
                    "another column; delete this relation or that one"
                )
        known = self.partial.get(target, ())
        if len(known) == MOST_SOURCES:
            raise SchemaError(
                f"relation '{describe(relation)}': {relation.columns[1]!r} is the same as "
                f"{MOST_SOURCES} others already, and more cannot be kept; delete one of them"
            )
        self.partial[target] = (*known, source)

    def _sources_of_copies(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        try:
            return sources_first(self.partial)
        except CircleError:
            names = ", ".join(repr(self.schema.names[j]) for j in self.partial)
            raise SchemaError(
                f"of the columns {names} some are partial copies of each other in a circle; "
                "delete one of these relations"
            ) from None

    def _ordering(self, relation: Relation) -> None:
        families = {FAMILY.get(self.schema[name].kind) for name in relation.columns}
        if len(families) > 1 or None in families:
            raise self._misfit(
                relation, relation.columns[0], "only numbers, dates or durations have an order"
            )
        chain = tuple(dict.fromkeys(self._index(name) for name in relation.columns))
        if len(chain) > 1:
            self.orderings.append(chain)

    def _together(self, relation: Relation) -> None:
        group = tuple(dict.fromkeys(self._index(name) for name in relation.columns))
        if len(group) > 1:
            self.together.append(group)

    def _root(self, j: int) -> int:
        while j in self.lookups:
            j = self.lookups[j]
        return j

    def _parts_first(self) -> list[int]:
        parts = {
            j: tuple(self._index(name) for name in relation.columns[1:])
            for j, relation in self.sums.items()
        }
        try:
            return [j for j, _ in sources_first(parts)]
        except CircleError as circle:
            names = ", ".join(repr(self.schema.names[j]) for j in circle.columns)
            raise SchemaError(
                f"the sums of the columns {names} need each other; delete one of these "
                "relations, or write it with another column first"
            ) from None
