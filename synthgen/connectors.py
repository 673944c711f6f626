"""Where tables come from and go to: the Connector protocol, found by entry point.

A connector is registered in the entry point group ``synthgen.connectors`` under each URL scheme it
serves (``csv``, ``parquet``, ``sqlite``, ...); ``files`` serves plain paths and ``-``. SynthGen
imports no connector: any installed package may bring one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Protocol

from synthgen.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

GROUP = "synthgen.connectors"
_PLAIN = "files"
# Two letters at least: C:\data.csv is a path.
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):", re.IGNORECASE)


@dataclass(frozen=True)
class Scan:
    """What a source says of itself before its rows are read; ``rows`` is None where unknown."""

    columns: tuple[str, ...]
    rows: int | None = None


class Connector(Protocol):
    """Reads and writes the tables of one kind of place. Made without arguments.

    Every method raises `InvalidInputError` with one line where a source or a target cannot be used.
    """

    def scan(self, uri: str) -> Scan:
        """Column names, without reading the rows."""
        ...

    def read(self, uri: str) -> pd.DataFrame:
        """The whole table. Sources without types give text cells with nothing converted."""
        ...

    def read_batches(self, uri: str, rows: int) -> Iterator[pd.DataFrame]:
        """The table in frames of at most ``rows`` rows, one after the other."""
        ...

    def write(
        self,
        uri: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        provenance: Mapping[str, Any] | None = None,
    ) -> str:
        """Write a synthetic table whole or not at all, with a note that it is synthetic.

        Args:
            uri: Where to.
            frames: One frame, or frames with the same columns that follow each other; the first is
                asked for when the target is known to be usable.
            provenance: JSON-ready facts for that note (which model, which seed).

        Returns:
            Where the note is, in words; "" where the target has no place for one (a pipe).
        """
        ...


def find(uri: str) -> Connector:
    """The connector that serves ``uri``.

    Raises:
        InvalidInputError: If no installed connector serves its scheme.
        MissingExtraError: If the connector is there but a package that it needs is not.
    """
    found: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=GROUP)}
    name = scheme(uri)
    if name not in found:
        have = ", ".join(f"{known}:" for known in sorted(found) if known != _PLAIN) or "none"
        if name == _PLAIN:
            raise MissingExtraError(
                "no connector for files is installed; reinstall with: pip install synthgen"
            )
        raise InvalidInputError(
            f"{without_secret(uri)}: no connector for {name}: is installed (there is {have}); "
            f"give a file, or install the connector"
        )
    try:
        connector: Connector = found[name].load()()
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{without_secret(uri)}: the connector for {name}: needs the package {error.name!r}; "
            f"install it with: pip install {error.name}"
        ) from None
    return connector


def scheme(uri: str) -> str:
    """The scheme of ``uri`` in lower case; ``files`` for a path or ``-``."""
    match = _SCHEME.match(uri)
    return match[1].lower() if match and not os.path.exists(uri) else _PLAIN


def without_secret(uri: str) -> str:
    """``uri`` fit to be shown: the password in ``user:password@`` is struck out, and what an option
    is set to that is called like a secret.
    """
    # To the last @: a password may hold one.
    uri = re.sub(r"(://[^/@:]*:).*@", r"\1***@", uri)
    return re.sub(r"(?i)([?&][^=&]*(?:password|pwd|secret|token|key)[^=&]*=)[^&]*", r"\1***", uri)
