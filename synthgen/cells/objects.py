"""Cells of object columns that are not text: dates, times, decimals, Python numbers."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from synthgen.errors import InvalidInputError
from synthgen.forms.dates import TICKS_PER_SECOND

if TYPE_CHECKING:
    from synthgen.schema import Column

Objects = NDArray[np.object_]
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)


def object_floats(cells: Objects, column: Column, integer: bool) -> NDArray[Any]:
    """Numbers of Python or numpy scalars, or of decimals; exact int64 where asked for."""
    try:
        if integer and all(isinstance(cell, (int, np.integer)) for cell in cells):
            return cells.astype(np.int64)
        return cells.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        bad = next(cell for cell in cells if not isinstance(cell, (int, float, Decimal, np.number)))
        raise _misfit(column, bad) from None


def object_datetimes(cells: Objects, unit: str, column: Column) -> NDArray[np.int64]:
    """Ticks of dates, datetimes and timestamps; UTC where they have a zone."""
    return np.array([_moment(cell, unit, column) for cell in cells], dtype=np.int64)


def object_durations(cells: Objects, unit: str, column: Column) -> NDArray[np.int64]:
    """Ticks of timedeltas, or of times of day."""
    return np.array([_span(cell, unit, column) for cell in cells], dtype=np.int64)


def object_cell(tick: int, unit: str, native: str, zone: str | None) -> object:
    """The cell called ``native`` (date, datetime, Timestamp, time, timedelta, Timedelta)."""
    import pandas as pd

    scale = TICKS_PER_SECOND[unit]
    if native == "date":
        return _EPOCH.date() + dt.timedelta(days=tick // (86_400 * scale))
    if native == "Timestamp":
        moment: Any = np.array(tick).astype(f"M8[{unit}]")[()]
        stamp = pd.Timestamp(moment)
        return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(zone)
    if native == "Timedelta":
        span: Any = np.array(tick).astype(f"m8[{unit}]")[()]
        return pd.Timedelta(span)
    microseconds = tick * 10**6 // scale
    if native == "timedelta":
        return dt.timedelta(microseconds=microseconds)
    if native == "time":
        return (_EPOCH + dt.timedelta(microseconds=microseconds % (86_400 * 10**6))).time()
    wall = _EPOCH + dt.timedelta(microseconds=microseconds)
    if zone is None:
        return wall
    return pd.Timestamp(wall).tz_localize("UTC").tz_convert(zone).to_pydatetime()


def _moment(cell: Any, unit: str, column: Column) -> int:
    if isinstance(cell, np.datetime64):
        return int(cell.astype(f"M8[{unit}]").astype(np.int64))
    if hasattr(cell, "nanosecond"):  # a pandas Timestamp keeps what a datetime cannot
        return int(cell.as_unit(unit)._value)
    if isinstance(cell, dt.datetime):
        if cell.tzinfo is not None:
            cell = cell.astimezone(dt.timezone.utc).replace(tzinfo=None)
        return int((cell - _EPOCH) // _MICROSECOND) * TICKS_PER_SECOND[unit] // 10**6
    if isinstance(cell, dt.date):
        return int((cell - _EPOCH.date()).days) * 86_400 * TICKS_PER_SECOND[unit]
    raise _misfit(column, cell)


def _span(cell: Any, unit: str, column: Column) -> int:
    if isinstance(cell, dt.time):
        micro = ((cell.hour * 60 + cell.minute) * 60 + cell.second) * 10**6 + cell.microsecond
        return micro * TICKS_PER_SECOND[unit] // 10**6
    if isinstance(cell, np.timedelta64):
        return int(cell.astype(f"m8[{unit}]").astype(np.int64))
    if hasattr(cell, "nanoseconds"):
        return int(cell.as_unit(unit)._value)
    if isinstance(cell, dt.timedelta):
        return int(cell // _MICROSECOND) * TICKS_PER_SECOND[unit] // 10**6
    raise _misfit(column, cell)


def _misfit(column: Column, cell: object) -> InvalidInputError:
    return InvalidInputError(
        f"column {column.name!r} is declared {column.kind}, but holds a {type(cell).__name__} "
        f"({str(cell)[:40]!r}); use cells of one type, or correct the schema"
    )
