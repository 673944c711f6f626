"""Files that are read and written through gzip where their name ends in ``.gz``."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from synthgen.atomic import replacing
from synthgen.errors import InvalidInputError


def _is_packed(path: str) -> bool:
    return path.lower().endswith(".gz")


@contextmanager
def reading(path: str) -> Iterator[BinaryIO]:
    """The bytes of ``path``, of standard input for "-".

    Raises:
        InvalidInputError: If it cannot be read.
    """
    try:
        if path == "-":
            yield sys.stdin.buffer
        elif _is_packed(path):
            with gzip.open(path, "rb") as packed:
                yield packed  # type: ignore[misc]
        else:
            with open(path, "rb") as handle:
                yield handle
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidInputError(f"{path}: cannot read it: {reason}") from None


@contextmanager
def writing(path: str) -> Iterator[BinaryIO]:
    """Where to write ``path``, whole or not at all; equal contents are equal bytes."""
    with replacing(path) as handle:
        if not _is_packed(path):
            yield handle
            return
        with gzip.GzipFile("", "wb", fileobj=handle, mtime=0) as packed:
            yield packed  # type: ignore[misc]


def lines(path: str) -> Iterator[str]:
    """Lines of a text file, stripped.

    Raises:
        InvalidInputError: If it cannot be read, or is not UTF-8.
    """
    with reading(path) as handle:
        for number, line in enumerate(handle, 1):
            try:
                yield line.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise InvalidInputError(f"{path}: line {number} is not UTF-8 text") from None
