"""Counts the cells of every CSV record on the way to the parser.

pandas fills records that are too short without a word and refuses no odd quote, so a broken file
would become a wrong table. Here each block of bytes is checked before the parser sees it: where
quotes stand as RFC 4180 wants them (nearly always) by counting in numpy, else record by record
with Python's own reader.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import NoReturn

import numpy as np

from synthgen.errors import InvalidInputError

_BLOCK = 1 << 20
_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D


class CheckedText(io.TextIOBase):
    """Text of a CSV's records, below a line of column numbers, as a file to read from.

    Attributes:
        records: How many went through so far.
        error: What was raised while reading; parsers wrap exceptions beyond recognition.
    """

    def __init__(
        self,
        blocks: Callable[[int], bytes],
        where: str,
        delimiter: str,
        width: int,
        line: int,
    ) -> None:
        """Args: ``blocks`` gives the next so many bytes of UTF-8; ``line``: where they start."""
        self._blocks = blocks
        self._where = where
        self._delimiter = delimiter
        self._width = width
        self._line = line
        self._carry = b""
        # A first line of its own: parsers drop a byte order mark from the start of a text.
        self._text = delimiter.join(map(str, range(width))) + "\n"
        self._position = 0
        self._records: Iterator[str] | None = None
        self.records = 0
        self.error: BaseException | None = None

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def read(self, size: int | None = -1, /) -> str:
        """The next ``size`` characters; fewer only at the end."""
        if size is None or size < 0:
            return "".join(iter(lambda: self.read(_BLOCK), ""))
        if self._position >= len(self._text):
            self._text, self._position = self._checked(), 0
        piece = self._text[self._position : self._position + size]
        self._position += size
        return piece

    def _checked(self) -> str:
        try:
            return self._next()
        except BaseException as error:
            self.error = error
            raise

    def _next(self) -> str:
        """The next whole records; "" at the end."""
        if self._records is not None:
            return next(self._records, "")
        wanted = _BLOCK
        while True:
            fresh = self._blocks(wanted)
            block = self._carry + fresh
            if not fresh and not block:
                return ""
            if not fresh and block[-1] != _NEWLINE:
                block += b"\n"  # the last line may lack its end
            end = self._count(block)
            if end is None:
                self._records = self._one_by_one(block)
                return next(self._records, "")
            if end:
                self._line += block.count(b"\n", 0, end)
                self._carry = block[end:]
                return block[:end].decode("utf-8")
            if not fresh:
                self._fail(self._line + block.count(b"\n", 0, block.index(b'"')), _UNCLOSED)
            self._carry = block
            wanted = len(block)  # doubling: a long record is not scanned over and over

    def _count(self, block: bytes) -> int | None:
        """Check the whole records in ``block`` and return where they end; None: quotes are odd."""
        cells = np.frombuffer(block, np.uint8)
        ends, delimiters = cells == _NEWLINE, cells == ord(self._delimiter)
        quotes = np.flatnonzero(cells == _QUOTE)
        if quotes.size:
            if not self._regular(cells, quotes):
                return None
            outside = np.bitwise_xor.accumulate((cells == _QUOTE).view(np.uint8)) == 0
            ends &= outside
            delimiters &= outside
        stops = np.flatnonzero(ends)
        if not stops.size:
            return 0 if _RETURN not in block else None
        end = int(stops[-1]) + 1
        returns = np.flatnonzero(cells[:end] == _RETURN)
        if (cells[returns + 1] != _NEWLINE).any():
            return None  # lines of old Mac files, or a return within a cell
        starts = np.concatenate(([0], stops[:-1] + 1))
        lengths = stops - starts
        found = np.diff(np.searchsorted(np.flatnonzero(delimiters), stops), prepend=0) + 1
        blank = (lengths == 0) | ((lengths == 1) & (cells[starts] == _RETURN))
        if self._width == 1:
            blank[:] = False  # a blank line is an empty cell
        bad = np.flatnonzero((found != self._width) & ~blank)
        if bad.size:
            start = int(starts[bad[0]])
            self._ragged(self._line + block.count(b"\n", 0, start), int(found[bad[0]]))
        self.records += int(stops.size - blank.sum())
        return end

    def _regular(self, cells: np.ndarray, quotes: np.ndarray) -> bool:
        """Whether quotes open after and close before a delimiter, a line end or another quote."""
        neighbours = (ord(self._delimiter), _NEWLINE, _RETURN, _QUOTE)
        opening, closing = quotes[0::2], quotes[1::2]
        before = cells[opening[opening > 0] - 1]
        after = cells[closing[closing < cells.size - 1] + 1]
        return bool(np.isin(before, neighbours).all() and np.isin(after, neighbours).all())

    def _one_by_one(self, block: bytes) -> Iterator[str]:
        """The slow way: each record read and counted here, and handed on in regular form."""
        rest = io.BufferedReader(_Rest(block, self._blocks), _BLOCK)
        lines = io.TextIOWrapper(rest, encoding="utf-8", newline="")
        # strict: text after a closing quote is nearly always a quote that was never closed.
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        before = self._line - 1
        regular = io.StringIO(newline="")
        writer = csv.writer(
            regular, delimiter=self._delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n"
        )
        while True:
            line = before + reader.line_num + 1
            try:
                record = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                self._fail(
                    line, _UNCLOSED if "end of data" in str(error) else f"is broken: {error}"
                )
            # A blank line is an empty cell of a table with one column, else nothing.
            record = record or [""] * (self._width == 1)
            if not record:
                continue
            if len(record) != self._width:
                self._ragged(line, len(record))
            self.records += 1
            writer.writerow(record)
            if regular.tell() > _BLOCK:
                yield regular.getvalue()
                regular.seek(regular.truncate(0))
        yield regular.getvalue()

    def _ragged(self, line: int, found: int) -> NoReturn:
        self._fail(
            line,
            f"has {found} cell{'s' * (found != 1)}, the header has {self._width} "
            f"(delimiter {self._delimiter!r}); mend the line, or put cells that contain "
            f"{self._delimiter!r} or '\"' in quotes",
        )

    def _fail(self, line: int, what: str) -> NoReturn:
        raise InvalidInputError(f"{self._where}: line {line} {what}")


_UNCLOSED = "opens a quote that is never closed; close it, or double it if it belongs to the cell"


class _Rest(io.RawIOBase):
    """A block, then what follows it, as one raw stream."""

    def __init__(self, block: bytes, blocks: Callable[[int], bytes]) -> None:
        self._block = block
        self._blocks = blocks

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._block or self._blocks(len(buffer))
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._block = data[size:]
        return size
