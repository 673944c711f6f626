"""Texts that stand for a missing cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

ALWAYS = frozenset(
    {"", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "NaT"}
)
"""Missing in a column of any kind."""

BESIDE_NUMBERS = ALWAYS | frozenset(
    {"None", "none", "NONE", "Null", "nil", "na", "NAN", "-", "--", ".", "..", "...", "*", "N.A.",
     "n.a.", "unknown", "Unknown", "UNKNOWN", "missing", "Missing", "MISSING", "#DIV/0!",
     "#VALUE!", "#N/A N/A", "(null)", "\\N", "not available", "Not available"}
)  # fmt: skip
"""Missing where every other cell is a number, a date, a duration or a boolean."""


def marked(series: pd.Series[Any], more: Iterable[str | None] = ()) -> NDArray[np.bool_]:
    """(n,) whether a text cell of a column of numbers, dates or booleans stands for missing."""
    known = set(BESIDE_NUMBERS) | {marker for marker in more if marker is not None}
    codes, distinct = pd.factorize(series.to_numpy(dtype=object))
    hits = [isinstance(text, str) and text.strip() in known for text in distinct]
    return np.array([*hits, False], dtype=bool)[codes]  # code -1, a null: the last one
