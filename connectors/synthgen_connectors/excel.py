"""Excel workbooks (``.xlsx``): the first sheet, or the one of ``xlsx:PATH?sheet=NAME``.

Needs openpyxl and pyarrow. Numbers, dates and truth values are what they are in Excel; a column
that mixes them with text is text.
"""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from synthgen.atomic import replacing
from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError, SynthGenError
from synthgen_connectors import arrowtables, records

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".xlsx",)
OPTIONS = ("sheet",)
_MOST_ROWS = 1_048_576
_NATIVE = (bool, int, float, Decimal, dt.date, dt.time, dt.timedelta)


def scan(path: str, sheet: str | None = None) -> Scan:
    """Column names and the number of rows; reads the sheet."""
    frame = read(path, sheet)
    return Scan(tuple(frame.columns), len(frame))


def read(path: str, sheet: str | None = None) -> pd.DataFrame:
    """The whole sheet, whose first row names the columns; empty rows are left out."""
    where = path if sheet is None else f"{path}, sheet {sheet!r}"
    with _open(path) as book:
        if sheet is not None and sheet not in book.sheetnames:
            there = ", ".join(map(repr, book.sheetnames[:8]))
            raise InvalidInputError(f"{path}: no sheet {sheet!r}; there is {there}")
        rows = book[sheet or book.sheetnames[0]].iter_rows(values_only=True)
        header = list(next(rows, ()))
        while header and header[-1] is None:
            header.pop()
        names = arrowtables.check_names(header, where)
        filled = (row for row in rows if any(cell is not None for cell in row))
        return records.frame((dict(zip(names, row, strict=False)) for row in filled), where)


def read_batches(path: str, rows: int, sheet: str | None = None) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` rows; a sheet is small enough to be read whole."""
    return records.slices(read(path, sheet), rows)


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write one sheet; ``facts`` as JSON in the workbook's description.

    Raises:
        SynthGenError: If there are more rows than a sheet can hold, or a text that it cannot.
    """
    openpyxl = arrowtables.need("openpyxl", path, "Excel", "excel")
    arrowtables.need("pyarrow", path, "Excel", "excel")
    book = openpyxl.Workbook(write_only=True)
    book.properties.description = json.dumps(dict(facts), ensure_ascii=False)
    sheet = book.create_sheet("synthetic")
    with replacing(path) as handle:
        try:
            _append(sheet, frames, path)
        except BaseException:
            sheet.close()  # or openpyxl complains when it is collected
            raise
        book.save(handle)


def _append(sheet: Any, frames: Iterable[pd.DataFrame], path: str) -> None:
    count = 0
    for frame in frames:
        if count == 0:
            sheet.append([_text(sheet, str(name), path) for name in frame.columns])
            count = 1
        count += len(frame)
        if count > _MOST_ROWS:
            raise SynthGenError(
                f"{path}: a sheet of Excel holds {_MOST_ROWS - 1:,} rows; write .csv or .parquet"
            )
        for row in zip(*arrowtables.to_table(frame).to_pydict().values(), strict=True):
            sheet.append([_cell(sheet, cell, path) for cell in row])


def _cell(sheet: Any, cell: Any, path: str) -> Any:
    zoned = isinstance(cell, dt.datetime) and cell.tzinfo is not None
    if zoned or (isinstance(cell, dt.date) and cell.year < 1900):  # Excel has neither
        return _text(sheet, cell.isoformat(), path)
    return cell if cell is None or isinstance(cell, _NATIVE) else _text(sheet, str(cell), path)


def _text(sheet: Any, text: str, path: str) -> Any:
    """A cell of text, also where it begins like a formula."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils.exceptions import IllegalCharacterError

    try:
        cell = WriteOnlyCell(sheet, value=text)
    except IllegalCharacterError:
        raise SynthGenError(
            f"{path}: Excel cannot hold the text {text[:40]!r}; write .csv or .parquet"
        ) from None
    cell.data_type = "s"
    return cell


@contextmanager
def _open(path: str) -> Iterator[Any]:
    openpyxl = arrowtables.need("openpyxl", path, "Excel", "excel")
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such file; check the name") from None
    except (
        openpyxl.utils.exceptions.InvalidFileException,
        zipfile.BadZipFile,
        KeyError,
        ValueError,
    ) as error:
        raise InvalidInputError(f"{path}: not a readable Excel file: {str(error)[:120]}") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot read it: {error.strerror or error}") from None
    try:
        yield book
    finally:
        book.close()
