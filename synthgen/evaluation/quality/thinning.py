"""Fewer rows or columns, at random, where all would take too long or would not compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def thin(table: pd.DataFrame, size: int, seed: int) -> pd.DataFrame:
    """``size`` rows drawn without replacement, or the table itself when it has no more."""
    if len(table) <= size:
        return table
    rows = np.random.default_rng(seed).choice(len(table), size, replace=False)
    return table.iloc[np.sort(rows)].reset_index(drop=True)


def fair_size(
    synthetic: pd.DataFrame, holdout: pd.DataFrame | None, most: int | None = None
) -> int:
    """Rows at which a figure of ``synthetic`` and its baseline compare: those of the smaller."""
    sizes = [len(synthetic)] if holdout is None else [len(synthetic), len(holdout)]
    return min(sizes if most is None else [*sizes, most])


def narrow(columns: pd.Index, most: int, always: list[Any], seed: int) -> list[Any]:
    """``most`` of the columns in their order, those of ``always`` among them."""
    if len(columns) <= most:
        return list(columns)
    others = np.flatnonzero(~columns.isin(always))
    n = most - (len(columns) - len(others))
    chosen = np.random.default_rng(seed).choice(others, max(n, 0), replace=False)
    kept = set(chosen.tolist())
    return [name for i, name in enumerate(columns) if i in kept or name in always]


def thinned_reason(used: int, given: int, what: str = "rows of each table") -> str | None:
    """Sentence for `MetricResult.reason` where a figure rests on fewer rows than were given."""
    return None if used >= given else f"on {used:,} {what}, drawn at random"
