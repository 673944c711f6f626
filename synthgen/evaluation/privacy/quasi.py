"""Anonymity of declared quasi-identifiers: how many people share what an outsider may know.

k-anonymity: Sweeney (2002); l-diversity: Machanavajjhala et al. (2007), in its distinct form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.privacy.risk import Risk, excess, lacking
from synthgen.schema import nearest

FEW = 5


def quasi_identifiers(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame,
    columns: Sequence[Any],
    sensitive: Sequence[Any] = (),
) -> tuple[Risk, list[dict[str, Any]]]:
    """``unique_matches`` and, per table, classes of equal quasi-identifiers.

    The risk: of train rows that are alone with their quasi-identifiers, the share whose combination
    stands in the release, beyond that of such holdout rows.

    Raises:
        InvalidInputError: If there is no such column.
    """
    if not columns:
        return lacking("no quasi-identifiers were declared"), []
    for name in [*columns, *sensitive]:
        if name not in train.columns:
            known = [str(c) for c in train.columns]
            raise InvalidInputError(
                f"quasi-identifiers: no column {name!r}{nearest(str(name), known)}"
            )
    tables = {"train": train, "synthetic": synthetic}
    found = [
        _classes(role, table, list(columns), list(sensitive)) for role, table in tables.items()
    ]
    n = min(len(train), len(holdout))
    sides = [_alone(table.iloc[:n], list(columns)) for table in (train, holdout)]
    released = set(_keys(synthetic, list(columns)))
    if min(map(len, sides)) < 2:
        return lacking("nobody is alone with these quasi-identifiers"), found
    (a, m), (b, k) = ((sum(key in released for key in side), len(side)) for side in sides)
    return excess(a, m, b, k, normalized=False, unit="excess share", baseline=0.0), found


def _classes(
    role: str, table: pd.DataFrame, columns: list[Any], sensitive: list[Any]
) -> dict[str, Any]:
    grouped = table.groupby(columns, dropna=False, observed=True, sort=False)
    size = grouped.size()
    rows = size.sum()
    return {
        "table": role,
        "columns": [str(name) for name in columns],
        "k": int(size.min()),
        "classes": len(size),
        "unique_rows_pct": 100 * float((size == 1).sum() / rows),
        "rows_in_small_classes_pct": 100 * float(size[size < FEW].sum() / rows),
        "l": {str(name): int(grouped[name].nunique(dropna=False).min()) for name in sensitive},
    }


def _keys(table: pd.DataFrame, columns: list[Any]) -> list[tuple[str, ...]]:
    return list(zip(*(table[name].map(str) for name in columns), strict=True))


def _alone(table: pd.DataFrame, columns: list[Any]) -> list[tuple[str, ...]]:
    keys = pd.Series(_keys(table, columns))
    return list(keys[~keys.duplicated(keep=False).to_numpy()])
