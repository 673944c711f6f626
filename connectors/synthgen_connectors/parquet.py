"""Parquet files to frames and back. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan
from synthgen_connectors import arrowtables

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".parquet", ".pq")
OPTIONS: tuple[str, ...] = ()


def scan(path: str) -> Scan:
    """Column names and the number of rows."""
    with _open(path) as file:
        return Scan(tuple(file.schema_arrow.names), file.metadata.num_rows)


def read(path: str) -> pd.DataFrame:
    """The whole file, with Arrow-backed columns: no type is lost."""
    with _open(path) as file:
        return arrowtables.to_frame(file.read())


def read_batches(path: str, rows: int) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` rows."""
    import pyarrow as pa

    with _open(path) as file:
        for batch in file.iter_batches(batch_size=rows):
            yield arrowtables.to_frame(pa.Table.from_batches([batch]))


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write frames with the same columns, ``facts`` as JSON in the file's own metadata."""
    pq = arrowtables.need("pyarrow.parquet", path, "Parquet", "arrow")
    arrowtables.write(path, frames, facts, "Parquet", pq.ParquetWriter)


@contextmanager
def _open(path: str) -> Iterator[Any]:
    with arrowtables.reading(path, "Parquet"):
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            arrowtables.check(file.schema_arrow, file.metadata.num_rows, path)
            yield file
