"""What the caller asks of the sampled rows, as codes: conditions and rebalancing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.table import TableEncoder
from synthgen.errors import ConditionError

FREE = -1
Where = Mapping[Any, Any]
Balance = str | int | Mapping[Any, Mapping[Any, float]]


@dataclass(frozen=True)
class Request:
    """Allowed codes of the conditioned columns, and how often each is wanted.

    Attributes:
        n_columns: Number of columns of the table.
        codes: Column index -> allowed codes (k,) int64.
        share: Column index -> share of rows (k,) float64 of each allowed code.
    """

    n_columns: int
    codes: Mapping[int, np.ndarray]
    share: Mapping[int, np.ndarray]

    @classmethod
    def of(
        cls, encoder: TableEncoder, where: Where | None = None, balance: Balance | None = None
    ) -> Request:
        """Request in terms of an encoder's codes.

        Args:
            where: Column -> a value, a set (or list) of values, or ``None`` for missing.
            balance: A column whose values shall be equally frequent, or column -> value -> share.

        Raises:
            SchemaError: If a column is unknown.
            ConditionError: If a value is unknown, or a column is asked for twice.
        """
        codes: dict[int, np.ndarray] = {}
        share: dict[int, np.ndarray] = {}
        for name, wanted in (where or {}).items():
            j = encoder.position(name)
            codes[j] = _allowed(encoder.columns[j], wanted)
            share[j] = _normalized(encoder.columns[j].share[codes[j]])
        for j, (asked, shares) in _balanced(encoder, balance).items():
            if j in codes:
                raise ConditionError(
                    f"column {encoder.columns[j].column.name!r} is in both where and balance; "
                    "ask for it in one of them"
                )
            codes[j], share[j] = asked, shares
        return cls(len(encoder.columns), codes, share)

    def draw(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Conditions (n, n_columns) int32, `FREE` where nothing is asked."""
        condition = np.full((n, self.n_columns), FREE, np.int32)
        for j, codes in self.codes.items():
            condition[:, j] = codes[draw_exact(self.share[j], n, rng)]
        return condition


def draw_exact(share: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Indices (n,) in random order, each as often as its share says, to within one row."""
    wanted = share * n
    counts = np.floor(wanted).astype(np.int64)
    short = n - int(counts.sum())
    if short:
        rest = wanted - counts
        extra = rng.choice(len(share), size=short, replace=False, p=rest / rest.sum())
        counts[extra] += 1
    return rng.permutation(np.repeat(np.arange(len(share)), counts))


def _allowed(encoder: ColumnEncoder, wanted: object) -> np.ndarray:
    if isinstance(wanted, tuple):
        raise ConditionError(
            f"column {encoder.column.name!r}: ranges like {wanted!r} are not supported by this "
            "model; give a value or a set of values"
        )
    values = wanted if isinstance(wanted, (set, frozenset, list)) else [wanted]
    if not values:
        raise ConditionError(f"column {encoder.column.name!r}: the set of values is empty")
    found = [encoder.codes_of(None if _is_missing(value) else value) for value in values]
    return np.unique(np.concatenate(found)).astype(np.int64)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


def _balanced(
    encoder: TableEncoder, balance: Balance | None
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    if balance is None:
        return {}
    if not isinstance(balance, Mapping):
        j = encoder.position(balance)
        column = encoder.columns[j]
        if column.has_value.any() or column.n_present < 2:
            raise ConditionError(
                f"column {balance!r} cannot be balanced: it needs at least two categories, "
                "booleans or repeated numbers"
            )
        codes = np.arange(column.n_present)
        return {j: (codes, np.full(len(codes), 1 / len(codes)))}
    asked = {}
    for name, shares in balance.items():
        j = encoder.position(name)
        if not shares or any(share < 0 for share in shares.values()) or not sum(shares.values()):
            raise ConditionError(
                f"balance of column {name!r} needs shares of at least 0 that do not sum to 0, "
                f"got {dict(shares)!r}"
            )
        named = [_allowed(encoder.columns[j], value) for value in shares]
        share = [
            _normalized(encoder.columns[j].share[c]) * weight
            for c, weight in zip(named, shares.values(), strict=True)
        ]
        asked[j] = (np.concatenate(named), _normalized(np.concatenate(share)))
    return asked


def _normalized(share: np.ndarray) -> np.ndarray:
    return np.asarray(share / share.sum())
