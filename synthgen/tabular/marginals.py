"""Coarse bins of an encoded table, and the distance of two tables in their pair marginals.

Cheap enough to be computed every few hundred steps, it chooses the best weights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import EncodedTable, TableEncoder

MAX_BINS = 24
VALUE_BINS = 12
MAX_COLUMNS = 96


@dataclass(frozen=True)
class Bins:
    """Maps every column of an encoded table to at most about `MAX_BINS` + `VALUE_BINS` bins.

    Shape:
        columns: (k,) indices of the columns looked at, at most `MAX_COLUMNS`.
        of_code: one (n_codes,) int64 array per column looked at.
    """

    encoder: TableEncoder
    columns: np.ndarray
    of_code: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, encoder: TableEncoder, rng: np.random.Generator) -> Bins:
        """Bins of an encoder's columns; a random subset of them in a very wide table."""
        varied = varied_columns(encoder.n_codes, rng)
        of_code = []
        for j in varied:
            share = encoder.columns[j].share
            rank = np.argsort(np.argsort(-share, kind="stable"), kind="stable")
            of_code.append(np.minimum(rank, MAX_BINS - 1))
        return cls(encoder, varied, tuple(of_code))

    @property
    def n_bins(self) -> int:
        """Bins per column."""
        return MAX_BINS + VALUE_BINS

    def __call__(self, table: EncodedTable) -> np.ndarray:
        """(n_rows, k) int64 bins."""
        bins = np.empty((len(table), len(self.columns)), np.int64)
        for i, j in enumerate(self.columns):
            codes, encoder = table.codes[:, j], self.encoder.columns[j]
            bins[:, i] = self.of_code[i][codes]
            if isinstance(encoder, NumericEncoder):
                inside = encoder.has_value[codes]
                x = encoder.continuous(codes[inside], table.values[inside, j])
                rank = encoder.quantiles.rank(x)
                level = np.minimum((rank * VALUE_BINS).astype(np.int64), VALUE_BINS - 1)
                bins[inside, i] = MAX_BINS + level
        return bins

    def pairs(self, table: EncodedTable) -> np.ndarray:
        """Share of rows in every pair of bins: (k n_bins, k n_bins) float32."""
        bins = self(table)
        hot = np.zeros((len(bins), bins.shape[1] * self.n_bins), np.float32)
        np.put_along_axis(hot, bins + np.arange(bins.shape[1]) * self.n_bins, 1.0, axis=1)
        return np.asarray(hot.T @ hot / max(len(bins), 1))


def varied_columns(n_codes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices of columns (n_columns,) with more than one code; a random subset of very many."""
    varied = np.flatnonzero(n_codes > 1)
    if len(varied) > MAX_COLUMNS:
        varied = np.sort(rng.choice(varied, MAX_COLUMNS, replace=False))
    return varied


def pair_distance(first: np.ndarray, second: np.ndarray, n_bins: int) -> float:
    """Mean total variation distance over column pairs, singles included: 0 (equal) to 1."""
    k = len(first) // n_bins
    difference = np.abs(first - second).reshape(k, n_bins, k, n_bins).sum(axis=(1, 3)) / 2
    return float(difference.mean())
