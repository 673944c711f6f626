"""Tables in files, by their ending: Parquet, Arrow and Feather, JSON lines, Excel, molecules
(``.smi``, ``.sdf``), sequences (``.fasta``), and CSV (``.csv``, ``.tsv``, ``-``, any other).

``csv:PATH?encoding=cp1252&delimiter=;``, ``xlsx:PATH?sheet=Orders`` and ``parquet:PATH`` say what
the ending does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan, scheme
from synthgen.errors import InvalidInputError
from synthgen_connectors import (
    csvtable,
    excel,
    fasta,
    feather,
    jsonlines,
    molecules,
    notes,
    options,
    parquet,
)

if TYPE_CHECKING:
    import pandas as pd

# Each has ENDINGS, OPTIONS and, of a path and these options, scan, read, read_batches and write.
_BY_SCHEME = {
    "csv": csvtable, "parquet": parquet, "arrow": feather, "jsonl": jsonlines, "xlsx": excel,
}  # fmt: skip
_FORMATS = (*_BY_SCHEME.values(), molecules, fasta)


class Files:
    """Reads and writes files of tables, molecules and sequences.

    Every CSV cell is text exactly as it stands in the file; an empty cell is "". Formats with types
    give Arrow-backed columns.
    """

    def scan(self, uri: str) -> Scan:
        """Column names, and the number of rows where the format tells it."""
        form, path, given = _place(uri)
        return form.scan(path, **given)  # type: ignore[no-any-return]

    def read(self, uri: str) -> pd.DataFrame:
        """The whole table."""
        form, path, given = _place(uri)
        return form.read(path, **given)  # type: ignore[no-any-return]

    def read_batches(self, uri: str, rows: int) -> Iterator[pd.DataFrame]:
        """Frames of at most ``rows`` rows."""
        form, path, given = _place(uri)
        return form.read_batches(path, rows, **given)  # type: ignore[no-any-return]

    def write(
        self,
        uri: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        provenance: Mapping[str, Any] | None = None,
    ) -> str:
        """Write the file whole or not at all, and ``PATH.meta.json``: that it is synthetic.

        To standard output ("-") goes CSV alone.
        """
        form, path, given = _place(uri)
        if given:
            usual = (
                "CSV is written in UTF-8 with commas, .tsv with tabs; " if form is csvtable else ""
            )
            raise InvalidInputError(f"{uri}: {usual}drop '?...' from the file to write")
        counted = notes.Counted(frames)
        form.write(path, counted, {"synthetic": True, **(provenance or {})})
        return notes.write_beside(path, counted.facts(provenance))


def _place(uri: str) -> tuple[ModuleType, str, dict[str, str]]:
    """The format, the path and the options that ``uri`` names."""
    kind = scheme(uri)
    if kind not in _BY_SCHEME:
        found = (form for form in _FORMATS if uri.lower().endswith(form.ENDINGS))
        return next(found, csvtable), uri, {}
    form = _BY_SCHEME[kind]
    path, given = options.split(uri, form.OPTIONS)
    path = path.partition(":")[2]
    if not path:
        raise InvalidInputError(f"{uri}: names no file; write {kind}:PATH")
    return form, path, given
