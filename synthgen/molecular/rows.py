"""What stands in the rows that molecules are learned from, and what of it cannot be learned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from synthgen import frames
from synthgen.errors import InvalidInputError
from synthgen.molecular.actions import MIN_MOLECULES
from synthgen.molecular.featurize import Featurized

_WRITTEN = {"smiles": "SMILES", "sequence": "sequences"}


def columns(data: Any, smiles_column: str | None, usual: str) -> tuple[pd.Series, pd.DataFrame]:
    """The SMILES or sequences, and the columns beside them; ``usual`` is their name."""
    if isinstance(data, pd.Series):
        return data.reset_index(drop=True), pd.DataFrame(index=range(len(data)))
    if isinstance(data, list | tuple | np.ndarray):
        return pd.Series(list(data), dtype=object), pd.DataFrame(index=range(len(data)))
    frame = frames.read(data)[0].reset_index(drop=True)
    alike = [name for name in frame if str(name).lower() == usual]
    name = smiles_column if smiles_column is not None else alike[0] if len(alike) == 1 else None
    if name is None or name not in frame:
        raise InvalidInputError(
            f"no column {smiles_column or usual!r} of {_WRITTEN[usual]}; the table has "
            f"{', '.join(map(str, frame.columns))}: name it with smiles_column"
        )
    if name != usual and usual in frame:
        raise InvalidInputError(
            f"the {_WRITTEN[usual]} are in column {name!r}, and will be called {usual}: drop or "
            "rename the other column of that name"
        )
    return frame[name], frame.drop(columns=name)


def rejected_rows(
    smiles: pd.Series, found: Featurized, rare: dict[int, str], column: str
) -> pd.DataFrame:
    """What could not be represented, in the order of the rows."""
    reasons = {**found.rejected, **{int(found.rows[i]): text for i, text in rare.items()}}
    rows = sorted(reasons)
    if not rows:
        return empty_rejected(column)
    return pd.DataFrame(
        {"row": rows, column: smiles.iloc[rows].tolist(), "reason": [reasons[i] for i in rows]}
    )


def empty_rejected(column: str) -> pd.DataFrame:
    """No rows of `rejected_rows`."""
    return pd.DataFrame(columns=["row", column, "reason"])


def too_few(n: int, kind: str, rejected: pd.DataFrame, given: int) -> str:
    """The error of ``given`` rows of which only ``n`` can be learned."""
    why = rejected["reason"].value_counts()
    most = f"; most often: {why.index[0]} ({why.iloc[0]} rows)" if len(why) else ""
    return (
        f"{n} of {given} rows are {kind} that can be learned, at least {MIN_MOLECULES} "
        f"are needed{most}"
    )
