"""Arrow files, also called Feather, to frames and back. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan
from synthgen_connectors import arrowtables

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".arrow", ".feather")
OPTIONS: tuple[str, ...] = ()


def scan(path: str) -> Scan:
    """Column names and the number of rows."""
    with _open(path) as file:
        return Scan(tuple(file.schema.names), _rows(file))


def read(path: str) -> pd.DataFrame:
    """The whole file, with Arrow-backed columns: no type is lost."""
    with _open(path) as file:
        return arrowtables.to_frame(file.read_all())


def read_batches(path: str, rows: int) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` rows."""
    import pyarrow as pa

    with _open(path) as file:
        for i in range(file.num_record_batches):
            batch = pa.Table.from_batches([file.get_batch(i)])
            for start in range(0, len(batch), rows):
                yield arrowtables.to_frame(batch.slice(start, rows))


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write frames with the same columns, ``facts`` as JSON in the file's own metadata."""
    ipc = arrowtables.need("pyarrow.ipc", path, "Arrow", "arrow")
    arrowtables.write(path, frames, facts, "Arrow", ipc.new_file)


@contextmanager
def _open(path: str) -> Iterator[Any]:
    with arrowtables.reading(path, "Arrow"):
        import pyarrow as pa

        with pa.memory_map(path) as source, pa.ipc.open_file(source) as file:
            arrowtables.check(file.schema, _rows(file), path)
            yield file


def _rows(file: Any) -> int:
    return sum(file.get_batch(i).num_rows for i in range(file.num_record_batches))
