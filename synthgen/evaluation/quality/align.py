"""Makes two or three tables comparable, and names everything odd that colours the figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.features import ColumnFeature, Reading, read_as

FEW_ROWS = 50


@dataclass(frozen=True)
class Note:
    """Something about the tables that a reader of the figures must know.

    Attributes:
        kind: ``"order"``, ``"dtype"``, ``"few_rows"``, ``"no_shared_rows"``, ``"unseen"``,
            ``"constant"``, ``"empty"``, ``"constant_target"`` or ``"narrowed"``.
        table: ``"real"``, ``"synthetic"`` or ``"holdout"``.
        column: The column it is about, or ``None``.
        text: One sentence.
    """

    kind: str
    table: str
    column: str | None
    text: str

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict with every field."""
        return {"kind": self.kind, "table": self.table, "column": self.column, "text": self.text}


@dataclass(frozen=True)
class Tables:
    """Tables of the same columns in the same order, read the same way; row labels are 0, 1, ..."""

    real: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame | None
    notes: tuple[Note, ...]


def align(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame | None = None,
    *,
    target: Any = None,
) -> Tables:
    """Give every table the columns, order and kinds of ``real``.

    A column that is text in one table and numbers in the other is read the way of ``real``; cells
    that cannot be are missing from then on. Whatever was changed or looks odd becomes a `Note`.

    Raises:
        InvalidInputError: If a table has no rows, repeated columns, or other columns than
            ``real``, or if there is no column ``target``.
    """
    notes: list[Note] = []
    _check(real, real, "real")
    if target is not None and target not in real.columns:
        raise InvalidInputError(
            f"there is no column {target!r} to use as target; "
            f"the columns are {_names(real.columns)}"
        )
    found = {"real": real.reset_index(drop=True)}
    for role, table in (("synthetic", synthetic), ("holdout", holdout)):
        if table is not None:
            _check(real, table, role)
            found[role] = _like(found["real"], table, role, notes)
    notes += [note for role, table in found.items() for note in _size(role, table)]
    notes += _odd_columns(found["real"], target)
    notes += _unseen(found["real"], found["synthetic"])
    if not _any_shared(found["real"], found["synthetic"]):
        text = "no synthetic row equals a real row in every column"
        notes.append(Note("no_shared_rows", "synthetic", None, text))
    return Tables(found["real"], found["synthetic"], found.get("holdout"), tuple(notes))


def row_hashes(table: pd.DataFrame) -> Any:
    """One hash per row that depends on its cells only; numbers of any width hash alike.

    Shape:
        (n_rows,) uint64
    """
    table = table.reset_index(drop=True)
    parts: dict[int, pd.Series] = {}
    for index, name in enumerate(table.columns):
        feature = ColumnFeature.of(table[name])
        if feature.reading == "category":
            parts[index] = table[name].astype(object).map(str).where(table[name].notna(), None)
        else:
            # Sum with zero turns -0.0 into 0.0, which hash differently.
            origin = ColumnFeature(name, feature.reading)
            parts[index] = pd.Series(origin.numbers(table[name]) + 0.0)
    return pd.util.hash_pandas_object(pd.DataFrame(parts), index=False).to_numpy()


def _check(real: pd.DataFrame, table: pd.DataFrame, role: str) -> None:
    if not len(table.columns) or not len(table):
        raise InvalidInputError(
            f"the {role} table is empty: {len(table)} rows, {len(table.columns)} columns; "
            "give a table with rows"
        )
    repeated = table.columns[table.columns.duplicated()]
    if len(repeated):
        raise InvalidInputError(
            f"the {role} table has the column {repeated[0]!r} more than once; rename one"
        )
    lacking, extra = real.columns.difference(table.columns), table.columns.difference(real.columns)
    if len(lacking) or len(extra):
        differences = [f"lacks {_names(lacking)}"] if len(lacking) else []
        differences += [f"has in addition {_names(extra)}"] if len(extra) else []
        raise InvalidInputError(
            f"the columns differ: the {role} table {' and '.join(differences)}; "
            "all tables must have the columns of the real one"
        )


