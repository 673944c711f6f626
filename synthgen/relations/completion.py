"""Whole rows from the columns that a model learns: what follows is computed, what breaks is mended.

A model sees the learned columns only. The others come after it: codes of decided columns are looked
up, copies are copied, sums are summed. Rows whose order or missing cells contradict a relation are
mended and reported, so that a sampler may draw others in their place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.cells import Cells
from synthgen.encoding.generated import GeneratedEncoder
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.forms.keys import Place
from synthgen.parallel import in_threads
from synthgen.relations import orderings, sums
from synthgen.relations.copies import converted
from synthgen.relations.lookups import UNKNOWN, exact_codes, lookup_codes, pair_counts
from synthgen.relations.numbers import fits
from synthgen.relations.plan import Lookup, Plan
from synthgen.relations.repair import Orderings
from synthgen.relations.rows import Rows, with_given
from synthgen.schema import Schema
from synthgen.seeds import Streams


@dataclass(frozen=True)
class Completion:
    """The encoders of all columns, and what follows from those that are learned.

    Attributes:
        full: Encoder of every column.
        plan: What is learned, and what follows.
        tables: By (source, target): (n_codes,) int32 code of the target for each code of the
            source; `UNKNOWN` where too few rows say so.
    """

    full: TableEncoder
    plan: Plan
    tables: Mapping[Lookup, np.ndarray]

    @classmethod
    def fit(cls, frame: pd.DataFrame, schema: Schema) -> Completion:
        """Fit on a canonical frame that keeps the schema's relations.

        Raises:
            SchemaError: If the relations cannot be kept together.
        """
        plan = Plan.of(schema)
        full = TableEncoder.fit(frame, schema, plan.discrete, plan.sources)
        return cls.of(full, plan, plan_counts(full, plan, frame))

    @classmethod
    def of(
        cls, full: TableEncoder, plan: Plan, counts: Mapping[Lookup, pd.Series[int]]
    ) -> Completion:
        """Of encoders, and how many rows have each pair of codes that a lookup is about."""
        tables = {
            pair: lookup_codes(found, full.columns[pair.source].n_codes)
            for pair, found in counts.items()
        }
        return cls(full, plan, tables)

    @classmethod
    def plain(cls, encoder: TableEncoder) -> Completion:
        """Of a table without relations."""
        return cls(encoder, Plan(encoder.schema), {})

    @cached_property
    def encoder(self) -> TableEncoder:
        """Encoder of the learned columns."""
        return self.full.part(self.plan.modelled)

    @cached_property
    def place(self) -> dict[int, int]:
        """Index of a learned column -> its position among the learned ones."""
        return {j: i for i, j in enumerate(self.plan.modelled)}

    def encode(self, frame: pd.DataFrame, streams: Streams) -> EncodedTable:
        """Codes and values of the learned columns of a canonical frame."""
        return self.encoder.encode(frame, streams)

    def complete(
        self,
        table: RankedTable,
        streams: Streams,
        fixed: np.ndarray | None = None,
        given: Mapping[int, Cells] | None = None,
    ) -> Rows:
        """Whole rows of generated ones.

        Args:
            table: The learned columns.
            streams: For what is drawn anew.
            fixed: (n_columns,) or (n, n_columns) bool: cells that must not be changed.
            given: Cells known beforehand, by column; used where ``fixed``.
        """
        n, width = len(table), len(self.full.columns)
        rng = streams.numpy("relations")
        fixed = np.broadcast_to(np.zeros(width, bool) if fixed is None else fixed, (n, width))
        codes = np.zeros((n, width), np.int32, order="F")
        ranks = np.zeros((n, width), np.float32, order="F")
        codes[:, self.plan.modelled], ranks[:, self.plan.modelled] = table.codes, table.ranks
        mended, broken = np.zeros(n, bool), np.zeros(n, bool)
        self._align(codes, fixed, mended, broken, rng)
        self._look_up(codes, fixed, broken)
        self._meet(codes, ranks, fixed, mended, rng)
        cells = self._decoded(codes, ranks, given or {}, fixed)
        rows = Rows(codes, cells, mended, broken)
        self._copy(rows, fixed if given is not None else None)
        self._put_in_order(rows, fixed, rng, beyond=given is not None)
        self._add_up(rows, fixed, given or {})
        self._verify(rows)
        return rows

    def frame(self, rows: Rows, streams: Streams, place: Place | None = None) -> pd.DataFrame:
        """Canonical frame of complete rows, with the schema's names, order and dtypes.

        Args:
            rows: Complete rows.
            streams: For generated cells.
            place: Which rows of a table they are; all of them if ``None``.
        """

        def column(j: int) -> pd.Series:
            encoder, cells = self.full.columns[j], rows.cells[j]
            if cells is None:
                assert isinstance(encoder, GeneratedEncoder)
                own = place and replace(place, key=place.key + j)
                cells = encoder.generate(rows.codes[:, j], streams.numpy(f"decode/{j}"), own)
                rows.cells[j] = cells
            return cell.write(cells, encoder.column)

        columns = self.full.columns
        originals = dict(self.plan.copied)
        series: dict[int, pd.Series] = {}
        own = [j for j in range(len(columns)) if j not in originals]
        series |= zip(own, in_threads(column, own), strict=True)
        for j, original in originals.items():
            copied = converted(rows.held(original), columns[original].column, columns[j].column)
            series[j] = cell.write(copied, columns[j].column)
        frame = pd.DataFrame({j: series[j] for j in range(len(columns))}, copy=False)
        frame.columns = pd.Index(self.full.schema.names)
        return frame

    def chain(self, j: int) -> list[Lookup]:
        """Lookups that lead from a decided column up to the learned one, nearest first."""
        of = {lookup.target: lookup for lookup in self.plan.lookups}
        found = []
        while j in of:
            found.append(of[j])
            j = of[j].source
        return found

    def _align(
        self,
        codes: np.ndarray,
        fixed: np.ndarray,
        mended: np.ndarray,
        broken: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Columns that decide what another already decides: drawn among those that agree."""
        for pair in self.plan.aligned:
            wanted = self._decided(pair.target, codes)
            chain = self.chain(pair.source)
            root = chain[-1].source if chain else pair.source
            table = self._composed(pair)
            off = table[codes[:, root]] != wanted
            mended |= off
            share = self.full.columns[root].share
            for code in np.unique(wanted[off]):
                rows = np.flatnonzero(off & (wanted == code))
                choices = np.flatnonzero(table == code)
                free = rows[~fixed[rows, root]]
                broken[rows] |= fixed[rows, root] | (not len(choices))
                if len(choices) and len(free):
                    weight = share[choices] / share[choices].sum()
                    codes[free, root] = rng.choice(choices, len(free), p=weight)

    def _composed(self, pair: Lookup) -> np.ndarray:
        """Codes of a pair's target by codes of the learned column behind its source."""
        table = self.tables[pair]
        for step in self.chain(pair.source):
            before = self.tables[step]
            table = np.where(before >= 0, table[before], UNKNOWN)
        return table

    def _decided(self, j: int, codes: np.ndarray) -> np.ndarray:
        """Codes (n,) of a decided column."""
        chain = self.chain(j)
        found = codes[:, chain[-1].source if chain else j]
        for lookup in reversed(chain):
            found = np.where(found >= 0, self.tables[lookup][found], UNKNOWN)
        return found

    def _look_up(self, codes: np.ndarray, fixed: np.ndarray, broken: np.ndarray) -> None:
        for lookup in self.plan.lookups:
            found = self.tables[lookup][codes[:, lookup.source]]
            broken |= found < 0
            # a code is needed all the same: the most frequent one
            usual = int(np.argmax(self.full.columns[lookup.target].share))
            codes[:, lookup.target] = np.where(found < 0, usual, found)

    def _meet(
        self,
        codes: np.ndarray,
        ranks: np.ndarray,
        fixed: np.ndarray,
        mended: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        """Cells missing together: the first column says when; others are taken from other rows."""
        sums = {target for target, _ in self.plan.sums}
        for group in self.plan.together:
            coded = [j for j in group if j not in sums]
            coded.sort(key=lambda j: j in self.place)
            missing = {j: codes[:, j] >= self.full.columns[j].n_present for j in coded}
            leader, *others = coded
            for j in others:
                if j not in self.place:
                    continue
                off = (missing[j] != missing[leader]) & ~fixed[:, j]
                mended |= off
                gone = off & missing[leader]
                codes[gone, j] = self.full.columns[j].n_codes - 1
                donors = np.flatnonzero(~missing[j])
                lacking = np.flatnonzero(off & ~missing[leader])
                if len(donors) and len(lacking):
                    taken = rng.choice(donors, len(lacking))
                    codes[lacking, j], ranks[lacking, j] = codes[taken, j], ranks[taken, j]

    def _decoded(
        self,
        codes: np.ndarray,
        ranks: np.ndarray,
        given: Mapping[int, Cells],
        fixed: np.ndarray,
    ) -> list[Cells | None]:
        computed = {target for target, _ in (*self.plan.sums, *self.plan.copied)}
        rng = np.random.default_rng(0)  # only generated cells draw, and these come later

        def column(j: int) -> Cells | None:
            encoder = self.full.columns[j]
            if j in computed or isinstance(encoder, GeneratedEncoder):
                return None
            cells = encoder.decode(codes[:, j], ranks[:, j], rng)
            return with_given(cells, given.get(j), fixed[:, j])

        return in_threads(column, range(len(self.full.columns)))

    def _copy(self, rows: Rows, known: np.ndarray | None) -> None:
        """Cells that are the same as another of their row; where none is such, their column's own.

        Cells that are put in order after that may differ from their source.
        """
        for j, failed in self.full.put_copies(rows.codes, rows.cells, known).items():
            rows.mended |= failed
            encoder = self.full.columns[j]
            assert isinstance(encoder, NumericEncoder)
            if not encoder.has_own:
                rows.broken |= failed

    @cached_property
    def _orders(self) -> list[tuple[list[int], Orderings]]:
        """Connected learned columns with the orderings between them."""
        pairs = set()
        for chain in self.plan.orderings:
            held = [j for j in chain if j in self.place]
            pairs |= {(a, b) for i, a in enumerate(held) for b in held[i + 1 :]}
        groups: list[set[int]] = []
        for a, b in sorted(pairs):
            joined = {a, b}.union(*(g for g in groups if g & {a, b}))
            groups = [g for g in groups if not g & joined] + [joined]
        found = []
        for group in groups:
            columns = sorted(group)
            encoders = [self.full.columns[j] for j in columns]
            numeric = [e for e in encoders if isinstance(e, NumericEncoder)]
            at = {j: i for i, j in enumerate(columns)}
            own = [(at[a], at[b]) for a, b in sorted(pairs) if a in at]
            found.append((columns, Orderings(numeric, own)))
        return found

    def _put_in_order(
        self, rows: Rows, fixed: np.ndarray, rng: np.random.Generator, *, beyond: bool
    ) -> None:
        # what others follow from stays
        decides = [pair.source for pair in (*self.plan.lookups, *self.plan.aligned)]
        for columns, order in self._orders:
            cells = [rows.held(j) for j in columns]
            present = ~np.stack([held.missing for held in cells], axis=1)
            values = order.values(cells)
            off = np.flatnonzero(order.broken(values, present))
            if not len(off):
                continue
            rows.mended[off] = True
            stays = fixed[off][:, columns] | np.isin(columns, decides)
            better = order.repaired(values[off], present[off], stays, rng, beyond=beyond)
            for k in range(len(columns)):
                changed = better[:, k] != values[off, k]
                cells[k].values[off[changed]] = order.cell_values(k, better[changed, k])

    def _add_up(self, rows: Rows, fixed: np.ndarray, given: Mapping[int, Cells]) -> None:
        for target, relation in self.plan.sums:
            parts = [self.plan.index(name) for name in relation.columns[1:]]
            columns = [self.full.columns[j].column for j in (target, *parts)]
            held = [rows.held(j) for j in parts]
            total = sums.computed(columns, held, relation.factors, relation.constant)
            encoder = self.full.columns[target]
            assert isinstance(encoder, NumericEncoder)
            low, high = encoder.ends()
            out = ~total.missing & ((total.values < low) | (total.values > high))
            rows.mended |= out
            rows.broken |= total.missing & (not encoder.has_missing)
            rows.broken |= out & ~fits(total.values, encoder.column)
            rows.cells[target] = with_given(total, given.get(target), fixed[:, target])

    def _verify(self, rows: Rows) -> None:
        """Orderings and gaps that involve computed columns are looked at, not made."""
        for chain in self.plan.orderings:
            cells = [rows.held(j) for j in chain]
            rows.broken |= orderings.disordered([self.full.columns[j].column for j in chain], cells)
        computed = {target for target, _ in self.plan.sums}
        for group in self.plan.together:
            gaps = [
                rows.held(j).missing
                if j in computed
                else rows.codes[:, j] >= self.full.columns[j].n_present
                for j in group
            ]
            for other in gaps[1:]:
                rows.broken |= other != gaps[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state, without the schema."""
        state = self.full.to_dict()
        if self.tables:
            state["lookups"] = [
                {"source": pair.source, "target": pair.target, "codes": table.tolist()}
                for pair, table in self.tables.items()
            ]
        return state

    @classmethod
    def from_dict(cls, schema: Schema, data: dict[str, Any]) -> Completion:
        """Inverse of `to_dict`; raises `ValueError` if schema, copies and lookups do not fit."""
        plan = Plan.of(schema)
        full = TableEncoder.from_dict(schema, data)
        if dict(full.copies) != dict(plan.partial):
            raise ValueError("the partial copies are not those of the schema's relations")
        tables = {
            Lookup(entry["source"], entry["target"]): np.array(entry["codes"], np.int32)
            for entry in data.get("lookups", [])
        }
        if tables.keys() != {*plan.lookups, *plan.aligned}:
            raise ValueError("the lookups are not those of the schema's relations")
        for pair, table in tables.items():
            source, target = full.columns[pair.source], full.columns[pair.target]
            if (
                table.shape != (source.n_codes,)
                or not ((table >= UNKNOWN) & (table < target.n_codes)).all()
            ):
                raise ValueError(f"the lookup of column {target.column.name!r} has wrong codes")
        return cls(full, plan, tables)


def plan_counts(
    full: TableEncoder, plan: Plan, frame: pd.DataFrame
) -> dict[Lookup, pd.Series[int]]:
    """Rows of a canonical frame with each pair of codes that a lookup is about."""
    pairs = (*plan.lookups, *plan.aligned)
    columns = {j for pair in pairs for j in (pair.source, pair.target)}
    exact = {j: exact_codes(full.columns[j], frame) for j in sorted(columns)}
    return {pair: pair_counts(exact[pair.source], exact[pair.target]) for pair in pairs}
