"""Rows as dictionaries, whose columns say nothing of their types, to frames. Needs pyarrow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from synthgen_connectors import arrowtables, inference

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Columns:
    """The columns that rows have shown so far, in the order they came up."""

    def __init__(self) -> None:
        self._kinds: dict[str, inference.Kinds] = {}

    def see(self, rows: Sequence[dict[str, Any]]) -> None:
        """Take more rows into account."""
        for name in dict.fromkeys(chain.from_iterable(rows)):
            kinds = self._kinds.setdefault(name, inference.Kinds())
            kinds.see([row.get(name) for row in rows])

    def schema(self, where: str) -> pa.Schema:
        """The types that hold all cells; raises `InvalidInputError` where there was no row."""
        pa = arrowtables.need("pyarrow", where, "a table with types", "arrow")
        if not self._kinds:
            raise arrowtables.no_rows(where)
        arrowtables.check_names(self._kinds, where)
        return pa.schema([(name, kinds.arrow(where, name)) for name, kinds in self._kinds.items()])


def frame(rows: Iterable[dict[str, Any]], where: str) -> pd.DataFrame:
    """All rows as one frame with Arrow-backed columns."""
    held, columns = list(rows), Columns()
    columns.see(held)
    return of_schema(held, columns.schema(where), where)


def of_schema(rows: Sequence[dict[str, Any]], schema: pa.Schema, where: str) -> pd.DataFrame:
    """Rows as a frame of these types; a name that a row lacks is a missing cell."""
    import pyarrow as pa

    arrays = [
        inference.array([row.get(field.name) for row in rows], field.type, where, field.name)
        for field in schema
    ]
    return arrowtables.to_frame(pa.Table.from_arrays(arrays, schema=schema))


def slices(whole: pd.DataFrame, rows: int) -> Iterator[pd.DataFrame]:
    """A frame in pieces of at most ``rows`` rows."""
    for start in range(0, len(whole), rows):
        yield whole.iloc[start : start + rows].reset_index(drop=True)
