"""Identifiers, personal fields and free text: never learned, generated anew.

Only whether a cell is missing takes part in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from synthgen import personal
from synthgen.cells import Cells
from synthgen.encoding.column import ColumnEncoder, protected_share, stored
from synthgen.errors import ConditionError
from synthgen.forms.keys import Place
from synthgen.schema import Column


@dataclass(frozen=True)
class PresenceSummary:
    """Numbers of present and missing cells."""

    present: int
    missing: int

    @classmethod
    def of(cls, cells: Cells) -> PresenceSummary:
        """Summary of cells of any kind."""
        missing = int(cells.missing.sum())
        return cls(len(cells.missing) - missing, missing)

    def merge(self, other: PresenceSummary) -> PresenceSummary:
        """Summary of both batches together."""
        return PresenceSummary(self.present + other.present, self.missing + other.missing)


@dataclass(frozen=True)
class GeneratedEncoder(ColumnEncoder):
    """Codes: present (if any cell was), then missing (if any was)."""

    kind: ClassVar[str] = "generated"

    @classmethod
    def fit(cls, column: Column, summary: PresenceSummary) -> GeneratedEncoder:
        """Take the share of missing cells."""
        counts = [count for count in (summary.present, summary.missing) if count]
        return cls(column, protected_share(np.array(counts)), bool(summary.missing))

    @property
    @override
    def has_value(self) -> np.ndarray:
        return np.zeros(self.n_codes, bool)

    @override
    def encode(self, cells: Cells, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        codes = np.where(cells.missing, self.n_codes - 1 if self.has_missing else -1, 0)
        if not self.n_present:
            codes[~cells.missing] = -1
        return codes.astype(np.int32), np.zeros(len(codes), np.float32)

    @override
    def decode(self, codes: np.ndarray, ranks: np.ndarray, rng: np.random.Generator) -> Cells:
        return self.generate(codes, rng)

    def generate(
        self, codes: np.ndarray, rng: np.random.Generator, place: Place | None = None
    ) -> Cells:
        """Cells (n,) for codes (n,) of the rows at ``place`` of a table; ``None``: of all rows."""
        missing = codes >= self.n_present
        cells = np.full(len(codes), "", object)
        cells[~missing] = personal.generate(self.column, int((~missing).sum()), rng, place)
        return Cells(cells, missing)

    @override
    def codes_of(self, value: object) -> np.ndarray:
        if value is None and self.has_missing:
            return np.array([self.n_codes - 1])
        raise ConditionError(
            f"column {self.column.name!r} holds generated {self.column.personal or 'identifiers'}: "
            "no condition can be put on its values; condition on another column"
        )

    @override
    def to_dict(self) -> dict[str, Any]:
        return {"share": self.share.tolist(), "has_missing": self.has_missing}

    @classmethod
    @override
    def from_dict(cls, column: Column, data: dict[str, Any]) -> GeneratedEncoder:
        return cls(column, stored(data, "share"), data["has_missing"])
