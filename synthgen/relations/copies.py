"""Columns that are equal in every row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthgen.cells import Cells
from synthgen.relations.evidence import LEAST_SURPRISE, break_rate_below
from synthgen.relations.numbers import FAMILY, on_one_scale
from synthgen.relations.reader import Name, Reader
from synthgen.schema import Column, Relation

_FEWEST_ROWS = 20


def find(reader: Reader) -> list[Relation]:
    """Groups of equal columns; the first of each is the original."""
    groups: dict[object, list[Name]] = {}
    for column in reader.schema:
        groups.setdefault(_print(reader.sample.cells(column.name), column), []).append(column.name)
    found = []
    for names in groups.values():
        original = names[0]
        held = [b for b in names[1:] if _equal(reader, original, b)]
        if held and _varies(reader, original):
            rows = int((~reader.cells(original).missing).sum())
            found.append(
                Relation(
                    kind="copy",
                    columns=(original, *held),
                    rows=rows,
                    break_rate_below=round(break_rate_below(rows), 9),
                )
            )
    return found


def unequal(columns: tuple[Column, Column], cells: tuple[Cells, Cells]) -> np.ndarray:
    """(n,) bool: rows in which two columns differ, or only one is missing."""
    one, other = cells
    differs = one.missing ^ other.missing
    both = ~one.missing & ~other.missing
    a, b = _values(columns, cells)
    return np.asarray(differs | (both & (a != b)))


def comparable(one: Column, other: Column) -> bool:
    """Whether cells of the two columns can be equal at all."""
    kinds = [FAMILY.get(column.kind, column.kind) for column in (one, other)]
    zones = (one.zone is None and other.zone is None) or (one.zone and other.zone)
    return kinds[0] == kinds[1] and bool(zones)


def converted(cells: Cells, one: Column, other: Column) -> Cells:
    """A copied column's cells in the form of the copy."""
    if one.kind in ("datetime", "duration") and one.unit != other.unit:
        letter = "M8" if one.kind == "datetime" else "m8"
        ticks = cells.values.astype(f"{letter}[{one.unit}]").astype(f"{letter}[{other.unit}]")
        return Cells(ticks.astype(np.int64), cells.missing)
    if other.kind == "integer" and cells.values.dtype.kind == "f":
        return Cells(np.rint(cells.values).astype(np.int64), cells.missing)
    return cells


def _values(
    columns: tuple[Column, Column], cells: tuple[Cells, Cells]
) -> tuple[np.ndarray, np.ndarray]:
    if columns[0].kind in FAMILY:
        first, second = on_one_scale(columns, cells)
        return first, second
    values = []
    for held in cells:
        if held.levels is None:
            values.append(np.asarray(held.values))
        else:
            levels = np.empty(len(held.levels) + 1, object)
            levels[: len(held.levels)] = held.levels
            values.append(levels[np.where(held.missing, len(held.levels), held.values)])
    return values[0], values[1]


def _print(cells: Cells, column: Column) -> object:
    """A fingerprint that equal columns share."""
    family = FAMILY.get(column.kind, column.kind)
    if family == "number":
        values = np.where(cells.missing, 0.0, cells.values.astype(np.float64))
        hashed = pd.util.hash_array(values.astype(np.float32).astype(np.float64) + 0.0)
    elif family in ("datetime", "duration"):
        values = cells.values.astype(f"M8[{column.unit or 'ns'}]").astype("M8[s]").astype(np.int64)
        hashed = pd.util.hash_array(np.where(cells.missing, 0, values))
    else:
        a, _ = _values((column, column), (cells, cells))
        hashed = pd.util.hash_array(np.where(cells.missing, "", a).astype(str).astype(object))
    weight = np.arange(1, len(hashed) + 1, dtype=np.uint64)
    return family, int((hashed * weight).sum()), int(cells.missing.sum())


def _equal(reader: Reader, a: Name, b: Name) -> bool:
    columns = reader.schema[a], reader.schema[b]
    if not comparable(*columns) or columns[0].personal != columns[1].personal:
        return False
    return not unequal(columns, (reader.cells(a), reader.cells(b))).any()


def _varies(reader: Reader, name: Name) -> bool:
    """Whether two such columns are equal for a reason: constant ones are without any."""
    share = np.bincount(reader.codes(name)) / reader.rows
    different = 1 - float((share**2).sum())
    return different >= LEAST_SURPRISE and different * reader.rows >= _FEWEST_ROWS
