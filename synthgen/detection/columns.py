"""What a table is, found from its values: the kind and the form of every column.

Typed columns are taken at their word; columns of text are searched for numbers, booleans, dates,
durations and texts that stand for missing. A column's name may confirm what its values say.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen import frames
from synthgen.cells import finite
from synthgen.detection.keys import integer_key
from synthgen.detection.texts import Fields, describe_text
from synthgen.dtypes import dtype_name, family
from synthgen.errors import InvalidInputError
from synthgen.forms import dates
from synthgen.schema import Column, Schema

_NATURAL_S = (86_400, 3600, 1800, 900, 600, 300, 60, 1)
_MOST_DECIMALS = 10
_PLAIN = (str, bool, int, float, np.number, np.bool_)


def infer_schema(data: Any) -> Schema:
    """The schema of a pandas or polars DataFrame, or an Arrow Table.

    Raises:
        InvalidInputError: No rows, no columns, repeated names, cells that no kind can hold,
            or infinite numbers.
    """
    frame, kind = frames.read(data)
    columns = [
        infer_column(series, name, native)
        for (name, series), native in zip(frame.items(), kind.natives, strict=True)
    ]
    return Schema(frame=kind.name, columns=tuple(columns))


def infer_column(series: pd.Series[Any], name: Any, native: str | None = None) -> Column:
    """The `Column` that describes ``series``; ``native`` names its polars or Arrow type."""
    missing = np.asarray(series.isna(), dtype=bool)
    fields: Fields = {
        "name": int(name) if isinstance(name, (int, np.integer)) else name,
        "dtype": dtype_name(series.dtype),
        "nullable": bool(missing.any()),
    }
    fields |= _DESCRIBE[family(series.dtype)](series, missing, name)
    return Column(**fields | ({} if native is None else {"native": native}))


def _integers(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    present = _present(series, missing, object if _is_uint64(series) else np.int64)
    if present.dtype == object:
        if len(present) and present.max() > np.iinfo(np.int64).max:
            few = len(set(present.tolist())) < 0.5 * len(present)
            return {"kind": "float", "decimals": 0} if few else {
                "kind": "identifier", "pattern": "1" + "9" * 17,
                "unique": len(set(present.tolist())) == len(present),
            }  # fmt: skip
        present = present.astype(np.int64)
    return integer_key(present, name) or {"kind": "integer"}


def _present(series: pd.Series[Any], missing: NDArray[np.bool_], dtype: Any) -> NDArray[Any]:
    """Cells that are not missing, as an array of ``dtype``."""
    if isinstance(series.dtype, np.dtype):
        return np.asarray(series.to_numpy()[~missing].astype(dtype))
    return series[~missing].to_numpy(dtype=dtype)


def _is_uint64(series: pd.Series[Any]) -> bool:
    return dtype_name(series.dtype).lower().startswith("uint64")


def _floats(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    if "decimal" in dtype_name(series.dtype):
        digits: Any = series.dtype
        return {"kind": "float", "decimals": max(0, digits.pyarrow_dtype.scale)}
    single = "16" in dtype_name(series.dtype) or "32" in dtype_name(series.dtype)
    values = _present(series, missing, np.float64)
    values = values[~np.isnan(values)]
    finite(values, np.zeros(len(values), dtype=bool), name)
    dtype = _plain_float(series) if single or dtype_name(series.dtype).startswith(
        ("float[", "halffloat[")
    ) else np.dtype(np.float64)  # fmt: skip
    decimals = decimals_of(values, dtype)
    if decimals == 0 and missing.any():
        key = integer_key(values.astype(np.int64), name, certain=True)
        if key is not None:
            return key
    return {"kind": "float", "decimals": decimals}


def _plain_float(series: pd.Series[Any]) -> np.dtype[Any]:
    dtype: Any = series.dtype
    plain: np.dtype[Any] = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    return plain


def decimals_of(values: NDArray[np.float64], dtype: np.dtype[Any]) -> int | None:
    """Fewest digits after the point that write all ``values`` exactly; ``None`` if many."""
    if len(values) == 0:
        return 0
    largest = np.abs(values).max()
    sample = values[:: max(1, len(values) // 1000)]
    for decimals in range(_MOST_DECIMALS + 1):
        scale = 10.0**decimals
        if largest * scale >= 10**15:
            return None
        if all(
            ((np.rint(part * scale) / scale).astype(dtype) == part.astype(dtype)).all()
            for part in (sample, values)
        ):
            return decimals
    return None


def _datetimes(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    dtype: Any = series.dtype
    zone, unit = getattr(dtype, "tz", None), getattr(dtype, "unit", None)
    if isinstance(dtype, pd.PeriodDtype):
        unit = "s" if dtype.freq.rule_code[0] in "YQMWDBAh" else "ns"
    elif isinstance(dtype, pd.ArrowDtype):
        arrow = dtype.pyarrow_dtype
        zone = getattr(arrow, "tz", None)
        unit = arrow.unit if hasattr(arrow, "unit") and "timestamp" in str(arrow) else "s"
    elif unit is None:
        unit = np.datetime_data(dtype)[0]
    fields: Fields = {"kind": "datetime", "unit": unit, "zone": None if zone is None else str(zone)}
    return fields | _resolution(series, missing, fields)


def _durations(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    dtype: Any = series.dtype
    arrow = isinstance(dtype, pd.ArrowDtype)
    unit = dtype.pyarrow_dtype.unit if arrow else np.datetime_data(dtype)[0]
    fields: Fields = {"kind": "duration", "unit": unit}
    return fields | _resolution(series, missing, fields)


def _resolution(series: pd.Series[Any], missing: NDArray[np.bool_], fields: Fields) -> Fields:
    from synthgen.cells import read

    column = Column(name="", dtype=dtype_name(series.dtype), **fields)
    return {"resolution": resolution_of(read(series, column).values[~missing], fields["unit"])}


def resolution_of(ticks: NDArray[np.int64], unit: str) -> int:
    """The coarsest natural step (a day, an hour, ..., a tick) that divides all ``ticks``."""
    per_second = dates.TICKS_PER_SECOND[unit]
    steps = [step * per_second for step in _NATURAL_S]
    steps += [per_second // 10**k for k in range(1, 10) if per_second >= 10**k]
    for step in steps:
        if len(ticks) and not (ticks % step).any():
            return step
    return 1


def _categories(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    if isinstance(series.dtype, pd.CategoricalDtype):
        levels = series.cat.categories.dtype
        fields: Fields = {"kind": "category", "ordered": bool(series.cat.ordered)}
        native = str(levels) if isinstance(levels, (pd.IntervalDtype, pd.PeriodDtype)) else (
            dtype_name(levels)
        )  # fmt: skip
        return fields | {"native": native}
    return {"kind": "category"}


def _booleans(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    return {"kind": "boolean"}


def _texts(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    fields = describe_text(np.asarray(series.to_numpy(dtype=object)), missing, name)
    if "ticks" in fields:
        fields["resolution"] = resolution_of(fields.pop("ticks"), fields["unit"])
    return fields


def _objects(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    present = series.to_numpy(dtype=object)[~missing]
    types = set(map(type, present))
    gap = ""
    if missing.any():
        first = series.to_numpy(dtype=object)[missing.argmax()]
        gap = "|None" if first is None else "|NA" if first is pd.NA else (
            "|NaT" if first is pd.NaT else ""
        )  # fmt: skip
    if not types:
        return {"kind": "category"} | ({"native": "str" + gap} if series.dtype == object else {})
    if types == {str}:
        return _texts(series, missing, name) | {"native": "str" + gap}
    if all(issubclass(kind, (bool, np.bool_)) for kind in types):
        return {"kind": "boolean", "native": "bool" + gap}
    if all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in types):
        if max(map(abs, present)) <= np.iinfo(np.int64).max:
            key = integer_key(present.astype(np.int64), name)
            return (key or {"kind": "integer"}) | {"native": "int" + gap}
        return {"kind": "category", "native": "mixed" + gap}
    if all(issubclass(kind, (float, np.floating)) for kind in types):
        values = finite(present.astype(np.float64), np.zeros(len(present), dtype=bool), name)
        decimals = decimals_of(values, np.dtype(np.float64))
        return {"kind": "float", "decimals": decimals, "native": "float" + gap}
    if types == {Decimal}:
        exponents = [-int(cell.as_tuple().exponent) for cell in present if cell.is_finite()]
        return {"kind": "float", "decimals": max(0, *exponents, 0), "native": "Decimal" + gap}
    if moments := _moment_fields(types, present):
        moments["native"] += gap
        column = Column(name="", **moments)
        from synthgen.cells import read

        ticks = read(pd.Series(present, dtype="object"), column).values
        return moments | {"resolution": resolution_of(ticks, moments["unit"])}
    if all(issubclass(kind, _PLAIN) for kind in types):
        return {"kind": "category", "native": "mixed" + gap}
    raise InvalidInputError(
        f"column {name!r} holds cells of type {', '.join(sorted(t.__name__ for t in types))}, "
        "which cannot be synthesized; drop it or turn it into text or numbers"
    )


def _moment_fields(types: set[type], present: NDArray[np.object_]) -> Fields | None:
    """Fields for dates, datetimes, times and timedeltas, all of one type."""
    if len(types) != 1:
        return None
    kind = next(iter(types))
    if kind is dt.date:
        return {"kind": "datetime", "unit": "s", "native": "date"}
    if issubclass(kind, dt.datetime):
        zones = {str(cell.tzinfo) if cell.tzinfo else None for cell in present}
        zone = next(iter(zones)) if len(zones) == 1 else "UTC"
        unit, native = ("ns", "Timestamp") if issubclass(kind, pd.Timestamp) else ("us", "datetime")
        return {"kind": "datetime", "unit": unit, "native": native, "zone": zone}
    if kind is dt.time:
        return {"kind": "duration", "unit": "us", "native": "time"}
    if issubclass(kind, dt.timedelta):
        unit, native = ("ns", "Timedelta") if kind is pd.Timedelta else ("us", "timedelta")
        return {"kind": "duration", "unit": unit, "native": native}
    return None


def _unsupported(series: pd.Series[Any], missing: NDArray[np.bool_], name: Any) -> Fields:
    raise InvalidInputError(
        f"column {name!r} is of dtype {series.dtype}, which cannot be synthesized; "
        "drop it or turn it into text or numbers"
    )


_DESCRIBE = {
    "integer": _integers,
    "float": _floats,
    "boolean": _booleans,
    "datetime": _datetimes,
    "duration": _durations,
    "category": _categories,
    "text": _texts,
    "object": _objects,
    "other": _unsupported,
}
