"""Molecules in files: SMILES (``.smi``, ``.smiles``) and SDF (``.sdf``, ``.sdf.gz``). Needs RDKit.

A frame of them has the column ``smiles``, for SMILES files ``name`` where lines bear one, for SDF
one column for each tag. A record that cannot be read is a row with an empty SMILES, so that nothing
is dropped without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError
from synthgen_connectors import packed, records

if TYPE_CHECKING:
    import pandas as pd

SMILES_ENDINGS = (".smi", ".smiles", ".smi.gz", ".smiles.gz")
SDF_ENDINGS = (".sdf", ".sdf.gz", ".sd")
ENDINGS = (*SMILES_ENDINGS, *SDF_ENDINGS)


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
    return records.slices(read(path), rows)


def write(path: str, frames: Iterable[pd.DataFrame], facts: Mapping[str, Any]) -> None:
    """Write the column ``smiles``; to SDF with the other columns as tags, and what made it.

    Of peptides, which have the column ``sequence`` instead, the structures are written; each line
    of a SMILES file names its sequence.
    """
    import pandas as pd

    from synthgen import chemistry

    is_sdf = path.lower().endswith(SDF_ENDINGS)
    with packed.writing(path) as out:
        for frame in frames:
            if "smiles" not in frame and "sequence" not in frame:
                raise InvalidInputError(f"{path}: the rows have no column smiles to write")
            for row in frame.to_dict("records"):
                sequence = "" if "smiles" in row else row["sequence"]
                text = chemistry.peptide_smiles(sequence) if sequence else row.pop("smiles")
                if is_sdf:
                    tags = {str(k): str(v) for k, v in row.items() if not pd.isna(v)}
                    tags |= _said(facts)
                    out.write(chemistry.sdf_record(text, tags).encode())
                else:
                    out.write(f"{text} {sequence}".strip().encode() + b"\n")


def _said(facts: Mapping[str, Any]) -> dict[str, str]:
    """What each record says of itself."""
    return {"synthetic": "true", "made_by": str(facts.get("made_by", "synthgen"))}


def _smiles(path: str) -> Iterator[dict[str, Any]]:
    for text in packed.lines(path):
        if text and not text.startswith("#"):
            smiles, *name = text.split(None, 1)
            yield {"smiles": smiles, **({"name": name[0]} if name else {})}


def _sdf(path: str) -> Iterator[dict[str, Any]]:
    from synthgen import chemistry

    with packed.reading(path) as handle:
        for smiles, tags in chemistry.read_sdf(handle):
            yield {"smiles": smiles, **tags}
