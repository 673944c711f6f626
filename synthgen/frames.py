"""Tables in and out: pandas, polars or Arrow in, a pandas frame inside, the same kind out.

polars and Arrow columns enter as Arrow-backed pandas dtypes, so that no cell is converted on the
way; dictionary-encoded ones enter as pandas categories.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import narwhals.dependencies as kinds
import pandas as pd

from synthgen.arrowtypes import pyarrow, type_name, type_of
from synthgen.errors import InvalidInputError
from synthgen.schema import Column, Schema

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_NOT_NULL = " not null"


@dataclass(frozen=True)
class FrameKind:
    """The kind of table data came in.

    Attributes:
        name: ``pandas``, ``polars`` or ``arrow``.
        natives: By column, the type's name where the pandas dtype does not say it.
    """

    name: Literal["pandas", "polars", "arrow"]
    natives: tuple[str | None, ...] = ()


def read(data: Any) -> tuple[pd.DataFrame, FrameKind]:
    """A pandas frame of ``data``, with a range index, and the kind that `write` gives back.

    Args:
        data: A pandas or polars DataFrame, or an Arrow Table.

    Raises:
        InvalidInputError: Not a table; no columns or rows; repeated, nested or unnamed columns;
            cells of a type that no kind can hold (lists, structs, bytes).
        MissingExtraError: A polars or Arrow table, and pyarrow is not installed.
    """
    if kinds.is_pandas_dataframe(data):
        _check_names(data.columns)
        _check_size(len(data), len(data.columns))
        return data.reset_index(drop=True), FrameKind("pandas", (None,) * len(data.columns))
    if kinds.is_polars_dataframe(data):
        _check_size(data.height, data.width)
        return _read_polars(data)
    if kinds.is_pyarrow_table(data):
        _check_names(data.column_names)
        _check_size(data.num_rows, data.num_columns)
        return _read_arrow(data)
    hint = "; call .collect() first" if kinds.is_polars_lazyframe(data) else ""
    raise InvalidInputError(
        f"expected a pandas or polars DataFrame or a pyarrow Table, got {type(data).__name__}{hint}"
    )


def write(frame: pd.DataFrame, schema: Schema) -> Any:
    """``frame`` as the kind of table ``schema`` was inferred from, with the same column types.

    Args:
        frame: Columns as `cells.write` gives them: named and typed as in ``schema``.
        schema: Says the kind of frame, and the types that pandas has no word for.
    """
    if schema.frame == "pandas":
        return frame if list(frame.columns) == schema.names else frame.loc[:, schema.names]
    pa = pyarrow()
    arrays = [_to_arrow(frame[column.name], column) for column in schema]
    if schema.frame == "polars":
        return _write_polars(arrays, schema)
    fields = [
        pa.field(column.name, array.type, nullable=not (column.native or "").endswith(_NOT_NULL))
        for column, array in zip(schema, arrays, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(fields))


def _check_names(names: Iterable[Any]) -> None:
    if isinstance(names, pd.MultiIndex):
        raise InvalidInputError(
            "the columns have several levels (a MultiIndex); flatten them to one name per column"
        )
    names = list(names)
    for name in names:
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            raise InvalidInputError(
                f"column name {name!r} is a {type(name).__name__}; expected text or an integer"
            )
    repeated = [str(name) for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise InvalidInputError(
            f"column names occur twice: {', '.join(repeated)}; rename or drop the repeated ones"
        )


def _check_size(rows: int, columns: int) -> None:
    if columns == 0:
        raise InvalidInputError("the table has no columns; expected at least one")
    if rows == 0:
        raise InvalidInputError("the table has no rows; expected at least one")


def _read_polars(data: pl.DataFrame) -> tuple[pd.DataFrame, FrameKind]:
    import polars as pl

    natives: list[str | None] = []
    columns: dict[str, pd.Series[Any]] = {}
    for name, dtype in data.schema.items():
        if dtype.is_nested() or dtype in (pl.Binary, pl.Object, pl.Int128):
            raise _unsupported(name, str(dtype))
        series = data.get_column(name)
        native = str(dtype.base_type()) if dtype in (pl.Enum, pl.Categorical) else None
        natives.append(native)
        if native is None:
            columns[name] = _from_arrow(name, pyarrow().chunked_array([series.to_arrow()]))
        else:
            # A Categorical may know levels of other columns: keep those that occur here.
            levels = (
                dtype.categories.to_list()
                if isinstance(dtype, pl.Enum)
                else series.cast(pl.String).unique().drop_nulls().sort().to_list()
            )
            codes = series.cast(pl.String).cast(pl.Enum(levels)).to_physical()
            columns[name] = pd.Series(
                pd.Categorical.from_codes(
                    codes.cast(pl.Int32).fill_null(-1).to_numpy(),
                    pd.Index(levels, dtype="object"),
                    ordered=native == "Enum",
                )
            )
    return pd.DataFrame(columns), FrameKind("polars", tuple(natives))


def _read_arrow(data: pa.Table) -> tuple[pd.DataFrame, FrameKind]:
    pa = pyarrow()
    natives: list[str | None] = []
    columns: dict[str, pd.Series[Any]] = {}
    for field, array in zip(data.schema, data.columns, strict=True):
        named = pa.types.is_dictionary(field.type) or field.type == pa.string_view()
        native = (type_name(field.type) if named else "") + ("" if field.nullable else _NOT_NULL)
        natives.append(native or None)
        columns[field.name] = _from_arrow(field.name, array)
    return pd.DataFrame(columns), FrameKind("arrow", tuple(natives))


def _from_arrow(name: str, array: pa.ChunkedArray) -> pd.Series[Any]:
    pa = pyarrow()
    try:
        type_of(type_name(array.type))
    except InvalidInputError:
        raise _unsupported(name, str(array.type)) from None
    if pa.types.is_dictionary(array.type):
        dense: pd.Series[Any] = array.to_pandas()
        return dense
    if array.type == pa.string_view():
        array = array.cast(pa.large_string())
    return pd.Series(pd.arrays.ArrowExtensionArray(array))


def _to_arrow(series: pd.Series[Any], column: Column) -> pa.ChunkedArray | pa.Array:
    """Cells of one column as Arrow, of the type the schema names."""
    native = (column.native or "").removesuffix(_NOT_NULL)
    if native.startswith("dictionary"):
        return _to_dictionary(series, type_of(native))
    array = pyarrow().array(series, from_pandas=True)
    if native in ("Enum", "Categorical"):
        return array
    wanted = type_of(native or column.dtype.removesuffix("[pyarrow]"))
    return array if array.type == wanted else array.cast(wanted)


def _to_dictionary(series: pd.Series[Any], wanted: pa.DictionaryType) -> pa.DictionaryArray:
    pa = pyarrow()
    codes = series.cat.codes.to_numpy()
    return pa.DictionaryArray.from_arrays(
        pa.array(codes, mask=codes < 0).cast(wanted.index_type),
        pa.array(series.cat.categories, type=wanted.value_type),
        ordered=wanted.ordered,
    )


def _write_polars(arrays: list[Any], schema: Schema) -> pl.DataFrame:
    import polars as pl

    columns = []
    for column, array in zip(schema, arrays, strict=True):
        series = pl.Series(str(column.name), array)
        if column.native == "Enum":
            levels = array.dictionary if hasattr(array, "dictionary") else array.chunk(0).dictionary
            series = series.cast(pl.String).cast(pl.Enum(levels.to_pylist()))
        elif column.native == "Categorical":
            series = series.cast(pl.String).cast(pl.Categorical)
        columns.append(series)
    return pl.DataFrame(columns)


def _unsupported(name: object, dtype: str) -> InvalidInputError:
    return InvalidInputError(
        f"column {name!r} is of type {dtype}, which cannot be synthesized; "
        "drop it or turn it into text or numbers"
    )
