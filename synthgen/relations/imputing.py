"""Gaps in rows of which much is known: what relations say of them before and after a model.

A gap that the known cells of its row decide is filled exactly: the missing part of a sum, a copy,
the only value that comes with a known one. A model fills the rest, told which codes the known cells
rule out, and what follows from its cells is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from synthgen.cells import Cells
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import EncodedTable, RankedTable
from synthgen.relations import sums
from synthgen.relations.completion import Completion
from synthgen.relations.copies import converted
from synthgen.relations.numbers import FAMILY
from synthgen.relations.rows import Rows
from synthgen.schema import Relation
from synthgen.seeds import Streams


@dataclass(frozen=True)
class Barred:
    """Codes of one column that must not come, by row.

    Attributes:
        group: (n,) int64 group of each row.
        codes: (n_groups, n_codes) bool: which codes of the column are barred in a group.
    """

    group: np.ndarray
    codes: np.ndarray


Fill = Callable[[EncodedTable, np.ndarray, Mapping[int, Barred]], RankedTable]


def impute_rows(
    completion: Completion,
    table: EncodedTable,
    cells: list[Cells],
    fill: Fill,
    streams: Streams,
) -> Rows:
    """Complete rows, known cells of which are kept.

    Args:
        table: All columns, encoded.
        cells: Cells of all columns.
        fill: Fills (table, missing (n, n_learned), barred codes by column) of learned columns.
        streams: For what is drawn.
    """
    gaps = _Gaps(completion, table, cells)
    gaps.deduce(streams)
    learned = list(completion.plan.modelled)
    known = EncodedTable(gaps.codes[:, learned], gaps.values[:, learned])
    filled = fill(known, gaps.missing[:, learned], gaps.barred())
    numeric = {
        j: held
        for j, held in enumerate(gaps.cells)
        if completion.full.columns[j].column.kind in FAMILY
    }
    rows = completion.complete(filled, streams.child("complete"), ~gaps.missing, numeric)
    gaps.balance(rows)
    return rows


class _Gaps:
    """Codes, values and cells of a table, and which are missing, as far as is known yet."""

    def __init__(self, completion: Completion, table: EncodedTable, cells: list[Cells]) -> None:
        self.completion, self.cells = completion, list(cells)
        self.codes, self.values = table.codes.copy(), table.values.copy()
        self.missing = np.column_stack([held.missing for held in cells])
        self.full = completion.full
        self.sums = [
            ([completion.plan.index(name) for name in relation.columns], relation)
            for _, relation in completion.plan.sums
        ]

    def deduce(self, streams: Streams) -> None:
        """Fill gaps that known cells decide, until no more are."""
        for copy, original in self.completion.plan.copied:
            columns = self.full.columns
            held = converted(self.cells[copy], columns[copy].column, columns[original].column)
            rows = self.missing[:, original] & ~self.missing[:, copy]
            self._put(original, rows, held.values, streams)
        before = -1
        while (now := int(self.missing.sum())) != before:
            before = now
            for lookup in self.completion.plan.lookups:
                self._look_back(lookup.source, lookup.target, self.completion.tables[lookup])
                self._look_ahead(lookup.source, lookup.target, self.completion.tables[lookup])
            for own, relation in self.sums:
                self._solve(own, relation, streams)

    def barred(self) -> dict[int, Barred]:
        """Codes of learned columns that a known decided cell rules out."""
        found = {}
        for lookup in self.completion.plan.lookups:
            rows = self.missing[:, lookup.source] & ~self.missing[:, lookup.target]
            if not rows.any() or lookup.source not in self.completion.place:
                continue
            n_codes = self.full.columns[lookup.target].n_codes
            table = self.completion.tables[lookup]
            codes = np.concatenate([table[None, :] != np.arange(n_codes)[:, None],
                                    np.zeros((1, len(table)), bool)])  # fmt: skip
            # a value that comes with none rules nothing out
            codes[codes.all(axis=1)] = False
            group = np.where(rows, self.codes[:, lookup.target], n_codes).astype(np.int64)
            place = self.completion.place[lookup.source]
            if place in found:
                continue
            found[place] = Barred(group, codes)
        return found

    def balance(self, rows: Rows) -> None:
        """Where a sum is known and several parts were not, these give way, the last one first.

        Each stays within its column's range; only the first may leave it, so that the sum holds.
        """
        for columns, relation in self.sums:
            kinds = [self.full.columns[j].column for j in columns]
            gaps = self.missing[:, columns]
            for k in range(len(columns) - 1, 0, -1):
                held = [rows.held(j) for j in columns]
                off = sums.unequal(kinds, held, relation.factors, relation.constant)
                mine = ~gaps[:, 0] & gaps[:, k] & off
                if not mine.any():
                    continue
                rest, exact = self._solved(columns, relation, k, held)
                encoder = self.full.columns[columns[k]]
                assert isinstance(encoder, NumericEncoder)
                earlier = gaps[:, 1:k].any(axis=1)
                values = np.where(earlier, rest.values.clip(*encoder.ends()), rest.values)
                mine &= exact | earlier
                held[k].values[mine] = values[mine]

    def _put(self, j: int, rows: np.ndarray, values: np.ndarray, streams: Streams) -> None:
        """Make cells of ``rows`` (n,) known."""
        if not rows.any():
            return
        held, encoder = self.cells[j], self.full.columns[j]
        filled = np.where(rows, values, held.values).astype(held.values.dtype)
        self.missing[rows, j] = False
        self.cells[j] = Cells(filled, held.missing & ~rows, held.levels)
        codes, inside = encoder.encode(self.cells[j], streams.numpy(f"known/{j}"))
        self.codes[rows, j], self.values[rows, j] = codes[rows], inside[rows]

    def _put_codes(self, j: int, rows: np.ndarray, codes: np.ndarray) -> None:
        """Make codes (n,) of ``rows`` known, none of which has a value."""
        encoder, held = self.full.columns[j], self.cells[j]
        self.codes[rows, j], self.values[rows, j] = codes[rows], 0.0
        self.missing[rows, j] = False
        decoded = encoder.decode(self.codes[:, j], np.zeros(len(rows)), np.random.default_rng(0))
        if decoded.levels == held.levels:
            values = np.where(rows, decoded.values, held.values)
            self.cells[j] = Cells(values, held.missing & ~rows, held.levels)

    def _look_back(self, source: int, target: int, table: np.ndarray) -> None:
        """A known decided cell that comes with one value only."""
        n_codes = self.full.columns[target].n_codes
        held = table[: self.full.columns[source].n_present]
        counts = np.bincount(held[held >= 0], minlength=n_codes)
        only = np.zeros(n_codes, np.int32)
        only[held[held >= 0]] = np.flatnonzero(held >= 0)
        codes = self.codes[:, target].clip(0)
        rows = self.missing[:, source] & ~self.missing[:, target] & (counts[codes] == 1)
        if rows.any():
            self._put_codes(source, rows, only[codes])

    def _look_ahead(self, source: int, target: int, table: np.ndarray) -> None:
        """A cell that a known one decides."""
        found = table[self.codes[:, source].clip(0)]
        present = (found >= 0) & (found < self.full.columns[target].n_present)
        rows = self.missing[:, target] & ~self.missing[:, source] & present
        if rows.any():
            self._put_codes(target, rows, found)

    def _solve(self, columns: list[int], relation: Relation, streams: Streams) -> None:
        """The one missing cell of a sum."""
        gaps = self.missing[:, columns]
        alone = gaps.sum(axis=1) == 1
        for k, j in enumerate(columns):
            rows = alone & gaps[:, k]
            if rows.any():
                total, exact = self._solved(columns, relation, k, [self.cells[i] for i in columns])
                self._put(j, rows & exact, total.values, streams)

    def _solved(
        self, columns: list[int], relation: Relation, k: int, cells: list[Cells]
    ) -> tuple[Cells, np.ndarray]:
        """The k-th cell of a sum from the others, and where the sum then holds."""
        kinds = tuple(self.full.columns[j].column for j in columns)
        form = sums.Sum(kinds, relation.factors, relation.constant).solved_for(k)
        others = [held for i, held in enumerate(cells) if i != k]
        total = sums.computed(form.columns, others, form.weights, form.constant)
        whole = [*cells]
        whole[k] = total
        return total, ~total.missing & ~sums.unequal(
            kinds, whole, relation.factors, relation.constant
        )
