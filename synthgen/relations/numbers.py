"""Numbers of several columns on one scale, exact wherever the columns' formats allow it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthgen.cells import Cells
from synthgen.dtypes import dtype_of, family
from synthgen.forms.dates import TICKS_PER_SECOND
from synthgen.schema import Column

FAMILY = {
    "integer": "number",
    "float": "number",
    "datetime": "datetime",
    "duration": "duration",
}
_LARGEST = 2**62
# Sums of floats that are not on a grid of decimals agree up to rounding in the dtype.
_SINGLE, _DOUBLE = 1e-6, 1e-9


def decimals(column: Column) -> int | None:
    """Digits after the point of a number; ``None`` for any."""
    return 0 if column.kind == "integer" else column.decimals


def grid(columns: Sequence[Column]) -> int | None:
    """Decimals on which all numbers of the columns are whole; ``None`` if there are none."""
    each = [decimals(column) for column in columns]
    known = [digits for digits in each if digits is not None]
    return max(known) if len(known) == len(each) else None


def on_one_scale(columns: Sequence[Column], cells: Sequence[Cells]) -> list[np.ndarray]:
    """Values (n,) of columns of one family that compare as the cells do.

    int64 on a common grid or in a common unit of time, or else float64.
    """
    if FAMILY[columns[0].kind] == "number":
        digits = grid(columns)
        factors = [10.0 ** (digits or 0)] * len(cells)
    else:
        digits = 0
        per_second = [TICKS_PER_SECOND[column.unit or "ns"] for column in columns]
        factors = [max(per_second) // each for each in per_second]
    if digits is None or not all(_fits(c, f) for c, f in zip(cells, factors, strict=True)):
        scaled = zip(cells, factors, strict=True)
        return [c.values.astype(np.float64) * (1 if digits is None else f) for c, f in scaled]
    return [ticks(c.values, factor) for c, factor in zip(cells, factors, strict=True)]


def ticks(values: np.ndarray, factor: float) -> np.ndarray:
    """Values (n,) times ``factor`` as int64; floats are rounded."""
    if values.dtype.kind in "iu":
        return values.astype(np.int64) * int(factor)
    return np.rint(values * factor).astype(np.int64)


def tolerance(columns: Sequence[Column]) -> float:
    """Relative error that a sum of floats may have."""
    single = any("32" in c.dtype or "16" in c.dtype or "float[" in c.dtype for c in columns)
    return _SINGLE if single else _DOUBLE


def fits(values: np.ndarray, column: Column) -> np.ndarray:
    """(n,) bool: numbers that the column's dtype can hold."""
    dtype = dtype_of(column.dtype)
    if family(dtype) != "integer":
        return np.ones(len(values), bool)
    limits = np.iinfo(np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype))))
    return np.asarray((values >= limits.min) & (values <= limits.max))


def _fits(cells: Cells, factor: float) -> bool:
    held = cells.values[~cells.missing]
    return not len(held) or float(np.abs(held.astype(np.float64)).max()) * factor < _LARGEST
