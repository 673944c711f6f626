"""A table as codes and values: summarize the columns, fit their encoders, encode and decode."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.encoding.category import CategoryEncoder, CategorySummary
from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.generated import GeneratedEncoder, PresenceSummary
from synthgen.encoding.mixture import Mixture, fit_mixtures, histogram
from synthgen.encoding.numeric import NumericEncoder, NumericSummary, find_atoms
from synthgen.encoding.quantiles import Points
from synthgen.schema import Column, Schema
from synthgen.seeds import Streams

ENCODERS: dict[str, type[ColumnEncoder]] = {
    encoder.kind: encoder for encoder in (CategoryEncoder, GeneratedEncoder, NumericEncoder)
}
T = TypeVar("T")
Summary = CategorySummary | NumericSummary | PresenceSummary
_SUMMARY_OF_KIND: dict[str, Callable[[cell.Cells], Summary]] = {
    "integer": NumericSummary.of,
    "float": NumericSummary.of,
    "datetime": NumericSummary.of,
    "duration": NumericSummary.of,
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
        cls, frame: pd.DataFrame, schema: Schema, discrete: Collection[str | int] = ()
    ) -> TableEncoder:
        """Fit on a canonical frame (see `synthgen.frames.read`).

        Args:
            discrete: Numeric columns whose every repeated value gets a code of its own.
        """
        summaries = [summarize(frame[column.name], column) for column in schema]
        return cls.from_summaries(schema, summaries, discrete)

    @classmethod
    def from_summaries(
        cls, schema: Schema, summaries: list[Summary], discrete: Collection[str | int] = ()
    ) -> TableEncoder:
        """Fit on merged summaries; the mixtures of all numeric columns are fitted at once."""
        summaries = [
            s.repeated() if isinstance(s, NumericSummary) and column.name in discrete else s
            for column, s in zip(schema, summaries, strict=True)
        ]
        numeric = [s for s in summaries if isinstance(s, NumericSummary)]
        atoms = [find_atoms(s.points, s.only_repeated) for s in numeric]
        modes = _fit_modes([s.points.without(a) for s, a in zip(numeric, atoms, strict=True)])
        fitted = iter(zip(atoms, modes, strict=True))
        columns: list[ColumnEncoder] = []
        for column, summary in zip(schema, summaries, strict=True):
            if isinstance(summary, NumericSummary):
                columns.append(NumericEncoder.fit(column, summary, *next(fitted)))
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
            cells = cell.read(frame[encoder.column.name], encoder.column)
            codes[:, j], values[:, j] = encoder.encode(cells, streams.numpy(f"encode/{j}"))
        return EncodedTable(codes, values)

    def ranked(self, table: EncodedTable) -> RankedTable:
        """The same cells with ranks in place of values."""
        ranks = np.zeros(table.values.shape, np.float32, order="F")

        def column(j: int) -> None:
            ranks[:, j] = self.columns[j].ranks(table.codes[:, j], table.values[:, j])

        in_threads(column, np.flatnonzero([c.has_value.any() for c in self.columns]).tolist())
        return RankedTable(table.codes, ranks)

    def decode(self, table: EncodedTable | RankedTable, streams: Streams) -> pd.DataFrame:
        """Canonical frame of an encoded table, with the schema's names, order and dtypes."""

        def column(j: int) -> pd.Series:
            encoder, rng = self.columns[j], streams.numpy(f"decode/{j}")
            codes = table.codes[:, j]
            if isinstance(table, RankedTable):
                ranks = table.ranks[:, j]
            else:
                ranks = encoder.ranks(codes, table.values[:, j])
            cells = encoder.decode(codes, ranks, rng)
            return cell.write(cells, encoder.column)

        series = in_threads(column, range(len(self.columns)))
        frame = pd.DataFrame(dict(enumerate(series)), copy=False)
        frame.columns = pd.Index(self.schema.names)
        return frame

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state, without the schema."""
        return {
            "columns": [{"encoder": encoder.kind} | encoder.to_dict() for encoder in self.columns]
        }

    @classmethod
    def from_dict(cls, schema: Schema, data: dict[str, Any]) -> TableEncoder:
        """Inverse of `to_dict`."""
        columns = zip(schema, data["columns"], strict=True)
        return cls(
            schema, tuple(ENCODERS[state["encoder"]].from_dict(c, state) for c, state in columns)
        )


def in_threads(work: Callable[[int], T], items: Iterable[int]) -> list[T]:
    """Results of ``work`` in order; numpy releases the interpreter where the time goes."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, items))


def summarize(series: pd.Series, column: Column) -> Summary:
    """Mergeable summary of one column of a batch."""
    return _SUMMARY_OF_KIND[column.kind](cell.read(series, column))


def _fit_modes(points: list[Points]) -> list[Mixture]:
    """Modes of each column's values; columns without any get none."""
    filled = [p for p in points if p.n]
    fitted = iter(fit_mixtures([histogram(p.value, p.count) for p in filled]))
    return [next(fitted) if p.n else Mixture(*np.zeros((3, 0))) for p in points]
