"""What the caller asks of the sampled rows, as codes: conditions and rebalancing."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from synthgen.cells import Cells
from synthgen.encoding.column import ColumnEncoder, Interval
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.table import TableEncoder
from synthgen.errors import ConditionError
from synthgen.relations.completion import Completion

FREE = -1
Where = Mapping[Any, Any]
Balance = str | int | Mapping[Any, Mapping[Any, float]]


@dataclass(frozen=True)
class Check:
    """A condition on a column that is computed or may copy another one.

    It can only be looked at when the row is there.

    Attributes:
        column: Index of the column among all.
        encoder: Its encoder.
        wanted: The condition, as the caller gave it.
    """

    column: int
    encoder: NumericEncoder
    wanted: object

    def meets(self, cells: Cells) -> np.ndarray:
        """(n,) bool: which cells do."""
        met = np.zeros(len(cells.missing), bool)
        numbers = (cells.values - self.encoder.origin).astype(np.float64)
        for wanted in _each(self.wanted):
            if _is_missing(wanted):
                met |= cells.missing
                continue
            ends = wanted if isinstance(wanted, tuple) else (wanted, wanted)
            low, high = (None if _is_missing(end) else self.encoder.number(end) for end in ends)
            slack = 1e-9 * np.abs(numbers)
            above = low is None or numbers >= low - slack
            met |= ~cells.missing & above & (high is None or numbers <= high + slack)
        return met


@dataclass(frozen=True)
class Request:
    """Allowed codes of the conditioned columns, and how often each is wanted.

    Columns are the learned ones; a condition on a column that follows from a learned one is put
    in terms of that one.

    Attributes:
        n_columns: Number of learned columns.
        codes: Column index -> allowed codes (k,) int64.
        share: Column index -> share of rows (k,) float64 of each allowed code.
        ranks: Column index -> lowest and highest rank of a value, where a range is asked for.
        balanced: Columns whose shares are asked for, not only what is allowed.
        checks: Conditions on columns that are computed from several others, or that may copy one.
    """

    n_columns: int
    codes: Mapping[int, np.ndarray]
    share: Mapping[int, np.ndarray]
    ranks: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    balanced: frozenset[int] = frozenset()
    checks: tuple[Check, ...] = ()

    @classmethod
    def of(
        cls,
        encoder: TableEncoder | Completion,
        where: Where | None = None,
        balance: Balance | None = None,
    ) -> Request:
        """Request in terms of an encoder's codes.

        Args:
            where: Column -> a value, a set (or list) of values, a range (low, high) with both ends
                included, or ``None`` for missing.
            balance: A column whose values shall be equally frequent, or column -> value -> share.

        Raises:
            SchemaError: If a column is unknown.
            ConditionError: If a value is unknown, a column is asked for twice, or conditions
                contradict each other.
        """
        rows = encoder if isinstance(encoder, Completion) else Completion.plain(encoder)
        asked = _Asked(rows)
        for name, wanted in (where or {}).items():
            asked.add(name, wanted)
        asked.follow()
        codes, share, ranks = asked.learned()
        balanced = _balanced(rows, balance)
        for j, (allowed, shares) in balanced.items():
            if j in codes:
                raise ConditionError(
                    f"column {rows.encoder.columns[j].column.name!r} is in both where and balance "
                    "(or follows from a column that is); ask for it in one of them"
                )
            codes[j], share[j] = allowed, shares
        n_columns = len(rows.encoder.columns)
        return cls(n_columns, codes, share, ranks, frozenset(balanced), tuple(asked.checks))

    def without_copies(self, rows: Completion) -> Request:
        """The request met by a column's own values alone, wherever it may hold such ones.

        Copies meet a condition when their source happens to; where that is seldom, no copies is
        the price for rows that all meet it.
        """
        codes, share = dict(self.codes), dict(self.share)
        for check in self.checks:
            i = rows.place.get(check.column)
            if i is None or i not in codes:
                continue
            own = ~check.encoder.is_copy[codes[i]]
            if share[i][own].sum():
                codes[i], share[i] = codes[i][own], _normalized(share[i][own])
        return replace(self, codes=codes, share=share)

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
    values = _each(wanted)
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


def _each(wanted: object) -> Collection[object]:
    """The values or ranges of a condition, any of which will do."""
    return wanted if isinstance(wanted, (set, frozenset, list)) else [wanted]


def _codes(encoder: ColumnEncoder, value: object) -> np.ndarray:
    return np.asarray(encoder.codes_of(None if _is_missing(value) else value), np.int64)


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))


class _Asked:
    """Conditions on any columns, gathered as what they allow of the learned ones."""

    def __init__(self, rows: Completion) -> None:
        self.rows = rows
        self.allowed: dict[int, Interval] = {}
        self.names: dict[int, object] = {}
        self.checks: list[Check] = []
        self.sums = {target for target, _ in rows.plan.sums}

    def add(self, name: Any, wanted: object) -> None:
        """One condition of the caller."""
        full = self.rows.full
        j = self.rows.plan.index(name)
        encoder = full.columns[j]
        if j not in self.sums:
            interval = _asked(encoder, wanted)
            copies = encoder.is_copy[interval.codes]
            if copies.any():
                assert isinstance(encoder, NumericEncoder)
                self.checks.append(Check(j, encoder, wanted))
                if copies.all():
                    interval = self._of_source(encoder, interval.codes, wanted)
            self.restrict(j, interval, name)
            return
        assert isinstance(encoder, NumericEncoder)
        for each in _each(wanted):
            _asked(encoder, each)  # refuses what is never generated
        self.checks.append(Check(j, encoder, wanted))

    def _of_source(self, encoder: NumericEncoder, codes: np.ndarray, wanted: object) -> Interval:
        """A condition that no value of the column's own meets, as one on its likeliest source."""
        full = self.rows.full
        misfit: ConditionError | None = None
        for code in codes[np.argsort(-encoder.share[codes], kind="stable")]:
            source = encoder.copies.sources[code - encoder.first_copy]
            try:
                _asked(full.columns[full.position(source)], wanted)
            except ConditionError as error:
                misfit = misfit or error
                continue
            self.add(source, wanted)
            return Interval(np.array([code]))
        assert misfit is not None
        raise misfit

    def restrict(self, j: int, interval: Interval, name: object) -> None:
        """Allow of a column, and of those it follows from, only what leads to an interval."""
        for lookup in self.rows.chain(j):
            codes = np.flatnonzero(np.isin(self.rows.tables[lookup], interval.codes))
            j, interval = lookup.source, Interval(codes)
        before = self.allowed.get(j)
        if before is not None:
            interval = Interval(
                np.intersect1d(before.codes, interval.codes),
                max(before.low_rank, interval.low_rank),
                min(before.high_rank, interval.high_rank),
            )
        valued = self.rows.full.columns[j].has_value[interval.codes]
        if interval.low_rank > interval.high_rank:
            interval = Interval(interval.codes[~valued])
        if not len(interval.codes):
            other = self.names.get(j, name)
            between = f"and {other!r} contradict each other" if other != name else "cannot be met"
            raise ConditionError(
                f"the condition{'s' * (other != name)} on {name!r} {between}, given what holds "
                "between the columns; see the schema's relations"
            )
        self.allowed[j], self.names[j] = interval, name

    def follow(self) -> None:
        """Carry conditions over to columns that have to agree with the conditioned ones."""
        rows = self.rows
        for pair in rows.plan.aligned:
            held = self.allowed.get(pair.source)
            if held is not None:
                partners = np.unique(rows.tables[pair][held.codes])
                self.restrict(
                    pair.target, Interval(partners[partners >= 0]), self.names[pair.source]
                )
        for group in rows.plan.together:
            for j in group:
                held = self.allowed.get(j)
                if held is None:
                    continue
                missing = held.codes >= rows.full.columns[j].n_present
                if missing.any() and not missing.all():
                    continue
                for other in group:
                    encoder = rows.full.columns[other]
                    if other != j and other in rows.place and encoder.has_missing:
                        codes = np.arange(encoder.n_codes)
                        same = codes[(codes >= encoder.n_present) == missing.all()]
                        self.restrict(other, Interval(same), self.names[j])

    def learned(
        self,
    ) -> tuple[dict[int, np.ndarray], dict[int, np.ndarray], dict[int, tuple[float, float]]]:
        """Codes, shares and ranks by position among the learned columns."""
        codes, share, ranks = {}, {}, {}
        for j, interval in self.allowed.items():
            encoder, i = self.rows.full.columns[j], self.rows.place[j]
            codes[i] = interval.codes
            share[i] = _normalized(encoder.share[interval.codes])
            if encoder.has_value[interval.codes].any():
                ranks[i] = (interval.low_rank, interval.high_rank)
        return codes, share, ranks


