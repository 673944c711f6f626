"""What the caller asks of the sampled rows, as codes: conditions and rebalancing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthgen.encoding.column import ColumnEncoder, Interval
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
        ranks: Column index -> lowest and highest rank of a value, where a range is asked for.
        balanced: Columns whose shares are asked for, not only what is allowed.
    """

    n_columns: int
    codes: Mapping[int, np.ndarray]
    share: Mapping[int, np.ndarray]
    ranks: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    balanced: frozenset[int] = frozenset()

    @classmethod
    def of(
        cls, encoder: TableEncoder, where: Where | None = None, balance: Balance | None = None
    ) -> Request:
        """Request in terms of an encoder's codes.

        Args:
            where: Column -> a value, a set (or list) of values, a range (low, high) with both ends
                included, or ``None`` for missing.
            balance: A column whose values shall be equally frequent, or column -> value -> share.

        Raises:
            SchemaError: If a column is unknown.
            ConditionError: If a value is unknown, or a column is asked for twice.
        """
        codes: dict[int, np.ndarray] = {}
        share: dict[int, np.ndarray] = {}
        ranks: dict[int, tuple[float, float]] = {}
        for name, wanted in (where or {}).items():
            j = encoder.position(name)
            asked = _asked(encoder.columns[j], wanted)
            codes[j] = asked.codes
            share[j] = _normalized(encoder.columns[j].share[codes[j]])
            if encoder.columns[j].has_value[codes[j]].any():
                ranks[j] = (asked.low_rank, asked.high_rank)
        balanced = _balanced(encoder, balance)
        for j, (allowed, shares) in balanced.items():
            if j in codes:
                raise ConditionError(
                    f"column {encoder.columns[j].column.name!r} is in both where and balance; "
                    "ask for it in one of them"
                )
            codes[j], share[j] = allowed, shares
        return cls(len(encoder.columns), codes, share, ranks, frozenset(balanced))

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


def _asked(encoder: ColumnEncoder, wanted: object) -> Interval:
    """What a condition on one column allows."""
    if isinstance(wanted, tuple):
        if len(wanted) != 2:
            raise ConditionError(
                f"column {encoder.column.name!r}: a range is two values (low, high), got {wanted!r}"
                "; give a set for a choice of values"
            )
        return encoder.between(*(None if _is_missing(end) else end for end in wanted))
    values = wanted if isinstance(wanted, (set, frozenset, list)) else [wanted]
    if not values:
        raise ConditionError(f"column {encoder.column.name!r}: the set of values is empty")
    codes = np.unique(np.concatenate([_codes(encoder, value) for value in values]))
    if not encoder.has_value[codes].any():
        return Interval(codes.astype(np.int64))
    if len(values) > 1:
        raise ConditionError(
            f"column {encoder.column.name!r}: {wanted!r} holds numbers that are not among its "
            "most repeated ones; give one value or a range (low, high)"
        )
    (only,) = values
    return encoder.between(only, only)


def _codes(encoder: ColumnEncoder, value: object) -> np.ndarray:
    return np.asarray(encoder.codes_of(None if _is_missing(value) else value), np.int64)


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
        named = [_asked(encoder.columns[j], value).codes for value in shares]
        share = [
            _normalized(encoder.columns[j].share[c]) * weight
            for c, weight in zip(named, shares.values(), strict=True)
        ]
        asked[j] = (np.concatenate(named), _normalized(np.concatenate(share)))
    return asked


def _normalized(share: np.ndarray) -> np.ndarray:
    return np.asarray(share / share.sum())
