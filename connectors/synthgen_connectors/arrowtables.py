"""Between Arrow tables and frames: what every source with types goes through. Needs pyarrow."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from synthgen.atomic import replacing
from synthgen.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


METADATA_KEY = b"synthgen"


def need(module: str, where: str, what: str, extra: str) -> Any:
    """The module called ``module``.

    Raises:
        MissingExtraError: If it is not installed; ``what`` needs it, and ``extra`` brings it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = (error.name or module).partition(".")[0]
        raise MissingExtraError(
            f"{where}: {what} needs {package}; install it with: pip install 'synthgen[{extra}]'"
        ) from None


def to_frame(table: pa.Table) -> pd.DataFrame:
    """Arrow-backed columns: no type is lost, and a whole number with gaps stays whole."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    return frame


def to_table(frame: pd.DataFrame) -> pa.Table:
    """An Arrow table without the index; a category's cells are its levels."""
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, preserve_index=False)
    types = [(field.name, plain(field.type)) for field in table.schema]
    return table.replace_schema_metadata(None).cast(pa.schema(types))


def plain(kind: pa.DataType) -> pa.DataType:
    """The type of the levels, where ``kind`` is that of a category."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def check_names(names: Iterable[object], where: str) -> list[str]:
    """``names`` as texts.

    Raises:
        InvalidInputError: If there is none, or one that is empty or there twice.
    """
    texts = ["" if name is None else str(name) for name in names]
    repeated = [name for name, count in Counter(texts).items() if count > 1 and name]
    if repeated:
        shown = ", ".join(map(repr, repeated[:5]))
        raise InvalidInputError(f"{where}: column names occur twice: {shown}; rename them")
    if "" in texts or not texts:
        raise InvalidInputError(
            f"{where}: column {texts.index('') + 1 if texts else 1} has no name"
        )
    return texts


def no_rows(where: str) -> InvalidInputError:
    """The error of a table that has columns only."""
    return InvalidInputError(f"{where}: has no rows; a table needs at least one row")


@contextmanager
def reading(path: str, what: str) -> Iterator[None]:
    """What goes wrong while an Arrow or Parquet file is read, in one line."""
    pa = need("pyarrow", path, what, "arrow")
    if path == "-":
        raise InvalidInputError(f"standard input: {what} cannot be read from a pipe; name a file")
    try:
        yield
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such file; check the name") from None
    except pa.ArrowException as error:
        message = " ".join(str(error).split())[:120]
        raise InvalidInputError(f"{path}: not a readable {what} file: {message}") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot read it: {error.strerror or error}") from None


def check(schema: pa.Schema, rows: int, path: str) -> None:
    """Raise `InvalidInputError` where names repeat or there is no row."""
    check_names(schema.names, path)
    if rows == 0:
        raise no_rows(path)


def write(
    path: str,
    frames: Iterable[pd.DataFrame],
    facts: Mapping[str, Any],
    what: str,
    writer_of: Callable[[BinaryIO, pa.Schema], Any],
) -> None:
    """Write frames with the same columns, ``facts`` as JSON in the file's own metadata."""
    pa = need("pyarrow", path, what, "arrow")
    note = {METADATA_KEY: json.dumps(dict(facts), ensure_ascii=False)}
    with replacing(path) as handle:
        tables = (pa.Table.from_pandas(frame, preserve_index=False) for frame in frames)
        first = next(tables)
        schema = first.schema.with_metadata({**(first.schema.metadata or {}), **note})
        with writer_of(handle, schema) as writer:
            for table in chain([first], tables):
                writer.write_table(table.cast(schema))
