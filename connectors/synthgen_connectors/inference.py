"""The Arrow type of a column whose cells are Python objects: of a spreadsheet, JSON, a query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa

_NUMBERS = {int, float, Decimal}
_DAYS = {dt.date, dt.datetime}
_NESTED = (dict, list, tuple, set)


class Kinds:
    """The types that a column's cells have shown so far; more cells may be added."""

    def __init__(self) -> None:
        self.types: set[type] = set()
        self.scales: set[int] = set()
        self.zoned: set[bool] = set()

    def see(self, cells: Sequence[Any]) -> None:
        """Take more cells into account; None is a missing one."""
        self.types |= set(map(type, cells)) - {type(None)}
        if Decimal in self.types:
            self.scales |= {_scale(cell) for cell in cells if isinstance(cell, Decimal)}
        if dt.datetime in self.types:
            self.zoned |= {c.tzinfo is not None for c in cells if isinstance(c, dt.datetime)}

    def arrow(self, where: str, name: str) -> pa.DataType:
        """The type that holds them all: text where they are mixed.

        Raises:
            InvalidInputError: If a cell holds a list or a record.
        """
        import pyarrow as pa

        types = self.types
        if any(issubclass(kind, _NESTED) for kind in types):
            raise InvalidInputError(
                f"{where}: column {name!r} holds lists or records, which a table cannot; "
                f"flatten it or leave it out"
            )
        if types == {Decimal} and len(self.scales) == 1:  # as a database gives NUMERIC(p, s)
            return pa.decimal128(38, next(iter(self.scales)))
        if types and types <= _NUMBERS:
            return pa.int64() if types == {int} else pa.float64()
        if types == {dt.date}:
            return pa.date32()
        if types and types <= _DAYS and len(self.zoned) == 1:
            return pa.timestamp("us", tz="UTC" if self.zoned == {True} else None)
        single = {
            bool: pa.bool_(), bytes: pa.binary(), dt.time: pa.time64("us"),
            dt.timedelta: pa.duration("us"),
        }  # fmt: skip
        return single.get(next(iter(types)), pa.string()) if len(types) == 1 else pa.string()


def array(cells: Sequence[Any], wanted: pa.DataType, where: str, name: str) -> pa.Array:
    """(n,) cells as Arrow values.

    Raises:
        InvalidInputError: If a cell is not of the type ``wanted``; it is named.
    """
    import pyarrow as pa

    convert = _converter(wanted)
    try:
        return pa.array([None if cell is None else convert(cell) for cell in cells], wanted)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        row = next((i for i, cell in enumerate(cells) if not _fits(cell, wanted, convert)), 0)
        raise InvalidInputError(
            f"{where}: column {name!r} is of type {wanted}, but holds {str(cells[row])[:40]!r}; "
            f"correct the cell, or convert the column"
        ) from None


def _fits(cell: Any, wanted: pa.DataType, convert: Any) -> bool:
    import pyarrow as pa

    try:
        pa.array([None if cell is None else convert(cell)], wanted)
    except (pa.ArrowException, ValueError, TypeError, OverflowError):
        return False
    return True


def _converter(wanted: pa.DataType) -> Any:
    """What a cell goes through on its way to the type ``wanted``."""
    import pyarrow as pa

    if pa.types.is_string(wanted):
        return lambda cell: cell if isinstance(cell, str) else str(cell)
    if pa.types.is_floating(wanted):
        return float
    if pa.types.is_boolean(wanted):
        return _truth
    if pa.types.is_timestamp(wanted):
        return lambda cell: (
            cell if isinstance(cell, dt.datetime) else dt.datetime(*cell.timetuple()[:3])
        )
    return lambda cell: cell


def _truth(cell: Any) -> bool:
    if cell not in (0, 1):
        raise ValueError(cell)
    return bool(cell)


def _scale(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
