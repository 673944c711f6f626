"""Parquet files to frames and back. Needs pyarrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthgen.atomic import replacing
from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

METADATA_KEY = b"synthgen"


def scan(path: str) -> Scan:
    """Column names and the number of rows."""
    with _open(path) as file:
        return Scan(tuple(file.schema_arrow.names), file.metadata.num_rows)


def read(path: str) -> pd.DataFrame:
    """The whole file, with Arrow-backed columns: no type is lost."""
    with _open(path) as file:
        return _frame(file.read())


def read_batches(path: str, rows: int) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` rows."""
    import pyarrow as pa

    with _open(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield _frame(pa.Table.from_batches([batch]))


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write frames with the same columns, ``facts`` as JSON in the file's own metadata."""
    pa, pq = _pyarrow(path)
    note = {METADATA_KEY: json.dumps(dict(facts), ensure_ascii=False)}
    with replacing(path) as handle:
        writer = None
        for frame in frames:
            table = pa.Table.from_pandas(frame, preserve_index=False)
            if writer is None:
                metadata = {**(table.schema.metadata or {}), **note}
                writer = pq.ParquetWriter(handle, table.schema.with_metadata(metadata))
            writer.write_table(table.cast(writer.schema))
        if writer is not None:
            writer.close()


@contextmanager
def _open(path: str) -> Iterator[Any]:
    pa, pq = _pyarrow(path)
    if path == "-":
        raise InvalidInputError("standard input: Parquet cannot be read from a pipe; name a file")
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                raise InvalidInputError(
                    f"{path}: column names occur twice: {', '.join(map(repr, repeated[:5]))}; "
                    f"rename them"
                )
            if file.metadata.num_rows == 0:
                raise InvalidInputError(f"{path}: has no rows; a table needs at least one row")
            yield file
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such file; check the name") from None
    except pa.ArrowException as error:
        message = " ".join(str(error).split())[:120]
        raise InvalidInputError(f"{path}: not a readable Parquet file: {message}") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot read it: {error.strerror or error}") from None


def _frame(table: Any) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    return frame


def _pyarrow(path: str) -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ModuleNotFoundError:
        raise MissingExtraError(
            f"{path}: Parquet needs pyarrow; install it with: pip install 'synthgen[arrow]'"
        ) from None
    return pa, pq
