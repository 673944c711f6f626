"""What the autoregressive network sees of a cell: a code, and the normal score of its value.

All modes of a numeric column are one code here, "it has a value", and the value is its rank in the
column's quantile function. Ranks are uniform whatever the column looks like, so their normal scores
z = Phi^-1(rank) are standard normal and a small mixture of Gaussians models them well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import EncodedTable, TableEncoder
from synthgen.parallel import in_threads


@dataclass(frozen=True)
class Ranks:
    """A table's cells as codes and rank intervals.

    A repeated value is a step of the quantile function: all ranks in [low, high] stand for it.

    Shape:
        codes: (n_rows, n_columns) int64, in the numbering of `CellView`.
        low, high: (n_rows, n_numeric) float32; equal where the value is not a step.
    """

    codes: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: np.ndarray) -> Ranks:
        """The given rows (k,)."""
        return Ranks(self.codes[rows], self.low[rows], self.high[rows])


@dataclass(frozen=True)
class CellView:
    """Codes with one common code, the last, for all numbers of a column that are not atoms.

    Shape:
        to_view: one (n_codes,) int64 array per column, from the encoder's codes.
        to_code: one (n_view_codes,) int64 array per column, back; a value gets its first mode.
        numeric: (n_numeric,) int64 indices of the columns that may carry a value.
    """

    encoder: TableEncoder
    to_view: tuple[np.ndarray, ...]
    to_code: tuple[np.ndarray, ...]
    numeric: np.ndarray

    @classmethod
    def of(cls, encoder: TableEncoder) -> CellView:
        """View of an encoder's columns."""
        to_view, to_code = [], []
        for column in encoder.columns:
            held = column.has_value
            plain = np.flatnonzero(~held)
            view = np.full(column.n_codes, len(plain), np.int64)
            view[plain] = np.arange(len(plain))
            to_view.append(view)
            to_code.append(np.r_[plain, np.flatnonzero(held)[:1]].astype(np.int64))
        numeric = np.flatnonzero([column.has_value.any() for column in encoder.columns])
        return cls(encoder, tuple(to_view), tuple(to_code), numeric)

    @cached_property
    def n_codes(self) -> np.ndarray:
        """(n_columns,) int64."""
        return np.array([len(codes) for codes in self.to_code], np.int64)

    def share(self, j: int) -> np.ndarray:
        """(n_view_codes,) shares of the fitted rows."""
        share = self.encoder.columns[j].share
        return np.bincount(self.to_view[j], weights=share, minlength=int(self.n_codes[j]))

    def quantiles_of(self, i: int) -> NumericEncoder:
        """Encoder of the ``i``-th numeric column."""
        column = self.encoder.columns[self.numeric[i]]
        assert isinstance(column, NumericEncoder)
        return column

    def ranks(self, table: EncodedTable) -> Ranks:
        """Codes and rank intervals of an encoded table."""
        codes = np.empty(table.codes.shape, np.int64)
        low = np.zeros((len(table), len(self.numeric)), np.float32)
        high = low.copy()
        position = {int(j): i for i, j in enumerate(self.numeric)}

        def column(j: int) -> None:
            codes[:, j] = self.to_view[j][table.codes[:, j]]
            if (i := position.get(j)) is not None:
                encoder = self.quantiles_of(i)
                rank = encoder.ranks(table.codes[:, j], table.values[:, j])
                low[:, i], high[:, i] = encoder.quantiles.interval(rank)

        in_threads(column, range(len(self.to_view)))
        return Ranks(codes, low, high)
