"""Complete rows in the making."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.cells import Cells


@dataclass
class Rows:
    """Complete rows.

    Attributes:
        codes: (n, n_columns) int32; of copies and sums they mean nothing.
        cells: Cells of each column; ``None`` for generated ones, which come last.
        mended: (n,) bool: rows that were changed to keep a relation, whose sum is out of range, or
            that have no cell such as they should copy.
        broken: (n,) bool: rows that break one all the same.
    """

    codes: np.ndarray
    cells: list[Cells | None]
    mended: np.ndarray
    broken: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def held(self, j: int) -> Cells:
        """Cells of a column that is not generated."""
        cells = self.cells[j]
        assert cells is not None
        return cells

    def replace(self, rows: np.ndarray, other: Rows, taken: np.ndarray) -> None:
        """Put rows ``taken`` (k,) of another in the place of ``rows`` (k,)."""
        self.codes[rows] = other.codes[taken]
        self.mended[rows], self.broken[rows] = other.mended[taken], other.broken[taken]
        for mine, its in zip(self.cells, other.cells, strict=True):
            if mine is not None and its is not None:
                mine.values[rows], mine.missing[rows] = its.values[taken], its.missing[taken]


def with_given(cells: Cells, given: Cells | None, fixed: np.ndarray) -> Cells:
    """Cells, but those given where they are fixed (n,)."""
    if given is None or cells.levels != given.levels:
        return cells
    return Cells(
        np.where(fixed, given.values, cells.values).astype(cells.values.dtype),
        np.where(fixed, given.missing, cells.missing),
        cells.levels,
    )