def _balanced(
    rows: Completion, balance: Balance | None
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Codes and their shares, by position among the learned columns."""
    if balance is None:
        return {}
    if not isinstance(balance, Mapping):
        _, column = _balanced_column(rows, balance)
        if (column.has_value | column.is_copy).any() or column.n_present < 2:
            raise ConditionError(
                f"column {balance!r} cannot be balanced: it needs at least two categories, "
                "booleans or repeated numbers"
            )
        codes = np.arange(column.n_present)
        return _spread(rows, balance, [np.array([code]) for code in codes], np.ones(len(codes)))
    asked: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    for name, shares in balance.items():
        if not shares or any(share < 0 for share in shares.values()) or not sum(shares.values()):
            raise ConditionError(
                f"balance of column {name!r} needs shares of at least 0 that do not sum to 0, "
                f"got {dict(shares)!r}"
            )
        _, column = _balanced_column(rows, name)
        named = [_asked(column, value).codes for value in shares]
        asked |= _spread(rows, name, named, np.array(list(shares.values()), np.float64))
    return asked


def _balanced_column(rows: Completion, name: Any) -> tuple[int, ColumnEncoder]:
    """Index and encoder of a column whose shares can be asked for."""
    j = rows.plan.index(name)
    sums = dict(rows.plan.sums)
    if j in sums:
        parts = ", ".join(repr(part) for part in sums[j].columns[1:])
        raise ConditionError(
            f"column {name!r} is computed from {parts} and cannot be balanced; balance one of "
            "these, or delete the sum from the schema's relations before fitting"
        )
    return j, rows.full.columns[j]


def _spread(
    rows: Completion, name: Any, named: list[np.ndarray], weights: np.ndarray
) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Weights of sets of codes of a column as shares of the codes of the learned one behind it."""
    j, _ = _balanced_column(rows, name)
    for lookup in rows.chain(j):
        table = rows.tables[lookup]
        named = [np.flatnonzero(np.isin(table, codes)) for codes in named]
        j = lookup.source
    share = rows.full.columns[j].share
    each = [_normalized(share[c]) * w for c, w in zip(named, weights, strict=True)]
    return {rows.place[j]: (np.concatenate(named), _normalized(np.concatenate(each)))}


def _normalized(share: np.ndarray) -> np.ndarray:
    return np.asarray(share / share.sum())
