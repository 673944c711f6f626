"""Canonical cells back into a Series of exactly the column's dtype."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen.cells.objects import object_cell
from synthgen.dtypes import dtype_of, family, is_arrow
from synthgen.errors import SchemaError
from synthgen.forms import dates, durations, intervals, numbers
from synthgen.schema import Column, Scalar

Mask = NDArray[np.bool_]
_NO_PANDAS_NAME = ("Enum", "Categorical", "dictionary")


def write_column(
    values: NDArray[Any], missing: Mask, levels: tuple[Scalar, ...] | None, column: Column
) -> pd.Series[Any]:
    """See `synthgen.cells.write`."""
    missing = np.asarray(missing, dtype=bool)
    if column.kind == "category":
        return _write_category(values, missing, levels or (), column)
    return _WRITERS[column.kind](values, missing, column)


def _write_number(values: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    kind = family(dtype_of(column.dtype))
    if kind == "text" or (kind == "object" and (column.native or "str").startswith("str")):
        decimals = None if column.kind == "float" else 0
        if column.decimals is not None:
            decimals = column.decimals
        texts = numbers.write(values[~missing], column.text_format, decimals)
        return _texts(texts, missing, column)
    if column.kind == "float" and column.decimals is not None:
        values = np.round(values, column.decimals)
    if kind == "object":
        return _objects(_python_numbers(values[~missing], column), missing, column)
    return _typed_numbers(values, missing, column)


def _typed_numbers(values: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    dtype = dtype_of(column.dtype)
    kind = family(dtype)
    if kind == "boolean":
        return _masked(np.asarray(values) != 0, missing, dtype, column)
    if kind == "integer":
        plain = _numpy_dtype(dtype)
        limits = np.iinfo(plain)
        if values.dtype.kind == "f":
            values = np.rint(np.where(missing, 0, values))
        low, high = int(limits.min), int(limits.max)
        if values.dtype.kind == "f":
            # float(2**63 - 1) rounds up, out of range: the largest float below it will do.
            top = float(np.nextafter(float(high) + 1, 0)) if high > 2**53 else float(high)
            return _masked(np.clip(values, low, top).astype(plain), missing, dtype, column)
        widest = np.iinfo(values.dtype)
        clipped = np.clip(values, max(low, int(widest.min)), min(high, int(widest.max)))
        return _masked(clipped.astype(plain), missing, dtype, column)
    if kind != "float":
        raise SchemaError(
            f"column {column.name!r}: kind {column.kind} cannot be written as dtype {column.dtype}"
        )
    floats = np.asarray(values, dtype=np.float64)
    if is_arrow(dtype) and "decimal" in column.dtype:
        exact = [Decimal(f"{v:.{column.decimals or 0}f}") for v in floats.tolist()]
        return _arrow_series(exact, missing, dtype, column)
    plain = _numpy_dtype(dtype)
    limit = float(np.finfo(plain).max)
    return _masked(np.clip(floats, -limit, limit).astype(plain), missing, dtype, column)


def _write_boolean(values: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    kind = family(dtype_of(column.dtype))
    present = np.asarray(values, dtype=bool)[~missing]
    if kind == "text" or (kind == "object" and column.text_format):
        true, _, false = (column.text_format or "True/False").partition("/")
        return _texts(np.where(present, true, false).astype(object), missing, column)
    if kind == "object":
        return _objects(present.astype(object), missing, column)
    return _typed_numbers(np.asarray(values, dtype=bool).astype(np.int64), missing, column)


def _write_category(
    values: NDArray[Any], missing: Mask, levels: tuple[Scalar, ...], column: Column
) -> pd.Series[Any]:
    codes = np.where(missing, -1, values).astype(np.int32)
    if column.dtype == "category" or column.dtype.startswith("dictionary"):
        categories = _categories(levels, column.native)
        series = pd.Series(
            pd.Categorical.from_codes(codes, categories, ordered=column.ordered), name=column.name
        )
        return series if column.dtype == "category" else series.astype(dtype_of(column.dtype))
    pool = np.empty(len(levels), dtype=object)
    pool[:] = levels
    kind = family(dtype_of(column.dtype))
    if kind in ("text", "object"):
        # cells are made once for each level and once for missing, which code -1 takes
        make = _texts if kind == "text" else _objects
        made = make(pool, np.arange(len(pool) + 1) == len(pool), column)
        return made.take(np.where(missing, len(pool), codes)).reset_index(drop=True)
    present = pool[codes[~missing]] if len(pool) else np.empty(0, dtype=object)
    filled: NDArray[Any] = np.zeros(len(codes), dtype=np.float64 if kind == "float" else np.int64)
    filled[~missing] = present.astype(filled.dtype)
    return _typed_numbers(filled, missing, column)


def _categories(levels: tuple[Scalar, ...], native: str | None) -> pd.Index[Any]:
    """Levels as an index of the dtype they came with."""
    plain = list(levels)
    if native is None or native.startswith(_NO_PANDAS_NAME) or native.endswith("not null"):
        return pd.Index(plain, dtype="object" if not plain or isinstance(plain[0], str) else None)
    if native.startswith("interval"):
        return intervals.of_texts([str(level) for level in plain], native)
    if native.startswith("period"):
        return pd.PeriodIndex([str(level) for level in plain], dtype=native)
    typed: pd.Index[Any] = pd.Index(plain, dtype="object").astype(dtype_of(native))
    return typed


def _write_datetime(values: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    unit, kind = column.unit or "ns", family(dtype_of(column.dtype))
    ticks = np.asarray(values, dtype=np.int64)
    if kind == "text" or (kind == "object" and column.text_format):
        form = column.text_format or "%Y-%m-%d %H:%M:%S"
        return _texts(dates.write(ticks[~missing], form, unit, column.zone), missing, column)
    if kind == "object":
        return _objects(_moments(ticks[~missing], column), missing, column)
    dtype = dtype_of(column.dtype)
    if is_arrow(dtype):
        return _arrow_ticks(ticks, missing, f"timestamp[{unit}]", dtype, column)
    stamps = ticks.view(f"M8[{unit}]").copy()
    stamps[missing] = np.datetime64("NaT")
    series = pd.Series(stamps, name=column.name)
    if isinstance(dtype, pd.PeriodDtype):
        freq: Any = dtype.freq
        return series.dt.to_period(freq)
    if isinstance(dtype, pd.DatetimeTZDtype):
        series = series.dt.tz_localize("UTC").dt.tz_convert(dtype.tz)
    return series.astype(dtype)


def _write_duration(values: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    unit, kind = column.unit or "ns", family(dtype_of(column.dtype))
    ticks = np.asarray(values, dtype=np.int64)
    if kind == "text" or (kind == "object" and column.text_format):
        texts = durations.write(ticks[~missing], column.text_format or "days", unit)
        return _texts(texts, missing, column)
    if kind == "object":
        return _objects(_moments(ticks[~missing], column), missing, column)
    dtype = dtype_of(column.dtype)
    if is_arrow(dtype):
        return _arrow_ticks(ticks, missing, f"duration[{unit}]", dtype, column)
    spans = ticks.view(f"m8[{unit}]").copy()
    spans[missing] = np.timedelta64("NaT")
    return pd.Series(spans, name=column.name).astype(dtype)


def _write_text(values: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    kind = family(dtype_of(column.dtype))
    present = np.asarray(values, dtype=object)[~missing]
    if kind in ("text", "category"):  # a categorical dtype gets new levels
        return _texts(present, missing, column)
    if kind == "object" and (column.native or "str").startswith("str"):
        return _objects(present, missing, column)
    if kind == "object":
        return _objects(np.array([int(text) for text in present], dtype=object), missing, column)
    if kind in ("integer", "float"):
        filled: NDArray[Any] = np.zeros(
            len(values), np.float64 if kind == "float" else _numpy_dtype(dtype_of(column.dtype))
        )
        filled[~missing] = [float(t) if kind == "float" else int(t) for t in present]
        if filled.dtype == np.uint64:
            return _masked(filled, missing, dtype_of(column.dtype), column)
        return _typed_numbers(filled, missing, column)
    raise SchemaError(
        f"column {column.name!r}: kind {column.kind} cannot be written as dtype {column.dtype}"
    )


def _texts(present: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    if family(dtype_of(column.dtype)) == "object":
        return _objects(present, missing, column)
    filled: NDArray[Any] = np.empty(len(missing), dtype=object)
    filled[missing] = column.missing_marker  # None: missing
    filled[~missing] = present
    series: pd.Series[Any] = pd.Series(filled, name=column.name, dtype=dtype_of(column.dtype))
    return series


def _objects(present: NDArray[Any], missing: Mask, column: Column) -> pd.Series[Any]:
    native = column.native or "str"
    gap: object = column.missing_marker
    if gap is None and not native.endswith("|None"):
        gap = pd.NA if native.endswith("|NA") else pd.NaT if native.endswith("|NaT") else np.nan
    filled: NDArray[Any] = np.empty(len(missing), dtype=object)
    filled[missing] = gap
    filled[~missing] = present
    dtype = dtype_of(column.dtype)
    series: pd.Series[Any] = pd.Series(
        filled, name=column.name, dtype=dtype if is_arrow(dtype) else "object"
    )
    return series


def _python_numbers(values: NDArray[Any], column: Column) -> NDArray[np.object_]:
    native = (column.native or "float").partition("|")[0]
    out: NDArray[Any] = np.empty(len(values), dtype=object)
    if native == "Decimal":
        out[:] = [Decimal(f"{value:.{column.decimals or 0}f}") for value in values.tolist()]
    elif native == "int":
        out[:] = [int(value) for value in values.tolist()]
    else:
        out[:] = [float(value) for value in values.tolist()]
    return out


def _moments(ticks: NDArray[np.int64], column: Column) -> NDArray[np.object_]:
    native = (column.native or "Timestamp").partition("|")[0]
    out: NDArray[Any] = np.empty(len(ticks), dtype=object)
    out[:] = [object_cell(t, column.unit or "ns", native, column.zone) for t in ticks.tolist()]
    return out


def _numpy_dtype(dtype: Any) -> np.dtype[Any]:
    """The numpy dtype of the numbers inside ``dtype``."""
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    plain: np.dtype[Any] = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    return plain


def _masked(values: NDArray[Any], missing: Mask, dtype: Any, column: Column) -> pd.Series[Any]:
    """Numbers or booleans of a numpy, masked or Arrow dtype."""
    if is_arrow(dtype):
        return _arrow_series(values, missing, dtype, column)
    if isinstance(dtype, (np.dtype, pd.SparseDtype)):
        if missing.any():
            if _numpy_dtype(dtype).kind != "f":
                raise SchemaError(
                    f"column {column.name!r} has missing cells, which dtype {column.dtype} cannot "
                    "hold; use a nullable dtype such as Int64 or boolean"
                )
            values = np.where(missing, np.nan, values)
        return pd.Series(values, name=column.name, dtype=dtype)
    array: Any = dtype.construct_array_type()(np.ascontiguousarray(values), missing.copy())
    series: pd.Series[Any] = pd.Series(array, name=column.name)
    return series


def _arrow_series(values: Any, missing: Mask, dtype: Any, column: Column) -> pd.Series[Any]:
    import pyarrow as pa

    array = pa.array(values, mask=missing).cast(dtype.pyarrow_dtype)
    return pd.Series(pd.arrays.ArrowExtensionArray(array), name=column.name)


def _arrow_ticks(
    ticks: NDArray[np.int64], missing: Mask, through: str, dtype: Any, column: Column
) -> pd.Series[Any]:
    """Ticks as an Arrow timestamp, date, duration or time of day."""
    import pyarrow as pa

    from synthgen.arrowtypes import type_of

    wanted = dtype.pyarrow_dtype
    if pa.types.is_time(wanted):
        per_second = dates.TICKS_PER_SECOND[through.partition("[")[2].rstrip("]")]
        scale = dates.TICKS_PER_SECOND[wanted.unit]
        day = ticks % (86_400 * per_second)
        day = day * (scale // per_second) if scale > per_second else day // (per_second // scale)
        bits = np.int64 if wanted.bit_width == 64 else np.int32
        array = pa.array(day.astype(bits), mask=missing).cast(wanted)
    else:
        between = type_of(through)
        if pa.types.is_timestamp(wanted):
            between = pa.timestamp(between.unit, tz=wanted.tz)
        array = pa.array(ticks, mask=missing).cast(between).cast(wanted, safe=False)
    return pd.Series(pd.arrays.ArrowExtensionArray(array), name=column.name)


_WRITERS: dict[str, Callable[[NDArray[Any], Mask, Column], pd.Series[Any]]] = {
    "integer": _write_number,
    "float": _write_number,
    "boolean": _write_boolean,
    "datetime": _write_datetime,
    "duration": _write_duration,
    "identifier": _write_text,
    "text": _write_text,
}
