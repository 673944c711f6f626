"""Conditional vectors: which columns of a row are given, and training-by-sampling.

A condition is a set of (column, code). Training-by-sampling (Xu et al., 2019, section 4.3) draws a
column, then a code of it with probability proportional to the log of its frequency, then a real
row that holds the code, so that rare codes are seen often enough to be learned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FREE = -1


@dataclass(frozen=True)
class RowIndex:
    """Rows by (column, code): rows of code k of column j are a slice of ``order[:, j]``.

    Shape:
        order: (n_rows, n_columns) int32 row numbers, grouped by code.
        start: one (n_codes + 1,) int64 array per column.
    """

    order: np.ndarray
    start: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, codes: np.ndarray, n_codes: np.ndarray) -> RowIndex:
        """Index of codes (n_rows, n_columns)."""
        order = np.empty(codes.shape, np.int32, order="F")
        start = []
        for j, n in enumerate(n_codes):
            order[:, j] = np.argsort(codes[:, j], kind="stable")
            counts = np.bincount(codes[:, j], minlength=n)
            start.append(np.r_[0, np.cumsum(counts)].astype(np.int64))
        return cls(order, tuple(start))


class TrainingSampler:
    """Draws (condition, real row) pairs for training.

    Args:
        codes: (n_rows, n_columns) int32.
        n_codes: (n_columns,) number of codes of each column.
        frequency: "log" for training-by-sampling, "true" to draw rows as they come.
        free_share: Share of rows without any condition.
        more_share: Share of conditioned rows that are given further columns as well, each with a
            probability drawn per row; they teach the generator conditions on several columns.
    """

    def __init__(
        self,
        codes: np.ndarray,
        n_codes: np.ndarray,
        *,
        frequency: str,
        free_share: float,
        more_share: float,
    ) -> None:
        self.codes = codes
        self.free_share, self.more_share = free_share, more_share
        self.columns = np.flatnonzero(n_codes > 1)
        self.log_frequency = frequency == "log" and len(self.columns) > 0
        if self.log_frequency:
            self.index = RowIndex.of(codes, n_codes)
            self.cumulative = [self._log_frequencies(j) for j in range(len(n_codes))]

    def _log_frequencies(self, j: int) -> np.ndarray:
        counts = np.diff(self.index.start[j])
        weight = np.where(counts > 0, np.log1p(counts), 0.0)
        return np.asarray(np.cumsum(weight) / weight.sum())

    def draw(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Conditions (n, n_columns) int32 with `FREE` where free, and row numbers (n,)."""
        condition = np.full((n, self.codes.shape[1]), FREE, np.int32)
        rows = rng.integers(0, len(self.codes), n)
        if not len(self.columns):
            return condition, rows
        column = self.columns[rng.integers(0, len(self.columns), n)]
        given = rng.random(n) >= self.free_share
        if self.log_frequency:
            u, v = rng.random((2, n))
            for j in np.unique(column[given]):
                mine = np.flatnonzero(given & (column == j))
                code = np.searchsorted(self.cumulative[j], u[mine], side="right")
                first, last = self.index.start[j][code], self.index.start[j][code + 1]
                rows[mine] = self.index.order[first + (v[mine] * (last - first)).astype(int), j]
        mask = np.zeros(condition.shape, bool)
        mask[given, column[given]] = True
        if self.more_share:
            more = given & (rng.random(n) < self.more_share)
            probability = rng.random((n, 1)) * more[:, None]
            mask |= rng.random(mask.shape) < probability
        condition[mask] = self.codes[rows][mask]
        return condition, rows
