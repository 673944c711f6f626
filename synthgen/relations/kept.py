"""Which relations and unique columns of a schema hold in all rows, looked at batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pandas as pd
from typing_extensions import override

from synthgen.cells import Cells
from synthgen.encoding.copies import equal
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.errors import SchemaError
from synthgen.relations import copies, orderings, sums
from synthgen.relations.reader import Name, Reader
from synthgen.relations.words import describe
from synthgen.schema import Relation, Schema


class Kept:
    """Which relations and unique columns of a schema hold in all batches seen so far."""

    def __init__(self, schema: Schema) -> None:
        self._schema, self.rows = schema, 0
        self.relations = [_WATCHES[r.kind](r) for r in schema.relations or ()]
        self.unique = {column.name: _Unique() for column in schema if column.unique}

    def see(self, frame: pd.DataFrame, first: int) -> None:
        """Look at a batch, a canonical frame whose first row is the table's row ``first``."""
        reader = Reader(frame, self._schema)
        self.rows = first + len(frame)
        for name, unique in self.unique.items():
            unique.see(reader.cells(name), first)
        for watch in self.relations:
            watch.see(reader, first)

    def merge(self, other: Kept) -> Kept:
        """The same with the batches that another has seen, which come later."""
        self.rows = max(self.rows, other.rows)
        for name, unique in self.unique.items():
            unique.merge(other.unique[name])
        for watch, own in zip(self.relations, other.relations, strict=True):
            watch.merge(own)
        return self

    def schema(self, *, relations: bool = True, unique: Collection[Name] | None = None) -> Schema:
        """The schema with what holds.

        Args:
            relations: Whether those that do not hold are refused, and not left out.
            unique: Columns of which the same is true; all if ``None``.

        Raises:
            SchemaError: If something does not hold that is refused.
        """
        repeated = {name: again for name, held in self.unique.items() if (again := held.again())}
        for name, (n, row) in repeated.items():
            if unique is None or name in unique:
                raise SchemaError(
                    f"column {name!r} is declared unique, but {n:,} of {self.rows:,} rows repeat "
                    f"a value, the first of them row {row + 1} (the header not counted); correct "
                    "these rows, or take 'unique' out of the schema"
                )
        columns = tuple(
            column.model_copy(update={"unique": False}) if column.name in repeated else column
            for column in self._schema
        )
        reasons = [watch.reason(self.rows) for watch in self.relations]
        if relations and (reason := next(filter(None, reasons), None)):
            raise SchemaError(reason)
        held = self._schema.relations
        if held is not None:
            held = tuple(r for r, reason in zip(held, reasons, strict=True) if reason is None)
        return Schema(frame=self._schema.frame, columns=columns, relations=held)


class _Unique:
    """Hashes of the cells of a column, which is to have no value twice."""

    def __init__(self) -> None:
        self.hashes: list[np.ndarray] = []
        self.rows: list[np.ndarray] = []

    def see(self, cells: Cells, first: int) -> None:
        present = np.flatnonzero(~cells.missing)
        values = cells.values[present]
        if cells.levels is not None:
            values = np.array(cells.levels, object)[values]
        # 64 bits: among ten million different values two are the same once in 300,000 tables
        self.hashes.append(pd.util.hash_array(values, categorize=False))
        self.rows.append(present + first)

    def merge(self, other: _Unique) -> None:
        self.hashes += other.hashes
        self.rows += other.rows

    def again(self) -> tuple[int, int] | None:
        """How many rows repeat a value, and the first of them; ``None`` if none does."""
        hashes, rows = np.concatenate(self.hashes), np.concatenate(self.rows)
        order = np.argsort(hashes, kind="stable")
        repeats = order[1:][hashes[order][1:] == hashes[order][:-1]]
        return (len(repeats), int(rows[repeats].min())) if len(repeats) else None


class _Watch:
    """Rows that break a relation, each of which says so of itself."""

    def __init__(self, relation: Relation) -> None:
        self.relation, self.broken, self.first = relation, 0, -1

    def see(self, reader: Reader, first: int) -> None:
        rows = np.flatnonzero(_BROKEN[self.relation.kind](self.relation, reader))
        if len(rows) and not self.broken:
            self.first = first + int(rows[0])
        self.broken += len(rows)

    def merge(self, other: Any) -> None:
        """What another watch of the relation has seen, of later rows."""
        if not self.broken:
            self.first = other.first
        self.broken += other.broken

    def reason(self, n_rows: int) -> str | None:
        """Why the relation is not held; ``None`` if it is."""
        if not self.broken:
            return None
        return (
            f"the relation '{describe(self.relation)}' does not hold: {self.broken:,} of "
            f"{n_rows:,} rows break it, the first of them row {self.first + 1} (the header "
            "not counted); correct these rows, or delete it from the schema's relations"
        )


