"""Every dtype comes back cell for cell: read, write, compare."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.cells import Cells, read, write
from synthgen.detection import infer_column
from synthgen.errors import InvalidInputError, SchemaError
from synthgen.schema import Column, Schema

pa = pytest.importorskip("pyarrow")

SIZES = st.integers(1, 12)
FAST = settings(max_examples=25, deadline=None)


def through(series: pd.Series[Any], column: Column | None = None) -> pd.Series[Any]:
    """``series`` read and written by its own column, which first went through JSON."""
    column = column or infer_column(series, series.name)
    stored = json.loads(json.dumps(Schema(columns=(column,)).to_dict()))
    column = Schema.from_dict(stored).columns[0]
    cells = read(series, column)
    levels = None if cells.levels is None else tuple(json.loads(json.dumps(cells.levels)))
    return write(Cells(cells.values, cells.missing, levels), column)


def check(series: pd.Series[Any]) -> None:
    back = through(series)
    pd.testing.assert_series_equal(back, series, check_exact=True)
    assert back.dtype == series.dtype
    if series.dtype == object:
        assert [type(cell) for cell in back] == [type(cell) for cell in series]


def series_of(values: Any, dtype: Any) -> pd.Series[Any]:
    return pd.Series(values, name="x", dtype=dtype)


INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"]


@pytest.mark.parametrize("dtype", INTEGERS)
@FAST
@given(data=st.data())
def test_numpy_integers(dtype: str, data: st.DataObject) -> None:
    info = np.iinfo(dtype)
    values = data.draw(st.lists(st.integers(int(info.min), int(info.max)), min_size=1))
    check(series_of(values, dtype))


@FAST
@given(values=st.lists(st.integers(0, 2**63 - 1), min_size=1))
def test_unsigned_64_bit_integers(values: list[int]) -> None:
    check(series_of(values, "uint64"))


@pytest.mark.parametrize(
    "dtype", ["Int8", "Int64", "UInt8", "UInt32", "int64[pyarrow]", "uint16[pyarrow]"]
)
@FAST
@given(data=st.data())
def test_nullable_integers(dtype: str, data: st.DataObject) -> None:
    info = np.iinfo(dtype.removesuffix("[pyarrow]").lower())
    number = st.integers(int(info.min), int(info.max)) | st.none()
    check(series_of(data.draw(st.lists(number, min_size=1)), dtype))


def test_large_integers_are_exact() -> None:
    values = [10**15 + 1, 2**53 + 1, -(2**62) - 1, 2**63 - 1]
    for dtype in ("int64", "Int64", "int64[pyarrow]"):
        check(series_of(values, dtype))
        assert (
            read(series_of(values, dtype), Column(name="x", kind="integer")).values.tolist()
            == values
        )
    check(series_of([*values, None], "Int64"))
    check(series_of([*values, None], "int64[pyarrow]"))
    check(series_of([str(value) for value in values], "object"))
    check(series_of([*(str(value) for value in values), "?"], "object"))


@pytest.mark.parametrize(
    "dtype",
    ["float16", "float32", "float64", "Float32", "Float64", "double[pyarrow]", "float[pyarrow]"],
)
@FAST
@given(data=st.data())
def test_floats(dtype: str, data: st.DataObject) -> None:
    width = 16 if "16" in dtype else 32 if "32" in dtype or dtype.startswith("float[") else 64
    number = st.floats(allow_nan=False, allow_infinity=False, width=width)
    gap = st.just(np.nan) if dtype.startswith("float") and "[" not in dtype else st.none()
    check(series_of(data.draw(st.lists(number | gap, min_size=1)), dtype))


@FAST
@given(st.lists(st.integers(-(10**12), 10**12), min_size=1), st.integers(0, 6))
def test_decimals_are_found_and_exact(ticks: list[int], decimals: int) -> None:
    values = [tick / 10**decimals for tick in ticks]
    column = infer_column(series_of(values, "float64"), "x")
    assert column.decimals is not None and column.decimals <= decimals
    check(series_of(values, "float64"))


@pytest.mark.parametrize("dtype", ["bool", "boolean", "bool[pyarrow]", "object"])
@FAST
@given(data=st.data())
def test_booleans(dtype: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(st.booleans(), min_size=1))
    if dtype != "bool":
        values = [*values, None]
    check(series_of(values, dtype))


TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
STRINGS: list[Any] = [
    "object",
    "string[python]",
    "string[pyarrow]",
    pd.StringDtype(na_value=np.nan),
    pd.ArrowDtype(pa.string()),
    pd.ArrowDtype(pa.large_string()),
]


@pytest.mark.parametrize("dtype", STRINGS, ids=str)
@FAST
@given(values=st.lists(TEXT | st.none(), min_size=1))
def test_any_texts(dtype: Any, values: list[str | None]) -> None:
    series = series_of(values, dtype)
    for kind in ("category", "identifier", "text"):
        native = "str|None" if dtype == "object" else None
        name = infer_column(series, "x").dtype
        back = through(series, Column(name="x", kind=kind, dtype=name, native=native))
        pd.testing.assert_series_equal(back, series)


@pytest.mark.parametrize("dtype", STRINGS, ids=str)
@pytest.mark.parametrize("marker", ["", "?", "NA", "nan", None])
def test_text_numbers_with_markers(dtype: Any, marker: str | None) -> None:
    check(series_of(["1", "-20", marker, "3"], dtype))
    check(series_of(["0.00", "1.50", marker, "-0.07"], dtype))
    check(series_of(["24.0", "8.05", marker], dtype))
    check(series_of(["7", "8.05", marker, "12.1234"], dtype))
    check(series_of(["$1,234.50", marker, "$5.00"], dtype))
    check(series_of(["12%", marker, "7.5%"], dtype))
    check(series_of(["True", marker, "False"], dtype))
    check(series_of(["red", marker, "blue", "blue"], dtype))


@FAST
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.integers(1, 5))
def test_text_decimals(ticks: list[int], decimals: int) -> None:
    ticks = [tick or 1 for tick in ticks]
    check(series_of([f"{tick / 10**decimals:.{decimals}f}" for tick in ticks], "object"))


DATE_FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%m/%d/%Y %I:%M %p",
    "%d-%b-%Y",
    "%B %d, %Y",
    "%Y-%m-%d %H:%M:%S.%f",
]


@pytest.mark.parametrize("form", DATE_FORMATS)
@FAST
@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=1))
def test_text_dates(form: str, moments: list[dt.datetime]) -> None:
    texts = [moment.strftime(form) for moment in [*moments, dt.datetime(2000, 9, 13, 4, 5, 6, 7)]]
    series = series_of([*texts, ""], "object")
    assert infer_column(series, "x").kind == "datetime"
    check(series)


@FAST
@given(st.lists(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)), min_size=1))
def test_text_dates_without_leading_zeros(moments: list[dt.datetime]) -> None:
    moments = [*moments, dt.datetime(2025, 3, 4, 1, 20), dt.datetime(2025, 3, 14, 11, 20)]
    texts = [f"{m.month}/{m.day}/{m.year:04d} {m.hour}:{m.minute:02d}" for m in moments]
    column = infer_column(series_of(texts, "object"), "x")
    assert column.text_format == "%-m/%-d/%Y %-H:%M"
    check(series_of(texts, "object"))


@pytest.mark.parametrize(
    "texts",
    [["2020-01-01T00:00:00Z", "2021-05-05T12:30:00Z"],
     ["2020-01-01T00:00:00.123+02:00", "2021-05-05T12:30:00.456+02:00"],
     ["2020-01-01 00:00:00 -0530"]],
)  # fmt: skip
def test_text_dates_with_an_offset(texts: list[str]) -> None:
    assert infer_column(series_of(texts, "object"), "x").zone is not None
    check(series_of(texts, "object"))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin", "+05:30"])
@FAST
@given(data=st.data())
def test_datetimes(unit: str, zone: str | None, data: st.DataObject) -> None:
    limit = 9 * 10 ** (18 if unit == "ns" else 13 if unit == "us" else 10 if unit == "ms" else 9)
    ticks = data.draw(st.lists(st.integers(-limit, limit) | st.none(), min_size=1))
    stamps = np.array([np.iinfo(np.int64).min if t is None else t for t in ticks]).view(
        f"M8[{unit}]"
    )
    series = pd.Series(stamps, name="x")
    if zone is not None:
        series = series.dt.tz_localize("UTC").dt.tz_convert(zone)
    check(series)
    check(series.astype(pd.ArrowDtype(pa.timestamp(unit, tz=zone))))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@FAST
@given(data=st.data())
def test_durations(unit: str, data: st.DataObject) -> None:
    ticks = data.draw(st.lists(st.integers(-(10**12), 10**12) | st.none(), min_size=1))
    spans = np.array([np.iinfo(np.int64).min if t is None else t for t in ticks]).view(
        f"m8[{unit}]"
    )
    check(pd.Series(spans, name="x"))
    check(pd.Series(pd.arrays.ArrowExtensionArray(pa.array(ticks, pa.duration(unit))), name="x"))


@pytest.mark.parametrize(
    "texts",
    [["1 days 02:03:04", "-1 days +23:59:59", "0 days 00:00:00"], ["01:02:03", "26:00:00"],
     ["1:02", "12:30"], ["00:00:01.250", "10:00:00.000"]],
)  # fmt: skip
def test_text_durations(texts: list[str]) -> None:
    series = series_of([*texts, ""], "object")
    assert infer_column(series, "x").kind == "duration"
    check(series)


@pytest.mark.parametrize(
    "kind", ["date32[day][pyarrow]", "time64[us][pyarrow]", "decimal128(10, 2)[pyarrow]"]
)
def test_other_arrow_types(kind: str) -> None:
    cells: dict[str, list[Any]] = {
        "date32": [dt.date(2020, 2, 29), None, dt.date(1969, 1, 1)],
        "time64": [dt.time(23, 59, 59, 5), None, dt.time(0, 0)],
        "decimal": [Decimal("1.25"), None, Decimal("-99999999.99")],
    }
    values = next(value for name, value in cells.items() if kind.startswith(name))
    from synthgen.dtypes import dtype_of

    check(pd.Series(pd.array(values, dtype=dtype_of(kind)), name="x"))


@pytest.mark.parametrize(
    "values",
    [
        [dt.date(2020, 1, 1), dt.date(2021, 12, 31)],
        [dt.datetime(2020, 1, 1, 3, 4, 5, 6), dt.datetime(1950, 1, 1)],
        [pd.Timestamp("2020-01-01 00:00:00.000000001"), pd.Timestamp("2021-01-01")],
        [dt.time(1, 2, 3), dt.time(23, 0)],
        [dt.timedelta(days=1, seconds=3), dt.timedelta(0)],
        [Decimal("1.50"), Decimal("2.25")],
        [1, 2, 10**17 + 1],
        [1.5, 2.0],
        [True, False],
        ["a", 1, 2.5, True],
    ],
    ids=lambda values: type(values[0]).__name__,
)
@pytest.mark.parametrize("gap", ["none", None, np.nan])
def test_object_cells(values: list[Any], gap: Any) -> None:
    check(series_of(values if gap == "none" else [*values, gap], "object"))


def test_values_equal_but_of_different_types_stay_apart() -> None:
    series = series_of([1, True, "1", 1.0, None], "object")
    assert len(read(series, infer_column(series, "x")).levels or ()) == 4
    check(series)


CATEGORICALS = [
    pd.Categorical(["b", "a", None, "b"], categories=["b", "a", "unused"]),
    pd.Categorical(["lo", "hi"], categories=["lo", "mid", "hi"], ordered=True),
    pd.Categorical([3, 1, None, 1], categories=[3, 2, 1], ordered=True),
    pd.Categorical([1.5, 2.5]),
    pd.Categorical([True, False, None]),
    pd.Categorical(pd.to_datetime(["2020-01-01", "2021-01-01", None])),
    pd.cut(pd.Series([1.0, 2.0, 7.5, np.nan]), [0, 2.5, 5, 10]),
    pd.cut(pd.Series([1, 2, 7]), 3),
    pd.Categorical(pd.PeriodIndex(["2020-01", "2021-02"], freq="M")),
    pd.Categorical(pd.array(["x", "y", None], dtype="string")),
]


@pytest.mark.parametrize("values", CATEGORICALS, ids=range(len(CATEGORICALS)))
def test_categoricals_keep_levels_and_order(values: Any) -> None:
    check(pd.Series(values, name="x"))


@FAST
@given(data=st.data())
def test_categoricals(data: st.DataObject) -> None:
    levels = data.draw(st.lists(TEXT, min_size=1, unique=True))
    cells = data.draw(st.lists(st.sampled_from(levels) | st.none(), min_size=1))
    check(
        pd.Series(
            pd.Categorical(cells, categories=levels, ordered=data.draw(st.booleans())), name="x"
        )
    )


def test_a_categorical_declared_a_key_gets_new_levels() -> None:
    column = Column(name="x", kind="identifier", dtype="category", native="object")
    series = pd.Series(["a", "b", None], name="x", dtype="category")
    assert read(series, column).values.tolist()[:2] == ["a", "b"]
    back = write(Cells(np.array(["u", "v"], dtype=object), np.zeros(2, dtype=bool)), column)
    assert back.dtype == "category"
    assert back.tolist() == ["u", "v"]


def test_periods_and_sparse() -> None:
    check(pd.Series(pd.PeriodIndex(["2020-01", None, "2021-12"], freq="M"), name="x"))
    check(pd.Series(pd.arrays.SparseArray([0, 0, 3]), name="x"))


def test_texts_with_a_nul_stay_apart() -> None:
    series = series_of(["a", "a\0", "", "\0", "a\0b"], "object")
    back = through(series, Column(name="x", kind="category", native="str"))
    assert back.tolist() == series.tolist()


def test_levels_are_sorted_by_value() -> None:
    column = Column(name="x", kind="category", dtype="int64")
    assert read(series_of([10, 9, -1, 10], "int64"), column).levels == (-1, 9, 10)
    column = Column(name="x", kind="category")
    assert read(series_of(["b", "B", "a"], "object"), column).levels == ("B", "a", "b")


@pytest.mark.parametrize("dtype", ["int64", "Int64", "int64[pyarrow]"])
def test_integer_keys_come_back_as_integers(dtype: str) -> None:
    series = series_of(range(1, 40), dtype)
    column = infer_column(series.rename("id"), "id")
    assert (column.kind, column.pattern) == ("identifier", "#1")
    back = write(Cells(np.array(["7", "8"], dtype=object), np.zeros(2, dtype=bool)), column)
    assert back.tolist() == [7, 8]
    assert back.dtype == series.dtype


def test_numbers_are_clipped_to_the_dtype() -> None:
    cells = Cells(np.array([300, -300]), np.zeros(2, dtype=bool))
    assert write(cells, Column(name="x", kind="integer", dtype="int8")).tolist() == [127, -128]
    assert write(cells, Column(name="x", kind="integer", dtype="UInt8")).tolist() == [255, 0]
    huge = Cells(np.array([1e300, -1e300]), np.zeros(2, dtype=bool))
    assert (
        write(huge, Column(name="x", kind="float", dtype="int64")).min() == np.iinfo(np.int64).min
    )
    assert np.isfinite(write(huge, Column(name="x", kind="float", dtype="float32"))).all()


def test_infinities_are_named() -> None:
    series = pd.Series([1.0, np.inf, -np.inf], name="ratio")
    with pytest.raises(
        InvalidInputError, match="'ratio' has 2 infinite values; replace them by NaN"
    ):
        read(series, Column(name="ratio", kind="float", dtype="float64"))
    with pytest.raises(InvalidInputError, match="'ratio' has 2 infinite values"):
        infer_column(series, "ratio")
    with pytest.raises(InvalidInputError, match="infinite"):
        infer_column(pd.Series(["1.5", "inf", "-2"]), "ratio")


@pytest.mark.parametrize(
    ("kind", "cells", "message"),
    [
        ("integer", ["1", "two"], "1 cell.s. are not a number, for example 'two'"),
        ("integer", ["1", "2.5"], "not an integer"),
        ("boolean", ["True", "maybe"], "'maybe'"),
        ("duration", ["01:00", "soon"], "'soon'"),
    ],
)
def test_cells_that_do_not_fit_are_named(kind: Any, cells: list[str], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read(pd.Series(cells, dtype="object"), Column(name="x", kind=kind))


def test_dates_that_do_not_fit_are_named() -> None:
    column = Column(name="x", kind="datetime", unit="s", text_format="%Y-%m-%d")
    with pytest.raises(InvalidInputError, match="'2020-02-30'"):
        read(pd.Series(["2020-01-01", "2020-02-30"], dtype="object"), column)
    with pytest.raises(InvalidInputError, match="text_format"):
        read(pd.Series(["2020-01-01"], dtype="object"), Column(name="x", kind="datetime"))


def test_a_dtype_that_cannot_hold_missing_cells() -> None:
    cells = Cells(np.array([1, 2]), np.array([True, False]))
    with pytest.raises(SchemaError, match="nullable dtype"):
        write(cells, Column(name="x", kind="integer", dtype="int64"))


def test_mixed_types_where_one_is_declared() -> None:
    with pytest.raises(InvalidInputError, match="str"):
        read(
            pd.Series([dt.date(2020, 1, 1), "x"], dtype="object"), Column(name="d", kind="datetime")
        )
