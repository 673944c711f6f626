"""Where each column sits in a batch matrix.

Columns are ordered by the width of their one-hot block and blocks of one width stand together, so
that a softmax over every column is a handful of reshapes and no loop over columns. A block is
padded to the next width of a short list; padding is never drawn and costs at most a third.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from synthgen.encoding.table import EncodedTable, TableEncoder

_PADDING_LOGIT = -1e4


@dataclass(frozen=True)
class Group:
    """Columns whose blocks have one width: ``columns`` (k,) indices, at ``start`` in the batch."""

    width: int
    start: int
    columns: np.ndarray

    @property
    def stop(self) -> int:
        """End of the group's blocks in the batch."""
        return self.start + self.width * len(self.columns)


@dataclass(frozen=True)
class Part:
    """Columns that are drawn together: their groups, and where their slots and values stand."""

    index: int
    groups: tuple[Group, ...]
    slots: slice
    values: slice

    @property
    def columns(self) -> np.ndarray:
        """Its columns (n_part_columns,) in the order of their blocks."""
        return np.concatenate([group.columns for group in self.groups])

    @property
    def n_slots(self) -> int:
        """Slots of the part."""
        return int(self.slots.stop - self.slots.start)

    @property
    def n_values(self) -> int:
        """Values of the part."""
        return int(self.values.stop - self.values.start)


@dataclass(frozen=True)
class Layout:
    """Positions of one-hot blocks (``n_slots`` in all) and of values in a batch matrix.

    Shape:
        has_value: one (n_codes,) bool array per column.
        part: (n_columns,) int64, ascending from 0: which columns are drawn together, and in which
            order; ``None`` for all at once.
    """

    n_codes: np.ndarray
    has_value: tuple[np.ndarray, ...]
    part: np.ndarray | None = None

    @classmethod
    def of(cls, encoder: TableEncoder, n_parts: int = 1) -> Layout:
        """Layout of an encoder's columns, those of most entropy in the first part."""
        shares = [column.share for column in encoder.columns]
        entropy = np.array([-(p[p > 0] * np.log(p[p > 0])).sum() for p in shares])
        rank = np.argsort(np.argsort(-entropy, kind="stable"), kind="stable")
        n_parts = min(n_parts, len(shares))
        part = rank * n_parts // len(shares)
        return cls(encoder.n_codes, tuple(column.has_value for column in encoder.columns), part)

    @cached_property
    def _part(self) -> np.ndarray:
        return np.zeros(self.n_columns, np.int64) if self.part is None else self.part

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Groups in order of part, then of width."""
        widths = np.array([_width(int(n)) for n in self.n_codes])
        groups, start = [], 0
        for p, width in np.unique(np.stack([self._part, widths]), axis=1).T:
            columns = np.flatnonzero((self._part == p) & (widths == width))
            groups.append(Group(int(width), start, columns))
            start = groups[-1].stop
        return tuple(groups)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Parts in the order in which they are drawn."""
        parts: list[Part] = []
        for p in np.unique(self._part):
            groups = tuple(g for g in self.groups if self._part[g.columns[0]] == p)
            slots = slice(groups[0].start, groups[-1].stop)
            values = slice(*np.searchsorted(self.value_slots, [slots.start, slots.stop]).tolist())
            parts.append(Part(len(parts), groups, slots, values))
        return tuple(parts)

    @property
    def n_columns(self) -> int:
        """Number of columns."""
        return len(self.n_codes)

    @property
    def n_slots(self) -> int:
        """Width of the one-hot part of a batch matrix, padding included."""
        return self.groups[-1].stop

    @cached_property
    def start(self) -> np.ndarray:
        """(n_columns,) int64: where each column's block starts."""
        start = np.zeros(self.n_columns, np.int64)
        for group in self.groups:
            start[group.columns] = group.start + group.width * np.arange(len(group.columns))
        return start

    @cached_property
    def padding(self) -> np.ndarray:
        """(n_slots,) float32: 0 where a slot is a code, a large negative logit elsewhere."""
        logit = np.full(self.n_slots, _PADDING_LOGIT, np.float32)
        for start, n in zip(self.start, self.n_codes, strict=True):
            logit[start : start + n] = 0.0
        return logit

    @cached_property
    def value_slots(self) -> np.ndarray:
        """(n_values,) int64: slots whose code carries a value, in slot order."""
        slots = [s + np.flatnonzero(h) for s, h in zip(self.start, self.has_value, strict=True)]
        return np.sort(np.concatenate(slots)) if slots else np.zeros(0, np.int64)

    @cached_property
    def value_column(self) -> np.ndarray:
        """(n_values,) int64: the column of each value slot."""
        column_of_slot = np.zeros(self.n_slots, np.int64)
        for j, (start, n) in enumerate(zip(self.start, self.n_codes, strict=True)):
            column_of_slot[start : start + n] = j
        return np.asarray(column_of_slot[self.value_slots])

    @cached_property
    def value_of_slot(self) -> np.ndarray:
        """(n_slots,) int64: index among the values of a slot's value, -1 without one."""
        index = np.full(self.n_slots, -1, np.int64)
        index[self.value_slots] = np.arange(len(self.value_slots))
        return index

    def one_hot(self, codes: torch.Tensor) -> torch.Tensor:
        """(n, n_columns) int64 codes -> (n, n_slots) float32; a code of -1 leaves its block 0."""
        start = torch.as_tensor(self.start, device=codes.device)
        batch = torch.zeros(len(codes), self.n_slots, device=codes.device)
        known = (codes >= 0).to(batch.dtype)
        return batch.scatter_add_(1, codes.clamp(min=0) + start, known)

    def batch(self, table: EncodedTable, device: torch.device) -> torch.Tensor:
        """Batch matrix (n, n_slots + n_values): one-hot codes, then values at their mode."""
        codes = torch.as_tensor(table.codes, device=device).long()
        values = torch.as_tensor(table.values, device=device)
        hot = self.one_hot(codes)
        slots = torch.as_tensor(self.value_slots, device=device)
        column = torch.as_tensor(self.value_column, device=device)
        return torch.cat([hot, hot[:, slots] * values[:, column]], dim=1)


def _width(n: int) -> int:
    """Smallest of 1, 2, 3, 4, 6, 8, 12, 16, ... that is at least ``n``."""
    width = 1
    while width < n:
        width = width * 3 // 2 if width & (width - 1) == 0 and width > 1 else width * 4 // 3
        width = max(width, 2)
    return width
