"""Tables in files: CSV (``.csv``, ``.csv.gz``, ``.tsv``, ``-``), Parquet (``.parquet``), molecules
(``.smi``, ``.sdf``) and sequences (``.fasta``).

``csv:PATH?encoding=cp1252&delimiter=;`` and ``parquet:PATH`` say what the ending does not.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from synthgen.atomic import replacing
from synthgen.connectors import Scan, scheme
from synthgen.errors import InvalidInputError
from synthgen_connectors import csvtable, fasta, molecules, parquet

if TYPE_CHECKING:
    import pandas as pd

_DELIMITER_NAMES = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_PARQUET_ENDINGS = (".parquet", ".pq")
_MOLECULE_ENDINGS = (*molecules.SMILES_ENDINGS, *molecules.SDF_ENDINGS)
_OPTIONS = ("delimiter", "encoding")


@dataclass(frozen=True)
class _Place:
    path: str
    is_parquet: bool
    encoding: str | None = None
    delimiter: str | None = None

    @property
    def typed(self) -> ModuleType | None:
        """What reads and writes a format that is not CSV."""
        if self.is_parquet:
            return parquet
        if self.path.lower().endswith(fasta.ENDINGS):
            return fasta
        return molecules if self.path.lower().endswith(_MOLECULE_ENDINGS) else None


class Files:
    """Reads and writes CSV and Parquet files, and files of molecules and sequences.

    Every CSV cell is text exactly as it stands in the file; an empty cell is "".
    """

    def scan(self, uri: str) -> Scan:
        """Column names, and the number of rows where the format tells it."""
        place = _place(uri)
        if place.typed:
            return place.typed.scan(place.path)  # type: ignore[no-any-return]
        return csvtable.scan(place.path, place.encoding, place.delimiter)

    def read(self, uri: str) -> pd.DataFrame:
        """The whole table; object columns of str from CSV, Arrow-backed columns from Parquet."""
        place = _place(uri)
        if place.typed:
            return place.typed.read(place.path)  # type: ignore[no-any-return]
        return csvtable.read(place.path, place.encoding, place.delimiter)

    def read_batches(self, uri: str, rows: int) -> Iterator[pd.DataFrame]:
        """Frames of at most ``rows`` rows; memory holds one at a time."""
        place = _place(uri)
        if place.typed:
            return place.typed.read_batches(place.path, rows)  # type: ignore[no-any-return]
        return csvtable.read_batches(place.path, rows, place.encoding, place.delimiter)

    def write(
        self,
        uri: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the file whole or not at all, and ``PATH.meta.json``: that it is synthetic.

        To standard output ("-") goes CSV alone.
        """
        place = _place(uri)
        if place.encoding or place.delimiter:
            raise InvalidInputError(f"{uri}: CSV is written in UTF-8 with commas; drop '?...'")
        import pandas as pd

        counted = _Counted([frames] if isinstance(frames, pd.DataFrame) else frames)
        if place.path == "-":
            csvtable.write_stdout(counted)
            return
        facts = {"synthetic": True, **(provenance or {})}
        if place.typed:
            place.typed.write(place.path, counted, facts)
        else:
            csvtable.write(place.path, counted)
        _write_note(place.path, {**facts, "rows": counted.rows, "columns": counted.columns})


class _Counted:
    """Frames that pass through, their rows and columns counted."""

    def __init__(self, frames: Iterable[pd.DataFrame]) -> None:
        self._frames = frames
        self.rows = 0
        self.columns = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for frame in self._frames:
            self.rows += len(frame)
            self.columns = frame.shape[1]
            yield frame


def _place(uri: str) -> _Place:
    kind = scheme(uri)
    if kind == "files":
        return _Place(uri, uri.lower().endswith(_PARQUET_ENDINGS))
    path, _, query = uri.partition(":")[2].partition("?")
    if not path:
        raise InvalidInputError(f"{uri}: names no file; write {kind}:PATH")
    if kind == "parquet" and not query:
        return _Place(path, True)
    options = dict(parse_qsl(query, keep_blank_values=True, separator="&"))
    for name in options:
        if kind == "parquet" or name not in _OPTIONS:
            known = "none for parquet" if kind == "parquet" else " and ".join(_OPTIONS)
            raise InvalidInputError(f"{uri}: no option {name!r}; there is {known}")
    delimiter = options.get("delimiter")
    delimiter = _DELIMITER_NAMES.get(delimiter or "", delimiter)
    if delimiter not in (None, *_DELIMITER_NAMES.values(), " ", ":"):
        raise InvalidInputError(
            f"{uri}: no delimiter {delimiter!r}; there is {', '.join(_DELIMITER_NAMES)}"
        )
    return _Place(path, False, options.get("encoding"), delimiter)


def _write_note(path: str, facts: Mapping[str, Any]) -> None:
    """``PATH.meta.json``: says that ``path`` is synthetic, and which bytes it speaks of."""
    if not os.path.isfile(path):  # a device or a pipe
        return
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    note = {**facts, "file": os.path.basename(path), "sha256": digest.hexdigest()}
    with replacing(f"{path}.meta.json") as handle:
        handle.write((json.dumps(note, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
