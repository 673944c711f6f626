"""Categories and booleans: one code per level that at least `MIN_ROWS` rows hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from typing_extensions import override

from synthgen.cells import Cells
from synthgen.encoding.column import ColumnEncoder, protected_share, stored
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.errors import ConditionError
from synthgen.schema import Column, Scalar, nearest

OTHER = "other"


@dataclass(frozen=True)
class CategorySummary:
    """Level counts of one column; merging is associative.

    Attributes:
        counts: Rows of every level, unused levels of a categorical dtype included with 0.
        missing: Number of missing cells.
    """

    counts: dict[Scalar, int]
    missing: int

    @classmethod
    def of(cls, cells: Cells) -> CategorySummary:
        """Summary of category or boolean cells."""
        if cells.levels is None:
            held = np.bincount(cells.values[~cells.missing].astype(np.int64), minlength=2)
            return cls({False: int(held[0]), True: int(held[1])}, int(cells.missing.sum()))
        held = np.bincount(cells.values[~cells.missing], minlength=len(cells.levels))
        return cls(dict(zip(cells.levels, held.tolist(), strict=True)), int(cells.missing.sum()))

    def merge(self, other: CategorySummary) -> CategorySummary:
        """Summary of both batches together; the first batch's order of levels leads."""
        counts = dict(self.counts)
        for level, count in other.counts.items():
            counts[level] = counts.get(level, 0) + count
        return CategorySummary(counts, self.missing + other.missing)


@dataclass(frozen=True)
class CategoryEncoder(ColumnEncoder):
    """Codes: the kept levels in order, then missing.

    A level held by fewer than `MIN_ROWS` rows is neither stored nor emitted unless the schema
    declares it: a kept level stands in for it, drawn by its share; if no level is kept, all are
    `OTHER`. Booleans keep both values, which their type declares.

    Attributes:
        levels: Levels with a code.
        unused: Levels of a categorical dtype that no row holds, kept for the dtype alone, with
            their position among all stored levels.
    """

    kind: ClassVar[str] = "category"

    levels: tuple[Scalar, ...]
    unused: tuple[tuple[int, Scalar], ...] = ()

    @classmethod
    def fit(cls, column: Column, summary: CategorySummary) -> CategoryEncoder:
        """Keep the levels that enough rows hold, or that are declared."""
        declared = set(column.categories or ())
        boolean = column.kind == "boolean"
        kept: list[Scalar] = []
        unused: list[tuple[int, Scalar]] = []
        counts: list[int] = []
        rare = 0
        for level, count in summary.counts.items():
            if count >= MIN_ROWS or (count and (boolean or level in declared)):
                kept.append(level)
                counts.append(count)
            elif not count:
                unused.append((len(kept) + len(unused), level))
            else:
                rare += count
        if not kept and rare:
            kept, counts = [OTHER], [rare]
        held = np.array(counts + [summary.missing] * bool(summary.missing), np.int64)
        if not len(held):
            raise ValueError(f"column {column.name!r} was summarized without rows")
        return cls(
            column,
            protected_share(held),
            bool(summary.missing),
            tuple(kept),
            () if boolean else tuple(unused),
        )

    @property
    @override
    def has_value(self) -> np.ndarray:
        return np.zeros(self.n_codes, bool)

    @override
    def encode(self, cells: Cells, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        code_of = {level: code for code, level in enumerate(self.levels)}
        levels = (False, True) if cells.levels is None else cells.levels
        table = np.array([code_of.get(level, -1) for level in levels], np.int32)
        codes = np.full(len(cells.values), -1, np.int32)
        present = ~cells.missing
        codes[present] = table[cells.values[present].astype(np.int64)]
        rare = present & (codes < 0)
        if rare.any() and self.n_present:
            # a rare level is never learned: a kept one stands in, as often as it is held
            share = self.share[: self.n_present]
            codes[rare] = rng.choice(len(share), size=int(rare.sum()), p=share / share.sum())
        if self.has_missing:
            codes[cells.missing] = self.n_codes - 1
        return codes, np.zeros(len(codes), np.float32)

    @override
    def decode(self, codes: np.ndarray, ranks: np.ndarray, rng: np.random.Generator) -> Cells:
        missing = codes >= self.n_present
        codes = np.where(missing, 0, codes)
        if self.column.kind == "boolean":
            truth = np.array([bool(level) for level in self.levels] or [False])
            return Cells(truth[codes], missing)
        levels = list(self.levels)
        for position, level in self.unused:
            levels.insert(position, level)
        unused = {position for position, _ in self.unused}
        positions = np.array([p for p in range(len(levels)) if p not in unused] or [0], np.int32)
        return Cells(positions[codes], missing, tuple(levels))

    @override
    def codes_of(self, value: object) -> np.ndarray:
        if value is None:
            if not self.has_missing:
                raise ConditionError(f"column {self.column.name!r} was never missing when fitted")
            return np.array([self.n_codes - 1])
        matches = [c for c, level in enumerate(self.levels) if level == value]
        # the command line gives text for levels of any type
        matches = matches or [c for c, level in enumerate(self.levels) if str(level) == str(value)]
        if not matches:
            raise ConditionError(
                f"column {self.column.name!r} has no value {value!r}"
                f"{nearest(value, list(self.levels))}"
            )
        return np.array(matches)

    @override
    def to_dict(self) -> dict[str, Any]:
        return {
            "share": self.share.tolist(),
            "has_missing": self.has_missing,
            "levels": list(self.levels),
            "unused": [list(entry) for entry in self.unused],
        }

    @classmethod
    @override
    def from_dict(cls, column: Column, data: dict[str, Any]) -> CategoryEncoder:
        return cls(
            column,
            stored(data, "share"),
            data["has_missing"],
            tuple(data["levels"]),
            tuple((position, level) for position, level in data["unused"]),
        )
