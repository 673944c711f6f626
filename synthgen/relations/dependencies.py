"""Columns that decide others: every value of the one comes with one value of the other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthgen.relations.evidence import (
    LEAST_SURPRISE,
    break_rate_below,
    is_more_than_chance,
    log_chance_decided,
)
from synthgen.relations.reader import MOST_COLUMNS, Name, Reader, matrix
from synthgen.schema import Relation

KINDS = ("category", "boolean", "integer", "float", "datetime", "duration")
MOST_LEVELS = 1024
_ROWS_PER_LEVEL = 10
_FIRST_ROWS = 256


def find(reader: Reader, skip: set[Name]) -> list[Relation]:
    """Dependencies between two columns; what follows from others is left out.

    Args:
        reader: The table.
        skip: Columns that are left out, such as copies.
    """
    names = [c.name for c in reader.columns(*KINDS) if c.name not in skip][:MOST_COLUMNS]
    names = [name for name in names if _searchable(reader, name)]
    holds = {
        (a, b) for a, b in _candidates(reader, names) if _is_decided(reader, a, b, len(names) ** 2)
    }
    return [_relation(reader, a, b, holds) for a, b in _reduced(holds, names)]


def undecided(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) bool: rows whose second code is not the usual one of their first code (n,)."""
    width = int(second.max(initial=0)) + 1
    pairs, counts = np.unique(first * width + second, return_counts=True)
    order = np.lexsort((counts, pairs // width))
    usual = np.zeros(int(first.max(initial=0)) + 1, np.int64)
    usual[pairs[order] // width] = pairs[order] % width
    return np.asarray(usual[first] != second)


def _searchable(reader: Reader, name: Name) -> bool:
    """Whether a column is neither constant nor, by the sample, nearly all distinct."""
    codes = reader.sample.codes(name)
    levels = int(codes.max(initial=0)) + 1
    return 2 <= levels <= min(MOST_LEVELS, len(codes) / 2)


def _candidates(reader: Reader, names: list[Name]) -> Iterator[tuple[Name, Name]]:
    """Ordered pairs that a few rows do not contradict."""
    if len(names) < 2:
        return
    codes = matrix([reader.sample.codes(name) for name in names])
    few = codes[:_FIRST_ROWS]
    for i, first in enumerate(names):
        left = np.flatnonzero(_constant_within(few[:, i], few))
        left = left[_constant_within(codes[:, i], codes[:, left])]
        yield from ((first, names[j]) for j in left if j != i)


def _constant_within(first: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(k,) bool: whether each of others (n, k) is constant within every level of first (n,)."""
    order = np.argsort(first, kind="stable")
    same = np.diff(first[order]) == 0
    ordered = others[order]
    return np.asarray(((ordered[1:] == ordered[:-1]) | ~same[:, None]).all(axis=0))


def _is_decided(reader: Reader, a: Name, b: Name, candidates: int) -> bool:
    first, second = reader.codes(a), reader.codes(b)
    counts = np.bincount(first)
    if not 2 <= len(counts) <= min(MOST_LEVELS, reader.rows / _ROWS_PER_LEVEL):
        return False
    share = np.bincount(second) / reader.rows
    if 1 - float((share**2).sum()) < LEAST_SURPRISE or undecided(first, second).any():
        return False
    return is_more_than_chance(log_chance_decided(counts, share), candidates)


def _reduced(holds: set[tuple[Name, Name]], names: list[Name]) -> list[tuple[Name, Name]]:
    """Pairs that do not follow from others: of columns that decide each other, the first speaks."""
    place = {name: i for i, name in enumerate(names)}
    head = {
        b: min(
            [b, *(a for a in names if (a, b) in holds and (b, a) in holds)], key=place.__getitem__
        )
        for b in names
    }
    kept = []
    for a, b in sorted(holds, key=lambda pair: (place[pair[0]], place[pair[1]])):
        if head[a] != a or (head[b] != b and head[b] != a):
            continue
        through = any(
            (a, c) in holds and (c, b) in holds and (c, a) not in holds and (b, c) not in holds
            for c in names
        )
        if not through:
            kept.append((a, b))
    return kept


def _relation(reader: Reader, a: Name, b: Name, holds: set[tuple[Name, Name]]) -> Relation:
    first = reader.codes(a)
    rows = reader.rows - int(first.max()) - 1
    return Relation(
        kind="dependency",
        columns=(a, b),
        mutual=(b, a) in holds,
        rows=rows,
        break_rate_below=round(break_rate_below(rows), 9),
    )
