"""JSON lines (``.jsonl``, ``.ndjson``, also ``.gz``): one object a line. Needs pyarrow."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError
from synthgen_connectors import arrowtables, packed, records

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = tuple(end + gz for end in (".jsonl", ".ndjson") for gz in ("", ".gz"))
OPTIONS: tuple[str, ...] = ()


def scan(path: str) -> Scan:
    """Column names and the number of rows; reads the file."""
    frame = read(path)
    return Scan(tuple(frame.columns), len(frame))


def read(path: str) -> pd.DataFrame:
    """The whole file; a name that an object lacks is a missing cell."""
    return records.frame(_objects(path), path)


def read_batches(path: str, rows: int) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` rows.

    The file is read twice, so that a column has one type throughout; a pipe is held in memory.
    """
    if path == "-":
        yield from records.slices(read(path), rows)
        return
    columns = records.Columns()
    for part in _parts(path, rows):
        columns.see(part)
    schema = columns.schema(path)
    for part in _parts(path, rows):
        yield records.of_schema(part, schema, path)


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write an object a row; dates as ISO 8601 texts, missing cells as null."""
    arrowtables.need("pyarrow", path, "JSON lines", "arrow")
    with packed.writing(path) as out:
        for frame in frames:
            for row in arrowtables.to_table(frame).to_pylist():
                plain = {str(name): _plain(cell) for name, cell in row.items()}
                out.write((json.dumps(plain, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _plain(cell: Any) -> Any:
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, Decimal):
        return float(cell)
    if isinstance(cell, (dt.date, dt.time)):
        return cell.isoformat()
    return str(cell) if isinstance(cell, dt.timedelta) else cell


def _parts(path: str, rows: int) -> Iterator[list[dict[str, Any]]]:
    source = _objects(path)
    while part := list(islice(source, rows)):
        yield part


def _objects(path: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(packed.lines(path), 1):
        if not line:
            continue
        try:
            row = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"{path}: line {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise InvalidInputError(f"{path}: line {number} is not an object like {{...}}")
        yield row


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON; write null")
