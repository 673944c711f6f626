"""Which code of a decided column comes with each code of the column that decides it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.encoding.category import CategoryEncoder
from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.quantiles import MIN_ROWS

UNKNOWN = -1


def exact_codes(encoder: ColumnEncoder, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Codes (n,) of a column, and which of them decode to exactly the cell they came from."""
    cells = cell.read(frame[encoder.column.name], encoder.column)
    rng = np.random.default_rng(0)
    codes, _ = encoder.encode(cells, rng)
    if isinstance(encoder, CategoryEncoder):
        known = set(encoder.levels)
        levels = (False, True) if cells.levels is None else cells.levels
        kept = np.array([level in known for level in levels] or [False])
        exact = kept[np.where(cells.missing, 0, cells.values).astype(np.int64)] | cells.missing
    else:
        back = encoder.decode(codes, np.zeros(len(codes)), rng)
        same = np.isclose(back.values.astype(float), cells.values.astype(float), rtol=1e-9, atol=0)
        if cells.values.dtype.kind == "i":
            same = back.values == cells.values
        exact = (same & ~encoder.has_value[codes]) | cells.missing
    return codes, exact & (codes >= 0)


def pair_counts(
    first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]
) -> pd.Series[int]:
    """Rows of each pair of exact codes, by (first, second); those of batches are added up.

    Args:
        first, second: Of two columns what `exact_codes` gives.
    """
    rows = first[1] & second[1]
    pairs = pd.DataFrame({"first": first[0][rows], "second": second[0][rows]})
    return pairs.value_counts()


def lookup_codes(counts: pd.Series[int], n_codes: int) -> np.ndarray:
    """Code of the second column for each of the first; `UNKNOWN` with fewer than `MIN_ROWS`."""
    usual = counts[counts >= MIN_ROWS].sort_values(kind="stable").reset_index(name="count")
    table = np.full(n_codes, UNKNOWN, np.int32)
    table[usual["first"].to_numpy()] = usual["second"].to_numpy()
    return table
