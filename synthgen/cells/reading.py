"""A Series of any dtype into canonical cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen.cells.objects import object_datetimes, object_durations, object_floats
from synthgen.dtypes import family, is_arrow
from synthgen.errors import InvalidInputError
from synthgen.forms import dates, durations, markers, numbers
from synthgen.schema import Column, Scalar

Mask = NDArray[np.bool_]
Objects = NDArray[np.object_]


@dataclass(frozen=True)
class Cells:
    """Canonical cells of one column.

    Shape:
        values: (n_rows,), by kind: integer int64; float float64; boolean bool; category int32
            index into ``levels``; datetime int64 ticks of ``column.unit`` since the epoch (UTC
            when the column has a zone, wall time otherwise); duration int64 ticks; identifier
            and text object (str). Undefined where missing.
        missing: (n_rows,) bool.
        levels: the distinct values of a category, including unused levels of its dtype.
    """

    values: NDArray[Any]
    missing: Mask
    levels: tuple[Scalar, ...] | None = None


def read(series: pd.Series[Any], column: Column) -> Cells:
    """Canonical cells of ``series``, read as ``column`` says.

    Raises:
        InvalidInputError: A cell does not fit the column's kind, or a number is infinite.
    """
    missing = missing_cells(series, column)
    return _READERS[column.kind](series, column, missing)


def missing_cells(series: pd.Series[Any], column: Column) -> Mask:
    """(n,) whether a cell is missing: null, or one of the texts that stand for it."""
    missing = np.asarray(series.isna(), dtype=bool)
    kind = family(series.dtype)
    if kind not in ("text", "object"):
        return missing
    if column.kind in ("identifier", "text", "category"):
        if column.missing_marker is not None:
            missing = missing | np.asarray(series == column.missing_marker, dtype=bool)
        return missing
    if column.missing_marker is not None or kind == "text" or column.native in (None, "str"):
        missing = missing | markers.marked(series, {column.missing_marker} - {None})
    return missing


def finite(values: NDArray[np.float64], missing: Mask, name: object) -> NDArray[np.float64]:
    """``values`` unchanged; raises `InvalidInputError` if one that is not missing is infinite."""
    count = int((np.isinf(values) & ~missing).sum())
    if count:
        raise InvalidInputError(
            f"column {name!r} has {count} infinite value{'s' * (count > 1)}; "
            "replace them by NaN (missing) or drop these rows"
        )
    return values


def _read_integer(series: pd.Series[Any], column: Column, missing: Mask) -> Cells:
    kind = family(series.dtype)
    if kind in ("integer", "boolean"):
        if series.dtype == np.uint64 or str(series.dtype).lower().startswith("uint64"):
            present = series.to_numpy(dtype=np.uint64, na_value=0)
            if (present > np.iinfo(np.int64).max).any():
                raise InvalidInputError(
                    f"column {column.name!r} has integers above {np.iinfo(np.int64).max}; "
                    "declare it as kind float, identifier or category in the schema"
                )
            return Cells(present.astype(np.int64), missing)
        return Cells(_filled(series, np.int64, missing), missing)
    cells = _read_float(series, column, missing, integer=True)
    return cells


def _read_float(
    series: pd.Series[Any], column: Column, missing: Mask, integer: bool = False
) -> Cells:
    kind = family(series.dtype)
    if kind in ("float", "integer", "boolean"):
        values = _filled(series, np.float64, missing)
    else:
        values = _numbers_of_texts(series, column, missing, integer)
    if values.dtype.kind == "f":
        missing = missing | np.isnan(values)
        values = finite(values, missing, column.name)
        values = np.where(missing, 0.0, values)
    if not integer:
        return Cells(values.astype(np.float64), missing)
    if values.dtype.kind == "f" and (bad := (values != np.rint(values)) & ~missing).any():
        raise _misfit(column, values[bad], "an integer")
    return Cells(values.astype(np.int64), missing)


def _numbers_of_texts(
    series: pd.Series[Any], column: Column, missing: Mask, integer: bool
) -> NDArray[Any]:
    """Values of object or text cells: numbers, decimals, or texts of numbers; 0 where missing."""
    texts = _objects(series)[~missing]
    values: NDArray[Any] = np.zeros(len(series), dtype=np.int64 if integer else np.float64)
    if len(texts) == 0:
        return values
    if not isinstance(texts[0], str):
        found: NDArray[Any] = object_floats(texts, column, integer)
    else:
        codes, distinct = _factorize(texts)
        parsed = numbers.parse(distinct)
        found = parsed.values if parsed else numbers.read(distinct, column.text_format)
        if (bad := np.isnan(found)).any() if found.dtype.kind == "f" else False:
            raise _misfit(column, distinct[bad], "a number")
        found = found[codes]
    values = values.astype(found.dtype)
    values[~missing] = found
    return values


def _read_boolean(series: pd.Series[Any], column: Column, missing: Mask) -> Cells:
    kind = family(series.dtype)
    if kind in ("boolean", "integer", "float"):
        return Cells(_filled(series, np.float64, missing) != 0, missing)
    objects = _objects(series)
    true, _, false = (column.text_format or "True/False").partition("/")
    values = np.zeros(len(series), dtype=bool)
    is_true = np.array([cell is True or str(cell) == true for cell in objects[~missing]], bool)
    is_false = np.array([cell is False or str(cell) == false for cell in objects[~missing]], bool)
    if (bad := ~(is_true | is_false)).any():
        raise _misfit(column, objects[~missing][bad], f"{true!r} or {false!r}")
    values[~missing] = is_true
    return Cells(values, missing)


def _read_category(series: pd.Series[Any], column: Column, missing: Mask) -> Cells:
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = series.cat.categories
        known = series.cat.codes.to_numpy().astype(np.int32)
        return Cells(np.maximum(known, 0), missing, level_scalars(levels))
    objects = _objects(series)
    present = objects[~missing]
    if len(set(map(type, present))) > 1:
        # 1, True and 1.0 are one key of a hash table: tell them apart by their type as well.
        keys = np.array([f"{type(cell).__name__}:{cell}" for cell in present], dtype=object)
        codes, _ = _factorize(keys)
        distinct = present[np.unique(codes, return_index=True)[1]]
    else:
        codes, distinct = _factorize(present)
    scalars = level_scalars(distinct)
    order = np.array(
        sorted(range(len(scalars)), key=lambda i: _level_key(scalars[i])), dtype=np.int64
    )
    rank = np.argsort(order).astype(np.int32)
    values: NDArray[np.int32] = np.zeros(len(series), dtype=np.int32)
    values[~missing] = rank[codes]
    return Cells(values, missing, tuple(scalars[i] for i in order))


def _level_key(level: Scalar) -> tuple[str, float, str]:
    """Sorts numbers by value and texts by text, and mixed levels by type first."""
    if isinstance(level, (bool, int, float)):
        return ("", float(level), type(level).__name__)
    return ("text", 0.0, level)


def level_scalars(levels: Any) -> tuple[Scalar, ...]:
    """Levels as plain scalars: what is not a boolean, number or text becomes its text."""
    plain = np.asarray(levels, dtype=object).tolist()
    return tuple(
        level if isinstance(level, (bool, int, float, str))
        else level.item() if isinstance(level, np.generic) and not isinstance(
            level, (np.datetime64, np.timedelta64)
        ) else str(level)
        for level in plain
    )  # fmt: skip


def _read_datetime(series: pd.Series[Any], column: Column, missing: Mask) -> Cells:
    kind, unit = family(series.dtype), column.unit or "ns"
    values = np.zeros(len(series), dtype=np.int64)
    if isinstance(series.dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if kind == "datetime":
        values[~missing] = _ticks(series[~missing], unit, "M8")
        return Cells(values, missing)
    objects = _objects(series)[~missing]
    if len(objects) and not isinstance(objects[0], str):
        values[~missing] = object_datetimes(objects, unit, column)
    elif len(objects):
        if column.text_format is None:
            raise InvalidInputError(
                f"column {column.name!r} holds text but its schema has no text_format; "
                "give one such as '%Y-%m-%d'"
            )
        found, bad = dates.read(objects, column.text_format, unit)
        if bad.any():
            raise _misfit(column, objects[bad], f"a date like {column.text_format}")
        values[~missing] = found
    return Cells(values, missing)


def _read_duration(series: pd.Series[Any], column: Column, missing: Mask) -> Cells:
    kind, unit = family(series.dtype), column.unit or "ns"
    values = np.zeros(len(series), dtype=np.int64)
    if kind == "duration":
        values[~missing] = _ticks(series[~missing], unit, "m8")
        return Cells(values, missing)
    objects = _objects(series)[~missing]
    if len(objects) and not isinstance(objects[0], str):
        values[~missing] = object_durations(objects, unit, column)
    elif len(objects):
        found, bad = durations.read(objects, unit)
        if bad.any():
            raise _misfit(column, objects[bad], "a duration like '1 days 02:03:04' or 02:03:04")
        values[~missing] = found
    return Cells(values, missing)


def _read_text(series: pd.Series[Any], column: Column, missing: Mask) -> Cells:
    kind = family(series.dtype)
    values = np.full(len(series), "", dtype=object)
    if kind == "integer":
        values[~missing] = np.array(
            [str(value) for value in series[~missing].tolist()], dtype=object
        )
    elif kind == "float":
        plain = _filled(series, np.float64, missing)[~missing]
        values[~missing] = np.array(
            [str(int(v)) if v.is_integer() else str(v) for v in plain.tolist()], dtype=object
        )
    else:
        values[~missing] = np.array([str(cell) for cell in _objects(series)[~missing]], object)
    return Cells(values, missing)


def _ticks(series: pd.Series[Any], unit: str, code: str) -> NDArray[np.int64]:
    """Ticks of cells that are all present: UTC for zoned datetimes."""
    if is_arrow(series.dtype):
        return _arrow_ticks(series, unit)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_convert("UTC").dt.tz_localize(None)
    return np.asarray(series.to_numpy().astype(f"{code}[{unit}]").astype(np.int64))


def _arrow_ticks(series: pd.Series[Any], unit: str) -> NDArray[np.int64]:
    import pyarrow as pa

    array = pa.array(series)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    kind = array.type
    if pa.types.is_date(kind):
        array = array.cast(pa.timestamp("ms")).cast(pa.timestamp(unit))
    elif pa.types.is_timestamp(kind):
        array = array.cast(pa.timestamp(unit, tz=kind.tz))
    elif pa.types.is_duration(kind):
        array = array.cast(pa.duration(unit))
    else:
        array = array.cast(pa.time64("ns") if unit == "ns" else pa.time64("us"))
        scale = dates.TICKS_PER_SECOND["ns" if unit == "ns" else "us"]
        per_second = dates.TICKS_PER_SECOND[unit]
        return np.asarray(array.cast(pa.int64())) // (scale // per_second)
    return np.asarray(array.cast(pa.int64()))


def _filled(series: pd.Series[Any], dtype: Any, missing: Mask) -> NDArray[Any]:
    """Numbers as ``dtype``, 0 where missing."""
    if isinstance(series.dtype, np.dtype):
        values = series.to_numpy()
        return np.where(missing, 0, values).astype(dtype) if missing.any() else values.astype(dtype)
    if isinstance(series.dtype, pd.SparseDtype):
        return _filled(series.astype(series.dtype.subtype), dtype, missing)
    if is_arrow(series.dtype) and "decimal" in str(series.dtype):
        series = series.astype(pd.ArrowDtype(_arrow_double()))
    values = np.zeros(len(series), dtype=dtype)
    values[~missing] = series[~missing].to_numpy(dtype=dtype)
    return values


def _arrow_double() -> Any:
    import pyarrow as pa

    return pa.float64()


def _objects(series: pd.Series[Any]) -> Objects:
    return np.asarray(series.to_numpy(dtype=object))


def _factorize(objects: Objects) -> tuple[NDArray[np.intp], Objects]:
    if any(isinstance(cell, str) and "\0" in cell for cell in objects):
        # pandas hashes texts as C strings, which end at a NUL.
        known: dict[Any, int] = {}
        codes = np.array([known.setdefault(cell, len(known)) for cell in objects], dtype=np.intp)
        return codes, np.array(list(known), dtype=object)
    codes, distinct = pd.factorize(objects)
    return codes, np.asarray(distinct, dtype=object)


def _misfit(column: Column, cells: Any, expected: str) -> InvalidInputError:
    return InvalidInputError(
        f"column {column.name!r} is declared {column.kind}, but {len(cells)} cell(s) are not "
        f"{expected}, for example {str(cells[0])[:40]!r}; correct the table or the schema"
    )


_READERS: dict[str, Callable[[pd.Series[Any], Column, Mask], Cells]] = {
    "integer": _read_integer,
    "float": _read_float,
    "boolean": _read_boolean,
    "category": _read_category,
    "datetime": _read_datetime,
    "duration": _read_duration,
    "identifier": _read_text,
    "text": _read_text,
}