def _like(real: pd.DataFrame, table: pd.DataFrame, role: str, notes: list[Note]) -> pd.DataFrame:
    if list(table.columns) != list(real.columns):
        text = f"the columns of the {role} table were put into the order of the real one"
        notes.append(Note("order", role, None, text))
    table = table[list(real.columns)].reset_index(drop=True)
    read = {}
    for name in real.columns:
        wanted, given = read_as(real[name]), read_as(table[name])
        read[name] = table[name] if wanted == given else _convert(table[name], wanted, real[name])
        lost = int(read[name].isna().sum() - table[name].isna().sum())
        if wanted != given and not {wanted, given} <= {"number", "boolean"}:
            tail = f"; {lost} of its cells cannot be and count as missing" if lost else ""
            text = (
                f"column {name!s} is a {wanted} in the real table and a {given} in the "
                f"{role} one, where it was read as a {wanted}{tail}"
            )
            notes.append(Note("dtype", role, str(name), text))
    return pd.DataFrame(read, columns=real.columns)


def _convert(column: pd.Series, wanted: Reading, like: pd.Series) -> pd.Series:
    if wanted == "category":
        return _as_labels(column, like)
    feature = ColumnFeature(column.name, wanted)
    cells = feature.numbers(column)
    if wanted == "datetime":
        times = pd.Series(pd.to_datetime(cells, unit="s"), name=column.name)
        zone = like.dt.tz
        return times if zone is None else times.dt.tz_localize("UTC").dt.tz_convert(zone)
    if wanted == "duration":
        return pd.Series(pd.to_timedelta(cells, unit="s"), name=column.name)
    return pd.Series(cells, name=column.name)


def _as_labels(column: pd.Series, like: pd.Series) -> pd.Series:
    """Cells as the labels they are printed like; 1.0 is printed like 1."""
    labels = {str(value): value for value in like.dropna().unique()}

    def label(cell: Any) -> Any:
        text = str(cell)
        if text not in labels and isinstance(cell, float) and cell.is_integer():
            text = str(int(cell))
        return labels.get(text, text)

    cells = [None if pd.isna(cell) else label(cell) for cell in column]
    return pd.Series(cells, name=column.name, dtype=object)


def _size(role: str, table: pd.DataFrame) -> Iterator[Note]:
    if len(table) < FEW_ROWS:
        text = f"the {role} table has {len(table)} rows; below {FEW_ROWS} figures are mostly chance"
        yield Note("few_rows", role, None, text)


def _odd_columns(real: pd.DataFrame, target: Any) -> Iterator[Note]:
    for name in real.columns:
        levels = real[name].nunique()
        if levels > 1:
            continue
        if target is not None and name == target:
            text = f"the target {name!s} has {levels} value in the real table: nothing to predict"
            yield Note("constant_target", "real", str(name), text)
        elif levels:
            yield Note("constant", "real", str(name), f"column {name!s} has one value only")
        else:
            yield Note("empty", "real", str(name), f"column {name!s} has no values at all")


def _unseen(real: pd.DataFrame, synthetic: pd.DataFrame) -> Iterator[Note]:
    for name in real.columns:
        if read_as(real[name]) != "category":
            continue
        cells = synthetic[name].dropna().astype(object)
        new = cells[~cells.isin(set(real[name].dropna()))]
        if len(new):
            values = list(dict.fromkeys(map(str, new)))
            text = (
                f"column {name!s} holds {len(values)} values in {len(new)} synthetic rows "
                f"({len(new) / len(synthetic):.2%}) that no real row has: {_names(values)}"
            )
            yield Note("unseen", "synthetic", str(name), text)


def _any_shared(real: pd.DataFrame, synthetic: pd.DataFrame) -> bool:
    return bool(np.isin(row_hashes(synthetic), row_hashes(real)).any())


def _names(names: Any, most: int = 5) -> str:
    listed = [repr(name) for name in list(names)[:most]]
    rest = len(names) - len(listed)
    return ", ".join(listed) + (f" and {rest} more" if rest > 0 else "")
