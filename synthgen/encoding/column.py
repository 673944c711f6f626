"""What every column encoder offers: the contract between cells and generators."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from synthgen.cells import Cells
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.errors import ConditionError
from synthgen.schema import Column


@dataclass(frozen=True)
class ColumnEncoder(ABC):
    """Cells of one column <-> codes and values.

    The last code stands for a missing cell when ``has_missing``.

    Attributes:
        column: The schema's column.
        share: (n_codes,) float64, share of the fitted rows that hold each code, sums to 1; a code
            held by fewer than `MIN_ROWS` rows counts as if held by that many.
        has_missing: Whether a cell was missing in the fitted table.
    """

    kind: ClassVar[str]

    column: Column
    share: np.ndarray
    has_missing: bool

    @property
    def n_codes(self) -> int:
        """Number of codes."""
        return len(self.share)

    @property
    def n_present(self) -> int:
        """Number of codes other than missing."""
        return self.n_codes - self.has_missing

    @property
    @abstractmethod
    def has_value(self) -> np.ndarray:
        """(n_codes,) bool: which codes carry a value beside them."""

    @property
    def is_copy(self) -> np.ndarray:
        """(n_codes,) bool: which codes say that a cell is the same as another one of its row."""
        return np.zeros(self.n_codes, bool)

    @abstractmethod
    def encode(self, cells: Cells, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Codes (n,) int32 and values (n,) float32; -1 for a cell that no code can stand for."""

    def ranks(self, codes: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Ranks (n,) in [0, 1] among the column's values of codes (n,) and values (n,)."""
        return np.zeros(len(codes))

    @abstractmethod
    def decode(self, codes: np.ndarray, ranks: np.ndarray, rng: np.random.Generator) -> Cells:
        """Cells of codes (n,) and, where a code carries a value, its rank (n,)."""

    @abstractmethod
    def codes_of(self, value: object) -> np.ndarray:
        """Codes (k,) that a cell equal to ``value`` may have; ``None`` means missing.

        Raises:
            ConditionError: If no code stands for it, naming the nearest choices.
        """

    def between(self, low: object, high: object) -> Interval:
        """What a cell from ``low`` to ``high``, both included, may be; ``None`` leaves an end open.

        Raises:
            ConditionError: If the column has no order, or nothing generated lies in the range.
        """
        raise ConditionError(
            f"column {self.column.name!r} holds {self.column.kind} values, which have no range; "
            "give a value or a set of values"
        )

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """JSON-ready state, without the column."""

    @classmethod
    @abstractmethod
    def from_dict(cls, column: Column, data: dict[str, Any]) -> ColumnEncoder:
        """Inverse of `to_dict`."""


@dataclass(frozen=True)
class Interval:
    """Cells from one value to another: codes (k,), and ranks of those that carry a value."""

    codes: np.ndarray
    low_rank: float = 0.0
    high_rank: float = 1.0


def protected_share(counts: np.ndarray) -> np.ndarray:
    """Shares (k,) of counts (k,), small positive counts raised so that no exact one is stored."""
    raised = np.where(counts > 0, np.maximum(counts, MIN_ROWS), 0).astype(np.float64)
    return np.asarray(raised / raised.sum())


def stored(data: dict[str, Any], name: str) -> np.ndarray:
    """Finite numbers (n,) float64 that a model file holds under ``name``.

    Raises:
        ValueError: If they are none, or shares that do not sum to 1.
    """
    found = np.asarray(data[name], np.float64)
    if found.ndim != 1 or not np.isfinite(found).all():
        raise ValueError(f"{name} is not a list of finite numbers")
    if name == "share" and not ((found >= 0).all() and np.isclose(found.sum(), 1)):
        raise ValueError("shares must be 0 or more and sum to 1")
    return found


def stored_number(data: dict[str, Any], name: str) -> Any:
    """A finite number that a model file holds under ``name``.

    Raises:
        ValueError: If it is none.
    """
    found = data[name]
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not np.isfinite(found):
        raise ValueError(f"{name} is not a finite number")
    return found
