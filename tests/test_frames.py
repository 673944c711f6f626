"""pandas, polars and Arrow in, the same kind with the same types out."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from synthgen import cells, frames
from synthgen.detection import infer_schema
from synthgen.errors import InvalidInputError, MissingExtraError
from synthgen.schema import Schema

pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")


def through(data: Any) -> Any:
    """``data`` read cell by cell and written back, the schema having gone through JSON."""
    schema = Schema.from_dict(json.loads(json.dumps(infer_schema(data).to_dict())))
    frame, kind = frames.read(data)
    assert kind.name == schema.frame
    columns = {c.name: cells.write(cells.read(frame[c.name], c), c) for c in schema}
    return frames.write(pd.DataFrame(columns), schema)


POLARS = {
    **{f"i{bits}": pl.Series([1, None, -(2 ** (bits - 1))], dtype=getattr(pl, f"Int{bits}"))
       for bits in (8, 16, 32, 64)},
    **{f"u{bits}": pl.Series([1, None, 2 ** min(bits, 63) - 1], dtype=getattr(pl, f"UInt{bits}"))
       for bits in (8, 16, 32, 64)},
    "f32": pl.Series([1.5, None, 3.25], dtype=pl.Float32),
    "f64": pl.Series([0.1, None, 1e300]),
    "bool": pl.Series([True, None, False]),
    "text": pl.Series(["x", None, "yé"]),
    "number_text": pl.Series(["1.50", None, "2.25"]),
    "enum": pl.Series(["lo", None, "hi"], dtype=pl.Enum(["lo", "mid", "hi"])),
    "categorical": pl.Series(["b", None, "a"], dtype=pl.Categorical),
    "date": pl.Series([dt.date(2020, 1, 1), None, dt.date(1950, 5, 5)]),
    **{f"naive_{unit}": pl.Series([dt.datetime(2020, 1, 1, 2, 3, 4), None, dt.datetime(1950, 1, 1)],
                                  dtype=pl.Datetime(unit)) for unit in ("ms", "us", "ns")},
    "zoned": pl.Series([dt.datetime(2020, 1, 1), None, dt.datetime(2020, 7, 1)],
                       dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone("Europe/Berlin"),
    "duration": pl.Series([dt.timedelta(seconds=5), None, dt.timedelta(days=-3)],
                          dtype=pl.Duration("ms")),
    "time": pl.Series([dt.time(1, 2, 3), None, dt.time(23, 59)]),
    "decimal": pl.Series([Decimal("1.25"), None, Decimal("-3.50")], dtype=pl.Decimal(10, 2)),
    "empty": pl.Series([None, None, None], dtype=pl.Null),
    "all_missing": pl.Series([None, None, None], dtype=pl.Float64),
}  # fmt: skip


@pytest.mark.parametrize("name", POLARS)
def test_polars_types(name: str) -> None:
    data = pl.DataFrame({"before": [1, 2, 3], name: POLARS[name], "after": ["a", "b", "c"]})
    back = through(data)
    assert isinstance(back, pl.DataFrame)
    assert back.schema == data.schema
    assert back.equals(data, null_equal=True)


def test_polars_enum_keeps_its_unused_levels() -> None:
    data = pl.DataFrame({"e": pl.Series(["hi"], dtype=pl.Enum(["lo", "hi", "top"]))})
    assert through(data).schema["e"] == pl.Enum(["lo", "hi", "top"])
    assert infer_schema(data)["e"].ordered


ARROW = {
    **{str(kind): pa.array([1, None, 3], kind) for kind in (pa.int8(), pa.uint16(), pa.int64())},
    "float": pa.array([1.5, None, 2.5], pa.float32()),
    "double": pa.array([1.5, None, 1e-300]),
    "bool": pa.array([True, None, False]),
    "string": pa.array(["a", None, "b"]),
    "large_string": pa.array(["a", None, "b"], pa.large_string()),
    "string_view": pa.array(["a", None, "b"], pa.string_view()),
    "date32": pa.array([dt.date(2020, 1, 1), None, dt.date(1950, 1, 1)]),
    "date64": pa.array([dt.date(2020, 1, 1), None, dt.date(1950, 1, 1)], pa.date64()),
    **{f"timestamp_{unit}": pa.array([1, None, -5], pa.timestamp(unit))
       for unit in ("s", "ms", "us", "ns")},
    "zoned": pa.array([1, None, 10**9], pa.timestamp("s", tz="America/New_York")),
    "duration": pa.array([1, None, 10**9], pa.duration("us")),
    "time32": pa.array([1, None, 10**4], pa.time32("s")),
    "time64": pa.array([1, None, 10**9], pa.time64("ns")),
    "decimal": pa.array([Decimal("1.250"), None, Decimal("2")], pa.decimal128(12, 3)),
    "null": pa.nulls(3),
    "dictionary": pa.array(["b", None, "a"]).dictionary_encode(),
    "dictionary_int8": pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0], pa.int8()), pa.array(["z", "y", "unused"]), ordered=True),
    "dictionary_of_numbers": pa.array([10, None, 20]).dictionary_encode(),
}  # fmt: skip


@pytest.mark.parametrize("name", ARROW)
def test_arrow_types(name: str) -> None:
    data = pa.table({"before": [1, 2, 3], name: ARROW[name]})
    back = through(data)
    assert back.schema.equals(data.schema)
    assert back.column(name).to_pylist() == data.column(name).to_pylist()
    if name.startswith("dictionary"):
        assert back.column(name).chunk(0).dictionary.equals(data.column(name).chunk(0).dictionary)


def test_arrow_fields_that_are_not_nullable_stay_so() -> None:
    schema = pa.schema([pa.field("n", pa.int64(), nullable=False), pa.field("m", pa.int64())])
    data = pa.table({"n": [1, 2], "m": [1, None]}, schema=schema)
    assert through(data).schema.equals(schema)


def test_arrow_columns_in_several_chunks() -> None:
    parts = [pa.table({"n": [1, 2], "c": pa.array(["a", "b"]).dictionary_encode()}),
             pa.table({"n": [3], "c": pa.array(["c"]).dictionary_encode()})]  # fmt: skip
    data = pa.concat_tables(parts)
    assert through(data).to_pydict() == data.to_pydict()


def test_pandas_names_order_and_index() -> None:
    data = pd.DataFrame({"b": [1, 2], 3: ["x", "y"], "a": [0.5, 1.5]}, index=["r1", "r2"])
    frame, kind = frames.read(data)
    assert kind.name == "pandas"
    assert list(data.index) == ["r1", "r2"]  # the user's frame is left as it was
    back = through(data)
    assert list(back.columns) == ["b", 3, "a"]
    assert isinstance(back.index, pd.RangeIndex)
    pd.testing.assert_frame_equal(back, data.reset_index(drop=True))
    assert frame.index.equals(pd.RangeIndex(2))


def test_pandas_integer_names_and_one_row() -> None:
    data = pd.DataFrame(np.array([[1.5, 2.5]]))
    back = through(data)
    assert list(back.columns) == [0, 1]
    pd.testing.assert_frame_equal(back, data)


def test_pandas_arrow_backed_dictionary() -> None:
    kind = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    data = pd.DataFrame({"d": pd.array(["b", "a", None], dtype=kind)})
    back = through(data)
    assert back["d"].dtype == kind
    assert back["d"].isna().tolist() == [False, False, True]
    assert back["d"].tolist()[:2] == ["b", "a"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame({"a": []}), "no rows"),
        (pl.DataFrame({"a": []}), "no rows"),
        (pa.table({"a": []}), "no rows"),
        (pl.DataFrame(), "no columns"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "occur twice: a"),
        (pa.table([[1], [2]], names=["a", "a"]), "occur twice: a"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
        (pd.DataFrame({1.5: [1]}), "1.5 is a float"),
        (pd.DataFrame({("a", 1): [1]}).set_axis([pd.Timestamp(0)], axis=1), "Timestamp"),
        ([1, 2, 3], "got list"),
        (pd.Series([1]), "got Series"),
        (pl.Series([1]), "got Series"),
        (pl.DataFrame({"a": [1]}).lazy(), "collect"),
        (pl.DataFrame({"a": [[1]]}), "'a' is of type List"),
        (pl.DataFrame({"a": [{"b": 1}]}), "'a' is of type Struct"),
        (pa.table({"a": [[1]]}), "'a' is of type list"),
        (pa.table({"a": [b"x"]}), "'a' is of type binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_what_is_not_a_table(data: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        frames.read(data)


@pytest.mark.parametrize("cell", [[1], {"a": 1}, b"x", {1, 2}, object(), 1 + 2j])
def test_cells_that_no_kind_holds(cell: Any) -> None:
    with pytest.raises(InvalidInputError, match=f"'odd' holds cells of type {type(cell).__name__}"):
        infer_schema(pd.DataFrame({"odd": pd.Series([cell, cell], dtype="object")}))


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="'z' is of dtype complex128"):
        infer_schema(pd.DataFrame({"z": [1 + 2j]}))


def test_wide_tables_are_quick() -> None:
    import time

    data = pd.DataFrame(np.arange(30_000.0).reshape(10, 3000))
    start = time.process_time()
    schema = infer_schema(data)
    schema.validate_frame(data)
    assert len(schema) == 3000
    assert time.process_time() - start < 5


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"synthgen\[arrow\]"):
        frames.read(pl.DataFrame({"a": [1]}))
