"""Columns of which one is never above the next: minimum and maximum, start and end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from synthgen.cells import Cells
from synthgen.relations.evidence import (
    LEAST_SURPRISE,
    break_rate_below,
    is_more_than_chance,
    log_chance_of_rows,
)
from synthgen.relations.numbers import FAMILY, on_one_scale
from synthgen.relations.reader import MOST_COLUMNS, Name, Reader, matrix
from synthgen.schema import Column, Relation

_FIRST_ROWS = 256
# Rows that would have crossed the border if it were none, or that stand on it. Moments of one
# row are seldom in order without a reason.
_AT_THE_BORDER = {"number": 5, "datetime": 1, "duration": 5}


def find(reader: Reader, skip: set[Name]) -> list[Relation]:
    """Chains of columns whose order nothing breaks though independent columns would."""
    relations = []
    for family in ("number", "datetime", "duration"):
        kinds = [kind for kind, of in FAMILY.items() if of == family]
        columns = [c for c in reader.columns(*kinds) if c.name not in skip][:MOST_COLUMNS]
        names = [c.name for c in columns]
        edges = {}
        for a, b in _candidates(reader.sample, columns):
            rows = _evidence(reader, a, b, len(names) ** 2)
            if rows:
                edges[a.name, b.name] = rows
        for chain in _whole(reader, _chains(_reduced(edges, names))):
            rows = min(edges[pair] for pair in pairwise(chain))
            relations.append(
                Relation(
                    kind="ordering",
                    columns=chain,
                    rows=rows,
                    break_rate_below=round(break_rate_below(rows), 9),
                )
            )
    return relations


def disordered(columns: Sequence[Column], cells: Sequence[Cells]) -> np.ndarray:
    """(n,) bool: rows in which a present cell is below a present one of an earlier column."""
    values = on_one_scale(columns, cells)
    broken = np.zeros(len(values[0]), bool)
    highest, seen = values[0].copy(), ~cells[0].missing
    for value, held in zip(values[1:], cells[1:], strict=True):
        present = ~held.missing
        broken |= seen & present & (value < highest)
        highest = np.where(present & (~seen | (value > highest)), value, highest)
        seen |= present
    return broken


def _candidates(reader: Reader, columns: list[Column]) -> Iterator[tuple[Column, Column]]:
    """Pairs that no row of the sample contradicts."""
    if len(columns) < 2:
        return
    values = matrix(
        [
            np.where(held.missing, np.nan, value.astype(np.float64))
            for held, value in (
                (reader.cells(c.name), _rough(c, reader.cells(c.name))) for c in columns
            )
        ]
    )
    few = values[:_FIRST_ROWS]
    for i, column in enumerate(columns):
        left = np.flatnonzero(~(few[:, [i]] > few).any(axis=0))
        left = left[~(values[:, [i]] > values[:, left]).any(axis=0)]
        yield from ((column, columns[j]) for j in left if j != i)


def _rough(column: Column, cells: Cells) -> np.ndarray:
    """Values (n,) of any column of a family, good enough to sort out most pairs."""
    if FAMILY[column.kind] == "number":
        return cells.values
    seconds = cells.values.astype(f"m8[{column.unit or 'ns'}]").astype("m8[s]")
    return np.asarray(seconds.astype(np.int64))


def _evidence(reader: Reader, a: Column, b: Column, candidates: int) -> int:
    """Rows that could have broken ``a <= b``; 0 if it is broken, or no more than chance."""
    cells = reader.cells(a.name), reader.cells(b.name)
    both = ~cells[0].missing & ~cells[1].missing
    low, high = (value[both] for value in on_one_scale((a, b), cells))
    n = len(low)
    if not n or bool((low > high).any()):
        return 0
    # how often would a row break it if the columns were independent?
    share = float((np.searchsorted(np.sort(high), low, side="left") / n).mean())
    chance = log_chance_of_rows(share, n)
    if share < LEAST_SURPRISE or not is_more_than_chance(chance, candidates):
        return 0
    return n if _has_border(low, high, _AT_THE_BORDER[FAMILY[a.kind]]) else 0


def _has_border(low: np.ndarray, high: np.ndarray, least: int) -> bool:
    """Whether the gap ends at 0 and not merely far from it.

    Two columns that run in parallel keep their order for as long as their distance is large
    against its spread. An order is a rule if cells often meet, or if a gap of that mean and spread
    would have crossed the border.
    """
    gap = high.astype(np.float64) - low.astype(np.float64)
    if int((gap == 0).sum()) == len(gap):
        return False
    spread = float(gap.std())
    crossing = len(gap) * float(ndtr(-gap.mean() / spread)) if spread else 0.0
    return int((gap == 0).sum()) >= least or crossing >= least


def _reduced(edges: dict[tuple[Name, Name], int], names: list[Name]) -> list[tuple[Name, Name]]:
    """Edges that do not follow from two others."""
    return [
        (a, b)
        for a, b in edges
        if not any((a, c) in edges and (c, b) in edges for c in names)
        and ((b, a) not in edges or names.index(a) < names.index(b))
    ]


def _whole(reader: Reader, chains: list[tuple[Name, ...]]) -> Iterator[tuple[Name, ...]]:
    """Chains that hold across missing cells in their middle too; of others, their pairs."""
    for chain in chains:
        columns = [reader.schema[name] for name in chain]
        if disordered(columns, [reader.cells(name) for name in chain]).any():
            yield from pairwise(chain)
        else:
            yield chain


def _chains(edges: list[tuple[Name, Name]]) -> list[tuple[Name, ...]]:
    """Paths that cover all edges, each edge once."""
    waiting = dict.fromkeys(edges)
    chains = []
    while waiting:
        ends = {b for _, b in waiting}
        start = next((a for a, _ in waiting if a not in ends), next(iter(waiting))[0])
        chain = [start]
        while step := next((e for e in waiting if e[0] == chain[-1]), None):
            del waiting[step]
            chain.append(step[1])
        chains.append(tuple(chain))
    return chains