class _Decided(_Watch):
    """The same of a dependency, which rows of different batches may break together."""

    def __init__(self, relation: Relation) -> None:
        super().__init__(relation)
        first, *others = relation.columns
        mutual = [(name, first) for name in others if relation.mutual]
        self.pairs: dict[tuple[Name, Name], pd.DataFrame | None] = dict.fromkeys(
            [*((first, name) for name in others), *mutual]
        )

    @override
    def see(self, reader: Reader, first: int) -> None:
        for a, b in self.pairs:
            codes = pd.DataFrame({"a": reader.codes(a), "b": reader.codes(b)})
            codes["row"] = np.arange(reader.rows)
            found = codes.groupby(["a", "b"])["row"].agg(n="size", row="min").reset_index()
            at = found["row"].to_numpy()
            found["a"], found["b"] = (_keys(reader.cells(name), at) for name in (a, b))
            found["row"] += first
            self._add((a, b), found)

    @override
    def merge(self, other: _Decided) -> None:
        for pair, found in other.pairs.items():
            if found is not None:
                self._add(pair, found)

    def _add(self, pair: tuple[Name, Name], found: pd.DataFrame) -> None:
        before = self.pairs[pair]
        if before is not None:
            grouped = pd.concat([before, found]).groupby(["a", "b"], sort=False, dropna=False)
            found = grouped.agg(n=("n", "sum"), row=("row", "min")).reset_index()
        self.pairs[pair] = found

    @override
    def reason(self, n_rows: int) -> str | None:
        odd = [rows for pairs in self.pairs.values() if len(rows := _unusual(pairs))]
        if odd:
            self.broken = max(int(rows["n"].sum()) for rows in odd)
            self.first = min(int(rows["row"].min()) for rows in odd)
        return super().reason(n_rows)


def _keys(cells: Cells, at: np.ndarray) -> np.ndarray:
    """Some cells of a batch as values that mean the same in every batch; ``None`` for missing."""
    values = cells.values[at]
    if cells.levels is not None:
        values = np.array([*cells.levels, None], object)[np.where(cells.missing[at], -1, values)]
    return np.asarray(np.where(cells.missing[at], None, values.astype(object)))


def _unusual(pairs: pd.DataFrame | None) -> pd.DataFrame:
    """Pairs whose second value is not the usual one of their first."""
    if pairs is None:
        return pd.DataFrame()
    ordered = pairs.sort_values("n", ascending=False, kind="stable")
    return ordered[ordered.duplicated("a")]


class _PartialCopy(_Watch):
    """Rows that keep a partial copy, which no table with too few of them would teach."""

    def __init__(self, relation: Relation) -> None:
        super().__init__(relation)
        self.equal = 0

    @override
    def see(self, reader: Reader, first: int) -> None:
        source, target = (reader.schema[name] for name in self.relation.columns)
        cells = reader.cells(source.name), reader.cells(target.name)
        self.equal += int(equal(*cells, (source, target)).sum())

    @override
    def merge(self, other: _PartialCopy) -> None:
        self.equal += other.equal

    @override
    def reason(self, n_rows: int) -> str | None:
        if self.equal >= MIN_ROWS:
            return None
        return (
            f"the relation '{describe(self.relation)}' holds in fewer than {MIN_ROWS} rows; delete "
            "it from the schema's relations"
        )


def broken(relation: Relation, reader: Reader) -> np.ndarray:
    """(n,) bool: rows that each break a relation by themselves."""
    return _BROKEN[relation.kind](relation, reader)


def _copy(relation: Relation, reader: Reader) -> np.ndarray:
    first, *others = relation.columns
    found = np.zeros(reader.rows, bool)
    for name in others:
        columns = reader.schema[first], reader.schema[name]
        found |= copies.unequal(columns, (reader.cells(first), reader.cells(name)))
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
    "sum": _sum,
    "ordering": _ordering,
    "missing_together": _missing_together,
}
_WATCHES: dict[str, Callable[[Relation], _Watch]] = {
    **dict.fromkeys(_BROKEN, _Watch),
    "dependency": _Decided,
    "partial_copy": _PartialCopy,
}
