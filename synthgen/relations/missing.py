"""Columns that are missing in the same rows."""

from __future__ import annotations

import math

import numpy as np

from synthgen.cells import missing_cells
from synthgen.relations.evidence import break_rate_below, is_more_than_chance
from synthgen.relations.reader import Name, Reader
from synthgen.schema import Relation

_FEWEST_ROWS = 5


def find(reader: Reader) -> list[Relation]:
    """Groups of columns that are missing in the same rows, of which there are some."""
    groups: dict[bytes, list[Name]] = {}
    sizes: dict[bytes, int] = {}
    nullable = [column for column in reader.schema if column.nullable]
    for column in nullable:
        missing = missing_cells(reader.frame[column.name], column)
        n = int(missing.sum())
        if _FEWEST_ROWS <= n <= reader.rows - _FEWEST_ROWS:
            key = np.packbits(missing).tobytes()
            groups.setdefault(key, []).append(column.name)
            sizes[key] = n
    found = []
    for key, names in groups.items():
        # of two unrelated columns with so many gaps each, how often are they in the same rows?
        n, k = reader.rows, sizes[key]
        log_chance = -(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1))
        if len(names) > 1 and is_more_than_chance(log_chance, len(nullable) ** 2):
            found.append(
                Relation(
                    kind="missing_together",
                    columns=tuple(names),
                    rows=n,
                    break_rate_below=round(break_rate_below(n), 9),
                )
            )
    return found
