"""Sequences in FASTA files (``.fasta``, ``.fa``, ``.faa``, also ``.gz``).

A frame of them has the columns ``name``, the header without ">", and ``sequence``. A record without
residues is a row with an empty sequence, so that nothing is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError
from synthgen_connectors import packed, records

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = tuple(end + gz for end in (".fasta", ".fa", ".faa") for gz in ("", ".gz"))
_WIDTH = 60


def scan(path: str) -> Scan:
    """Column names and the number of records; reads the file."""
    frame = read(path)
    return Scan(tuple(map(str, frame.columns)), len(frame))


def read(path: str) -> pd.DataFrame:
    """All records.

    Raises:
        InvalidInputError: If the file is no FASTA, or holds no record.
    """
    import pandas as pd

    names: list[str] = []
    parts: list[list[str]] = []
    for number, line in enumerate(packed.lines(path), 1):
        if line.startswith(">"):
            names.append(line[1:].strip())
            parts.append([])
        elif line and not line.startswith(";"):
            if not parts:
                raise InvalidInputError(
                    f"{path}: line {number} comes before any header; a FASTA record begins with '>'"
                )
            parts[-1].append(line)
    if not parts:
        raise InvalidInputError(f"{path}: holds no sequence; expected at least one record")
    return pd.DataFrame({"name": names, "sequence": ["".join(lines) for lines in parts]})


def read_batches(path: str, rows: int) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` records."""
    return records.slices(read(path), rows)


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write the column ``sequence``; headers say that it is synthetic, and the other columns.

    Raises:
        InvalidInputError: If there is no such column, or the file cannot be written.
    """
    count = 0
    with packed.writing(path) as out:
        for frame in frames:
            if "sequence" not in frame:
                raise InvalidInputError(f"{path}: the rows have no column sequence to write")
            for row in frame.to_dict("records"):
                count += 1
                sequence = row.pop("sequence")
                beside = "".join(f" {name}={value}" for name, value in row.items())
                out.write(f">synthetic_{count}{beside}\n".encode())
                for start in range(0, len(sequence), _WIDTH):
                    out.write(f"{sequence[start : start + _WIDTH]}\n".encode())
