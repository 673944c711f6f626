"""Files of molecules or peptides: how they are named on the command line, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.cli.params import option
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="CSV with a column of SMILES or sequences, .smi, .sdf or .fasta (also .gz).",
        show_default=False,
    ),
]
Column = Annotated[
    str | None,
    option(
        "--smiles-column", "--sequence-column", metavar="COL", show_default=False,
        help="Column of SMILES or sequences; without it the one called smiles or sequence.",
    ),
]  # fmt: skip
Kind = Annotated[
    str, option("--kind", metavar="KIND", help="What the texts are: molecules, peptides.")
]


def texts_of(path: str, column: str | None, kind: str) -> list[str]:
    """The SMILES or sequences of a file.

    Raises:
        InvalidInputError: If it has no such column.
    """
    from synthgen import connectors
    from synthgen.molecular.representation import representation

    usual = representation(kind).column
    frame = connectors.find(path).read(path)
    names = [str(name) for name in frame.columns]
    alike = [name for name in names if name.lower() == (column or usual).lower()]
    if column is None and not alike and len(names) == 1:
        alike = names
    if not alike:
        raise InvalidInputError(
            f"{path}: no column {column or usual!r} of {kind}; it has {', '.join(names)}: "
            f"name it with --{usual}-column"
        )
    return [str(text) for text in frame[alike[0]]]


def as_numbers(frame: pd.DataFrame, smiles_column: str | None) -> pd.DataFrame:
    """Text columns that hold nothing but numbers and gaps as numbers; a CSV file has no types."""
    import pandas as pd

    frame = frame.copy()
    for name in frame.columns:
        if str(name) == (smiles_column or "smiles") or frame[name].dtype != object:
            continue
        given = frame[name].replace("", None)
        numbers = pd.to_numeric(given, errors="coerce")
        if given.notna().any() and bool((numbers.notna() == given.notna()).all()):
            # a gap makes no whole number a fraction
            is_whole = not given.dropna().str.contains(r"[.eEnN]").any()
            frame[name] = numbers.astype("Int64" if is_whole else float)
    return frame


def write_rejected(path: str, rejected: pd.DataFrame) -> None:
    """The rows that were left out; they are the user's own, and not synthetic."""
    from synthgen.atomic import replacing

    with replacing(path) as handle:
        handle.write(rejected.to_csv(index=False).encode("utf-8"))
