"""CSV to frames of text cells, and frames to CSV."""

from __future__ import annotations

import csv
import gzip
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from synthgen.atomic import replacing
from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError
from synthgen_connectors.csvsource import CsvSource, open_csv

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.parsers import TextFileReader

_TABS = (".tsv", ".tsv.gz")
ENDINGS = (".csv", ".csv.gz", *_TABS)
OPTIONS = ("delimiter", "encoding")
_DELIMITER_NAMES = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_WRITE_ROWS = 50_000


def scan(path: str, encoding: str | None = None, delimiter: str | None = None) -> Scan:
    """Column names of the CSV file at ``path``."""
    with open_csv(path, encoding, _delimiter(delimiter, path)) as source:
        return Scan(source.names)


def read(path: str, encoding: str | None = None, delimiter: str | None = None) -> pd.DataFrame:
    """The file as object columns of str, cell for cell as it stands there.

    Raises:
        InvalidInputError: If the file cannot be read, is broken, or has no rows.
    """
    with open_csv(path, encoding, _delimiter(delimiter, path)) as source:
        with _reader(source, None) as reader:
            frame = next(_frames(source, reader))
        _check_count(source, len(frame))
        return frame


def read_batches(
    path: str, rows: int, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` rows."""
    with open_csv(path, encoding, _delimiter(delimiter, path)) as source:
        count = 0
        with _reader(source, rows) as reader:
            for frame in _frames(source, reader):
                frame.index = frame.index - frame.index[0]
                count += len(frame)
                yield frame
        _check_count(source, count)


def _delimiter(given: str | None, path: str) -> str | None:
    sign = _DELIMITER_NAMES.get(given or "", given)
    if sign not in (None, *_DELIMITER_NAMES.values(), " ", ":"):
        raise InvalidInputError(
            f"{path}: no delimiter {sign!r}; there is {', '.join(_DELIMITER_NAMES)}"
        )
    return sign


def _reader(source: CsvSource, rows: int | None) -> TextFileReader:
    import pandas as pd

    try:
        return pd.read_csv(
            source.body,
            sep=source.delimiter,
            index_col=False,
            dtype=object,
            na_filter=False,
            engine="c",
            # A blank line is an empty cell where there is one column.
            skip_blank_lines=len(source.names) > 1,
            iterator=True,
            chunksize=rows,
        )
    except Exception as error:
        _explain(source, error)


def _frames(source: CsvSource, reader: TextFileReader) -> Iterator[pd.DataFrame]:
    while True:
        try:
            frame = next(reader)
        except StopIteration:
            return
        except Exception as error:
            _explain(source, error)
        if not source.body.records:
            raise InvalidInputError(
                f"{source.where}: has a header but no rows; a table needs at least one row"
            )
        frame.columns = _index(source.names)
        yield frame


def _index(names: tuple[str, ...]) -> pd.Index[str]:
    import pandas as pd

    return pd.Index(names, dtype=object)


def _explain(source: CsvSource, error: Exception) -> NoReturn:
    """Raise what went wrong below pandas, or a line that says what pandas met."""
    import pandas as pd

    if source.body.error is not None:
        raise source.body.error from None
    if not isinstance(error, (pd.errors.ParserError, ValueError)):
        raise error
    message = " ".join(str(error).split())
    raise InvalidInputError(f"{source.where}: not readable as CSV: {message}") from None


def _check_count(source: CsvSource, rows: int) -> None:
    if rows != source.body.records:
        raise InvalidInputError(
            f"{source.where}: not readable as CSV: it has {source.body.records} records and "
            f"{rows} of them could be read; check its quotes"
        )


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write frames with the same columns as one CSV file (gzipped for ``*.gz``), or nothing.

    Cells are parted by commas, in ``*.tsv`` by tabs, and written as they are: what stands for
    missing is up to the frame. CSV has no place for ``facts``.
    """
    sign = "\t" if path.lower().endswith(_TABS) else ","
    if path == "-":
        sys.stdout.flush()
        _write(sys.stdout.buffer, frames, sign)
        sys.stdout.buffer.flush()
        return
    with replacing(path) as handle:
        if not path.lower().endswith(".gz"):
            _write(handle, frames, sign)
            return
        # No name and no date: the same table is the same bytes.
        with gzip.GzipFile("", "wb", 6, handle, mtime=0) as packed:
            _write(packed, frames, sign)


def _write(handle: BinaryIO | gzip.GzipFile, frames: Iterable[pd.DataFrame], sign: str) -> None:
    header = True
    for frame in frames:
        for start in range(0, max(1, len(frame)), _WRITE_ROWS):
            part = frame.iloc[start : start + _WRITE_ROWS]
            handle.write(_text(part, header, sign).encode("utf-8"))
            header = False


def _text(frame: pd.DataFrame, header: bool, sign: str) -> str:
    form: dict[str, Any] = {"index": False, "header": header, "sep": sign, "lineterminator": "\n"}
    text: str = frame.to_csv(**form)
    if "\r" in text:
        # Older Pythons leave a return unquoted when lines end with "\n"; it would end a record.
        text = frame.to_csv(**form, quoting=csv.QUOTE_ALL)
    return text
