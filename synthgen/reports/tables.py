"""Tables as a report compares them: read, typed, and without what is made up by design."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from synthgen import cells, frames
from synthgen.dtypes import family
from synthgen.errors import InvalidInputError
from synthgen.schema import Column, Schema, nearest

_QUANTITIES = ("integer", "float", "datetime", "duration")
_MADE_UP = ("identifier", "text")


@dataclass(frozen=True)
class Compared:
    """Two or three tables, ready to be judged.

    Attributes:
        real, synthetic, holdout: Typed tables.
        target: The column to predict, by the name it has in the tables.
        skipped: Columns left out of the comparison, each ``{"column", "kind", "reason"}``.
        left_out: The cells of those that all tables have: of the real, the synthetic and, where
            there is one, the holdout table.
    """

    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None
    target: Any
    skipped: list[dict[str, str]] = field(default_factory=list)
    left_out: list[pd.DataFrame] = field(default_factory=list)


def compared(real: Any, synthetic: Any, holdout: Any = None, target: Any = None) -> Compared:
    """Read pandas, polars or Arrow tables for comparison.

    Columns of text that `Schema.infer` takes for numbers or times in the real table are read as
    such in every table: cells of a CSV file are text. Identifiers and free text are left out, for
    a generator invents them on purpose.

    Raises:
        InvalidInputError: If one is no table, has no rows, or there is no such target.
        MissingExtraError: A polars or Arrow table, and pyarrow is not installed.
    """
    tables = {"real": _read(real, "real"), "synthetic": _read(synthetic, "synthetic")}
    if holdout is not None:
        tables["holdout"] = _read(holdout, "holdout")
    target = _named(target, tables["real"])
    schema = Schema.infer(tables["real"])
    skipped = _made_up(schema, target)
    left_out = {column.name for column in skipped}
    shared = [c.name for c in skipped if all(c.name in table for table in tables.values())]
    invented = [table[shared] for table in tables.values()]
    for role, table in tables.items():
        typed = {column.name: column for column in schema if column.kind in _QUANTITIES}
        tables[role] = pd.DataFrame(
            {
                name: _typed(table[name], typed.get(name))
                for name in table.columns
                if name not in left_out
            }
        )
    return Compared(
        tables["real"],
        tables["synthetic"],
        tables.get("holdout"),
        target,
        [_skip(column) for column in skipped],
        invented,
    )


def _read(table: Any, role: str) -> pd.DataFrame:
    try:
        return frames.read(table)[0]
    except InvalidInputError as error:
        raise InvalidInputError(f"the {role} table: {error}") from None


def _named(target: Any, real: pd.DataFrame) -> Any:
    if target is None or target in real.columns:
        return target
    for name in real.columns:
        if str(name) == str(target):
            return name
    names = [str(name) for name in real.columns]
    raise InvalidInputError(
        f"target: there is no column {str(target)!r}{nearest(str(target), names)}"
    )


def _made_up(schema: Schema, target: Any) -> list[Column]:
    """Columns whose cells are invented, unless nothing else is left."""
    found = [c for c in schema if c.kind in _MADE_UP and c.name != target]
    return found if len(found) < len(schema) else []


def _skip(column: Column) -> dict[str, str]:
    what = f"{column.kind} ({column.personal})" if column.personal else column.kind
    reason = "its cells are invented, not modelled, so that nothing is left to compare"
    return {"column": str(column.name), "kind": what, "reason": reason}


def _typed(column: pd.Series[Any], wanted: Column | None) -> pd.Series[Any]:
    if family(column.dtype) not in ("text", "object"):
        return column
    if wanted is None:
        return column.where(column != "")
    try:
        found = cells.read(column, wanted)
    except (InvalidInputError, ValueError):
        return _as_far_as_possible(column, wanted)
    if wanted.kind in ("integer", "float"):
        numbers = found.values.astype(np.float64)
        return pd.Series(np.where(found.missing, np.nan, numbers), name=column.name)
    ticks = np.where(found.missing, np.iinfo(np.int64).min, found.values)
    form = "datetime64" if wanted.kind == "datetime" else "timedelta64"
    return pd.Series(ticks.view(f"{form}[{wanted.unit}]"), name=column.name)


def _as_far_as_possible(column: pd.Series[Any], wanted: Column) -> pd.Series[Any]:
    """Cells that do not fit the kind of the real column are missing."""
    if wanted.kind == "datetime":
        return pd.to_datetime(column, errors="coerce", format="mixed", utc=True).dt.tz_localize(
            None
        )
    if wanted.kind == "duration":
        return pd.to_timedelta(column, errors="coerce")
    return pd.to_numeric(column, errors="coerce")
