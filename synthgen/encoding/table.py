"""A table as codes and values: summarize the columns, fit their encoders, encode and decode."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.cells import Cells
from synthgen.encoding.binned import BinnedEncoder
from synthgen.encoding.category import CategoryEncoder, CategorySummary
from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.copies import first_equal, sources_first
from synthgen.encoding.generated import GeneratedEncoder, PresenceSummary
from synthgen.encoding.mixture import Mixture, fit_mixtures, histogram
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.quantiles import Points
from synthgen.encoding.summary import NumericSummary, find_atoms
from synthgen.parallel import in_threads
from synthgen.schema import Column, Schema
from synthgen.seeds import Streams

ENCODERS: dict[str, type[ColumnEncoder]] = {
    encoder.kind: encoder
    for encoder in (BinnedEncoder, CategoryEncoder, GeneratedEncoder, NumericEncoder)
}
T = TypeVar("T")
Name = str | int
Summary = CategorySummary | NumericSummary | PresenceSummary
_NUMERIC = ("integer", "float", "datetime", "duration")
_SUMMARY_OF_KIND: dict[str, Callable[[cell.Cells], Summary]] = {
    "boolean": CategorySummary.of,
    "category": CategorySummary.of,
    "identifier": PresenceSummary.of,
    "text": PresenceSummary.of,
}


@dataclass(frozen=True)
class EncodedTable:
    """A table whose every cell is a code and a value.

    Shape:
        codes: (n_rows, n_columns) int32.
        values: (n_rows, n_columns) float32, 0 where the code carries no value.
    """

    codes: np.ndarray
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: np.ndarray) -> EncodedTable:
        """The given rows, by index (k,) or mask (n_rows,)."""
        return EncodedTable(self.codes[rows], self.values[rows])

    def columns(self, positions: np.ndarray) -> EncodedTable:
        """The given columns (k,), by index."""
        return EncodedTable(self.codes[:, positions], self.values[:, positions])


@dataclass(frozen=True)
class RankedTable:
    """A generated table: every cell is a code and, where it has a value, the value's rank.

    Shape:
        codes: (n_rows, n_columns) int32.
        ranks: (n_rows, n_columns) float32 in [0, 1], the rank in the column's quantile function;
            read only where the code carries a value.
    """

    codes: np.ndarray
    ranks: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class TableEncoder:
    """The columns' encoders, in order."""

    schema: Schema
    columns: tuple[ColumnEncoder, ...]

    @classmethod
    def fit(
        cls,
        frame: pd.DataFrame,
        schema: Schema,
        discrete: Collection[Name] = (),
        sources: Mapping[Name, Sequence[Name]] | None = None,
    ) -> TableEncoder:
        """Fit on a canonical frame (see `synthgen.frames.read`).

        Args:
            discrete: Numeric columns whose every repeated value gets a code of its own.
            sources: Numeric column -> columns whose cells its own may be the same as.
        """
        summaries = summarize(frame, schema, sources)
        return cls.from_summaries(schema, summaries, discrete, sources)

    @classmethod
    def from_summaries(
        cls,
        schema: Schema,
        summaries: list[Summary],
        discrete: Collection[Name] = (),
        sources: Mapping[Name, Sequence[Name]] | None = None,
    ) -> TableEncoder:
        """Fit on merged summaries; the mixtures of all numeric columns are fitted at once."""
        summaries = [
            s.repeated() if isinstance(s, NumericSummary) and column.name in discrete else s
            for column, s in zip(schema, summaries, strict=True)
        ]
        numeric = [s for s in summaries if isinstance(s, NumericSummary)]
        atoms = [find_atoms(s.total, s.only_repeated) for s in numeric]
        modes = _fit_modes([s.points.without(a) for s, a in zip(numeric, atoms, strict=True)])
        fitted = iter(zip(atoms, modes, strict=True))
        columns: list[ColumnEncoder] = []
        for column, summary in zip(schema, summaries, strict=True):
            if isinstance(summary, NumericSummary):
                own = (sources or {}).get(column.name, ())
                columns.append(NumericEncoder.fit(column, summary, *next(fitted), own))
            elif isinstance(summary, CategorySummary):
                columns.append(CategoryEncoder.fit(column, summary))
            else:
                columns.append(GeneratedEncoder.fit(column, summary))
        return cls(schema, tuple(columns))

    @property
    def n_codes(self) -> np.ndarray:
        """(n_columns,) int64 number of codes of each column."""
        return np.array([encoder.n_codes for encoder in self.columns], np.int64)

    def part(self, positions: Sequence[int]) -> TableEncoder:
        """Encoder of some of the columns."""
        some = tuple(self.columns[j] for j in positions)
        schema = Schema(frame=self.schema.frame, columns=tuple(c.column for c in some))
        return TableEncoder(schema, some)

    def position(self, name: str | int) -> int:
        """Index of a column; raises `SchemaError` naming the nearest one."""
        return self.schema.names.index(self.schema[name].name)

    def encode(self, frame: pd.DataFrame, streams: Streams) -> EncodedTable:
        """Codes and values of a canonical frame."""
        shape = (len(frame), len(self.columns))
        codes, values = np.zeros(shape, np.int32), np.zeros(shape, np.float32)
        for j, encoder in enumerate(self.columns):
            column, rng = encoder.column, streams.numpy(f"encode/{j}")
            cells = cell.read(frame[column.name], column)
            if isinstance(encoder, NumericEncoder) and encoder.copies.sources:
                same_as = _same_as(frame, cells, column, self._sources(encoder))
                codes[:, j], values[:, j] = encoder.encode(cells, rng, same_as)
            else:
                codes[:, j], values[:, j] = encoder.encode(cells, rng)
        return EncodedTable(codes, values)

    def ranked(self, table: EncodedTable) -> RankedTable:
        """The same cells with ranks in place of values."""
        ranks = np.zeros(table.values.shape, np.float32, order="F")

        def column(j: int) -> None:
            ranks[:, j] = self.columns[j].ranks(table.codes[:, j], table.values[:, j])

        in_threads(column, np.flatnonzero([c.has_value.any() for c in self.columns]).tolist())
        return RankedTable(table.codes, ranks)

    @cached_property
    def copies(self) -> tuple[tuple[int, tuple[int, ...]], ...]:
        """Columns with copies and the sources of their codes, by index; sources come first.

        Raises:
            ValueError: If columns copy each other in a circle.
        """
        sources = {
            j: tuple(self.position(name) for name in encoder.copies.sources)
            for j, encoder in enumerate(self.columns)
            if isinstance(encoder, NumericEncoder) and encoder.copies.sources
        }
        return sources_first(sources)

    def put_copies(
        self, codes: np.ndarray, cells: Sequence[Cells | None], kept: np.ndarray | None = None
    ) -> dict[int, np.ndarray]:
        """Put the cells of the sources, in place, where codes (n, n_columns) say so.

        Args:
            cells: Decoded cells by column.
            kept: (n, n_columns) bool: cells that stay as they are.

        Returns:
            Column -> (n,) bool: rows whose source is missing, or nothing that the column may hold;
            their cells stay.
        """
        failed = {}
        for j, sources in self.copies:
            encoder, own = self.columns[j], cells[j]
            assert isinstance(encoder, NumericEncoder) and own is not None
            failed[j] = np.zeros(len(codes), bool)
            for k, source in enumerate(sources):
                rows = codes[:, j] == encoder.first_copy + k
                if kept is not None:
                    rows &= ~kept[:, j]
                there = cells[source]
                assert there is not None
                found = encoder.copied(there, self.columns[source].column)
                good = rows & ~found.missing
                own.values[good] = found.values[good]
                failed[j] |= rows & found.missing
        return failed

    def numbers(self, table: RankedTable) -> dict[int, Cells]:
        """Column -> its cells as they will be decoded, of numeric columns; copies in place."""

        def column(j: int) -> Cells:
            nothing = np.random.default_rng(0)  # numbers are decoded without it
            return self.columns[j].decode(table.codes[:, j], table.ranks[:, j], nothing)

        numeric = [j for j, c in enumerate(self.columns) if isinstance(c, NumericEncoder)]
        cells: list[Cells | None] = [None] * len(self.columns)
        for j, decoded in zip(numeric, in_threads(column, numeric), strict=True):
            cells[j] = decoded
        self.put_copies(table.codes, cells)
        return {j: held for j, held in enumerate(cells) if held is not None}

    def decode(self, table: EncodedTable | RankedTable, streams: Streams) -> pd.DataFrame:
        """Canonical frame of an encoded table, with the schema's names, order and dtypes."""

        def decoded(j: int) -> Cells:
            encoder, rng = self.columns[j], streams.numpy(f"decode/{j}")
            codes = table.codes[:, j]
            if isinstance(table, RankedTable):
                ranks = table.ranks[:, j]
            else:
                ranks = encoder.ranks(codes, table.values[:, j])
            return encoder.decode(codes, ranks, rng)

        cells = in_threads(decoded, range(len(self.columns)))
        self.put_copies(table.codes, cells)
        series = in_threads(
            lambda j: cell.write(cells[j], self.columns[j].column), range(len(self.columns))
        )
        frame = pd.DataFrame(dict(enumerate(series)), copy=False)
        frame.columns = pd.Index(self.schema.names)
        return frame

    def _sources(self, encoder: NumericEncoder) -> list[Column]:
        return [self.schema[name] for name in encoder.copies.sources]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state, without the schema."""
        return {
            "columns": [{"encoder": encoder.kind} | encoder.to_dict() for encoder in self.columns]
        }

    @classmethod
    def from_dict(cls, schema: Schema, data: dict[str, Any]) -> TableEncoder:
        """Inverse of `to_dict`; raises `ValueError` if codes, copies and schema do not fit."""
        columns = zip(schema, data["columns"], strict=True)
        return cls(
            schema, tuple(ENCODERS[state["encoder"]].from_dict(c, state) for c, state in columns)
        )


def summarize(
    frame: pd.DataFrame,
    schema: Schema,
    sources: Mapping[Name, Sequence[Name]] | None = None,
    like: Sequence[Summary] | None = None,
) -> list[Summary]:
    """Mergeable summaries of the columns of a batch, a canonical frame.

    Args:
        sources: Numeric column -> columns whose cells its own may be the same as.
        like: Summaries of another batch, to which these can then be merged.
    """
    found: list[Summary] = []
    for j, column in enumerate(schema):
        cells = cell.read(frame[column.name], column)
        held = like and like[j]
        if column.kind not in _NUMERIC:
            found.append(_SUMMARY_OF_KIND[column.kind](cells))
            continue
        origin = held.origin if isinstance(held, NumericSummary) else None
        named = (sources or {}).get(column.name, ())
        same_as = _same_as(frame, cells, column, [schema[k] for k in named]) if named else None
        found.append(NumericSummary.of(cells, origin, same_as, len(named)))
    return found


def merged(first: Sequence[Summary], second: Sequence[Summary]) -> list[Summary]:
    """Summaries of two batches together, column by column."""
    return [a.merge(b) for a, b in zip(first, second, strict=True)]  # type: ignore[arg-type]


def _same_as(
    frame: pd.DataFrame, cells: Cells, column: Column, sources: list[Column]
) -> np.ndarray:
    """(n,) which source each cell is the same as, -1 for none."""
    there = [(cell.read(frame[source.name], source), source) for source in sources]
    return first_equal(cells, column, there)


def _fit_modes(points: list[Points]) -> list[Mixture]:
    """Modes of each column's values; columns without any get none."""
    filled = [p for p in points if p.n]
    fitted = iter(fit_mixtures([histogram(p.value, p.count) for p in filled]))
    return [next(fitted) if p.n else Mixture(*np.zeros((3, 0))) for p in points]
