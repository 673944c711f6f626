"""A table's columns as the searches read them: a sample of rows first, all rows where needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.cells import Cells
from synthgen.schema import Column, Schema

SAMPLE_ROWS = 4096
# Pairs are looked at among so many columns of one kind at most, the first ones.
MOST_COLUMNS = 500
Name = str | int


class Reader:
    """Cells of a canonical frame, each column read once.

    Attributes:
        rows: Number of rows.
        sample: The reader of a random sample of rows, or this one if there are few.
    """

    def __init__(self, frame: pd.DataFrame, schema: Schema) -> None:
        self.frame, self.schema, self.rows = frame, schema, len(frame)
        self._cells: dict[Name, Cells] = {}
        self._codes: dict[Name, np.ndarray] = {}

    @cached_property
    def sample(self) -> Reader:
        if self.rows <= SAMPLE_ROWS:
            return self
        # the same rows every time, so that the same table has the same relations
        rows = np.random.default_rng(0).choice(self.rows, SAMPLE_ROWS, replace=False)
        return Reader(self.frame.iloc[np.sort(rows)].reset_index(drop=True), self.schema)

    def cells(self, name: Name) -> Cells:
        """Cells of a column."""
        if name not in self._cells:
            self._cells[name] = cell.read(self.frame[name], self.schema[name])
        return self._cells[name]

    def codes(self, name: Name) -> np.ndarray:
        """(n,) int64 number of the distinct value of each cell, missing being one of them."""
        if name not in self._codes:
            held = self.cells(name)
            codes = pd.factorize(held.values)[0].astype(np.int64)
            codes[held.missing] = codes.max(initial=-1) + 1
            self._codes[name] = np.unique(codes, return_inverse=True)[1].reshape(-1)
        return self._codes[name]

    def columns(self, *kinds: str) -> list[Column]:
        """Columns of these kinds that no personal field is in."""
        return [c for c in self.schema if c.kind in kinds and c.personal is None]


def matrix(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Arrays (n,) side by side: (n, k)."""
    return np.stack(arrays, axis=1) if arrays else np.zeros((0, 0))
