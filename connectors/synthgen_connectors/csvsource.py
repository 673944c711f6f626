"""Opens a CSV file: plain, gzipped or from standard input, its encoding, delimiter and header."""

from __future__ import annotations

import codecs
import csv
import difflib
import gzip
import io
import os
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, BinaryIO, NoReturn

from synthgen.errors import InvalidInputError
from synthgen_connectors.csvcheck import CheckedText

_PEEK = 1 << 18
_HEADER_LIMIT = 1 << 26
_DELIMITERS = ",;\t|"
_SNIFFED_RECORDS = 50

# First bytes of what people hand over instead of a CSV file, and what to do about it.
_FOREIGN = (
    (b"PAR1", "a Parquet file", "name it *.parquet or write parquet:PATH"),
    (b"PK\x03\x04", "a zip or an Excel file", "save the table as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file", "save the table as CSV"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"ARROW1", "an Arrow file", "convert the table to CSV or Parquet"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first"),
    (b"BZh", "compressed with bzip2", "unpack it first"),
    (b"\xff\xfe", "UTF-16 text", "convert it to UTF-8 or write csv:PATH?encoding=utf-16"),
    (b"\xfe\xff", "UTF-16 text", "convert it to UTF-8 or write csv:PATH?encoding=utf-16"),
)


@dataclass(frozen=True)
class CsvSource:
    """An open CSV file: its column names, its delimiter, and the checked text after the header."""

    where: str
    names: tuple[str, ...]
    delimiter: str
    body: CheckedText


@contextmanager
def open_csv(
    path: str, encoding: str | None = None, delimiter: str | None = None
) -> Iterator[CsvSource]:
    """Open the CSV file at ``path`` ("-": standard input) and read its header.

    Raises:
        InvalidInputError: If the file cannot be read, is empty, is not text, or repeats a column.
    """
    where = "standard input" if path == "-" else path
    try:
        with _open_raw(path) as raw:
            yield _source(_Utf8(raw, where, path, encoding), where, delimiter)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInputError(
            f"{where}: damaged gzip data ({error}); copy the file again"
        ) from None
    except IsADirectoryError:
        raise InvalidInputError(f"{where}: is a folder; name a file in it") from None
    except FileNotFoundError:
        raise InvalidInputError(f"{where}: no such file{_similar(path)}") from None
    except OSError as error:
        raise InvalidInputError(f"{where}: cannot read it: {error.strerror or error}") from None


def _open_raw(path: str) -> AbstractContextManager[BinaryIO]:
    if path != "-":
        return open(path, "rb")
    if sys.stdin is None or sys.stdin.isatty():
        raise InvalidInputError("standard input: nothing is piped in; name a file instead of -")
    return nullcontext(sys.stdin.buffer)  # not ours to close


def _similar(path: str) -> str:
    folder, name = os.path.split(path)
    if not os.path.isdir(folder or "."):
        return f"; there is no folder {folder!r}"
    close = difflib.get_close_matches(name, os.listdir(folder or "."), n=1)
    return f"; did you mean {os.path.join(folder, close[0])!r}?" if close else "; check the name"


def _source(text: _Utf8, where: str, delimiter: str | None) -> CsvSource:
    sample = _peek_header(text, where)
    delimiter = delimiter or _sniff(sample, text.ended)
    lines = _Consumed(sample)
    try:
        names = next(record for record in csv.reader(lines, delimiter=delimiter) if record)
    except (StopIteration, csv.Error):
        raise InvalidInputError(f"{where}: line 1 is no CSV header; is it a CSV file?") from None
    _refuse_repeated(names, where)
    text.push_back(sample[lines.length :].encode("utf-8"))
    body = CheckedText(text.read, where, delimiter, len(names), lines.count + 1)
    return CsvSource(where, tuple(names), delimiter, body)


def _peek_header(text: _Utf8, where: str) -> str:
    """The beginning of the file, with the whole header in it."""
    sample, size = b"", _PEEK
    while not text.ended and len(sample) < _HEADER_LIMIT and not _has_header(sample):
        sample += text.read(size)
        size *= 2
    if not sample.strip():
        raise InvalidInputError(
            f"{where}: empty file; a table needs a line of column names and at least one row"
        )
    # The sample may end within a character, which then belongs to the rest.
    whole = codecs.getincrementaldecoder("utf-8")().decode(sample)
    text.push_back(sample[len(whole.encode("utf-8")) :])
    return whole


def _has_header(sample: bytes) -> bool:
    """Whether a line ends outside quotes."""
    sample = sample.lstrip(b"\r\n")
    if b"\n" not in sample:
        return b"\r" in sample
    end = sample.find(b"\n")
    while end >= 0 and sample.count(b'"', 0, end) % 2:
        end = sample.find(b"\n", end + 1)
    return end >= 0


class _Consumed:
    """Lines of a text, any line end, counting how much of it a reader has taken."""

    def __init__(self, text: str) -> None:
        self._lines = io.StringIO(text, newline="")
        self.length = 0
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.length += len(line)
            self.count += 1
            yield line


def _sniff(sample: str, whole: bool) -> str:
    """The delimiter that cuts the first records into equally many cells, the most of them."""
    best, most = ",", 1
    for delimiter in _DELIMITERS:
        widths = _widths(sample, delimiter, whole)
        if widths and len(set(widths)) == 1 and widths[0] > most:
            best, most = delimiter, widths[0]
    if most > 1:
        return best
    # No delimiter fits all records (a broken file): the header's, so that the line can be named.
    headers = {d: (_widths(sample, d, True) or [1])[0] for d in _DELIMITERS}
    return max(_DELIMITERS, key=lambda d: headers[d])


def _widths(sample: str, delimiter: str, whole: bool) -> list[int]:
    widths: list[int] = []
    try:
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if record:
                widths.append(len(record))
            if len(widths) > _SNIFFED_RECORDS:
                break
    except csv.Error:
        pass
    # The last record of a sample may be cut off.
    return widths if whole or len(widths) < 2 else widths[:-1]


def _refuse_repeated(names: list[str], where: str) -> None:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        places = [str(i + 1) for i, name in enumerate(names) if name == repeated[0]]
        shown = ", ".join(repr(name) for name in repeated[:5])
        raise InvalidInputError(
            f"{where}: column names occur twice: {shown} (columns {', '.join(places[:5])}); "
            f"rename them in the first line"
        )


class _Utf8:
    """Bytes of a file as UTF-8 without a byte order mark, refused where they are not text."""

    def __init__(self, raw: BinaryIO, where: str, path: str, encoding: str | None) -> None:
        source: Any = raw if hasattr(raw, "peek") else io.BufferedReader(raw)
        if source.peek(2).startswith(b"\x1f\x8b"):
            source = gzip.GzipFile(fileobj=source)
        head = source.peek(64)[:64]
        binary = any(byte < 9 or 13 < byte < 32 for byte in head)  # PAR1 may be a column's name
        for magic, what, remedy in _FOREIGN:
            if head.startswith(magic) and (binary or magic[0] > 127) and not encoding:
                raise InvalidInputError(f"{where}: is {what}, not CSV in UTF-8; {remedy}")
        self._raw = source
        self._where = where
        self._path = path
        self._encoding = encoding
        try:
            self._decoder = codecs.getincrementaldecoder(encoding or "utf-8")()
        except LookupError:
            raise InvalidInputError(
                f"{where}: unknown encoding {encoding!r}; try utf-8, cp1252 or latin-1"
            ) from None
        self._position = 0
        self._pushed = b""
        self.ended = False

    def push_back(self, data: bytes) -> None:
        """Give ``data`` back, to be read before the rest."""
        self._pushed = data + self._pushed

    def read(self, size: int) -> bytes:
        """About ``size`` bytes; b"" only at the end."""
        if self._pushed:
            data, self._pushed = self._pushed, b""
            return data
        data = b""
        while not data and not self.ended:
            data = self._recode(self._raw.read(size))
        return data

    def _recode(self, block: bytes) -> bytes:
        self.ended = not block
        pending = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(block, final=self.ended)
        except UnicodeDecodeError as error:
            self._undecodable(self._position - len(pending) + error.start)
        if "\0" in text:
            raise InvalidInputError(
                f"{self._where}: a NUL character near byte {self._position + text.index(chr(0))}: "
                f"not a text file, or in another encoding; save it as CSV in UTF-8"
            )
        first, self._position = self._position == 0, self._position + len(block)
        if self._encoding:
            return (text.removeprefix("\ufeff") if first else text).encode("utf-8")
        return block.removeprefix(codecs.BOM_UTF8) if first else block

    def _undecodable(self, position: int) -> NoReturn:
        remedy = (
            "name another encoding"
            if self._encoding
            else f"save it as UTF-8, or name its encoding: csv:{self._path}?encoding=cp1252"
        )
        raise InvalidInputError(
            f"{self._where}: byte {position} is not {self._encoding or 'UTF-8'}; {remedy}"
        ) from None
