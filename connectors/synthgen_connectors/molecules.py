"""Molecules in files: SMILES (``.smi``, ``.smiles``) and SDF (``.sdf``, ``.sdf.gz``). Needs RDKit.

A frame of them has the column ``smiles``, for SMILES files ``name`` where lines bear one, for SDF
one column for each tag. A record that cannot be read is a row with an empty SMILES, so that nothing
is dropped without a word.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from synthgen.atomic import replacing
from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

SMILES_ENDINGS = (".smi", ".smiles", ".smi.gz", ".smiles.gz")
SDF_ENDINGS = (".sdf", ".sdf.gz", ".sd")


def scan(path: str) -> Scan:
    """Column names and the number of records; reads the file."""
    frame = read(path)
    return Scan(tuple(map(str, frame.columns)), len(frame))


def read(path: str) -> pd.DataFrame:
    """All records."""
    import pandas as pd

    rows = list(_sdf(path) if path.lower().endswith(SDF_ENDINGS) else _smiles(path))
    if not rows:
        raise InvalidInputError(f"{path}: holds no molecule; expected at least one record")
    frame = pd.DataFrame(rows)
    for name in frame.columns.drop("smiles"):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        # a tag is a number where every record that has it holds one
        if bool((numbers.notna() == frame[name].notna()).all()):
            frame[name] = numbers
    return frame


def read_batches(path: str, rows: int) -> Iterator[pd.DataFrame]:
    """The same in frames of at most ``rows`` records."""
    frame = read(path)
    for start in range(0, len(frame), rows):
        yield frame.iloc[start : start + rows]


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write the column ``smiles``; to SDF with the other columns as tags, and what made it."""
    import pandas as pd

    from synthgen import chemistry

    is_sdf = path.lower().endswith(SDF_ENDINGS)
    with replacing(path) as handle:
        packed = gzip.GzipFile("", "wb", fileobj=handle, mtime=0) if _is_packed(path) else None
        out = packed or handle
        for frame in frames:
            if "smiles" not in frame:
                raise InvalidInputError(f"{path}: the rows have no column smiles to write")
            for row in frame.to_dict("records"):
                text = row.pop("smiles")
                if is_sdf:
                    tags = {str(k): str(v) for k, v in row.items() if not pd.isna(v)}
                    tags |= _said(facts)
                    out.write(chemistry.sdf_record(text, tags).encode())
                else:
                    out.write(f"{text}\n".encode())
        if packed is not None:
            packed.close()


def _said(facts: Mapping[str, Any]) -> dict[str, str]:
    """What each record says of itself."""
    return {"synthetic": "true", "made_by": str(facts.get("made_by", "synthgen"))}


def _is_packed(path: str) -> bool:
    return path.lower().endswith(".gz")


@contextmanager
def _open(path: str) -> Iterator[BinaryIO]:
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


def _smiles(path: str) -> Iterator[dict[str, Any]]:
    with _open(path) as handle:
        for number, line in enumerate(handle, 1):
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise InvalidInputError(f"{path}: line {number} is not UTF-8 text") from None
            if text and not text.startswith("#"):
                smiles, *name = text.split(None, 1)
                yield {"smiles": smiles, **({"name": name[0]} if name else {})}


def _sdf(path: str) -> Iterator[dict[str, Any]]:
    from synthgen import chemistry

    with _open(path) as handle:
        for smiles, tags in chemistry.read_sdf(handle):
            yield {"smiles": smiles, **tags}
