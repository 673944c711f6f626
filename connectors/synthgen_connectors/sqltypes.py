"""Types of SQL columns and the Arrow types that hold their values, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy.types import TypeEngine

MYSQL = ("mysql", "mariadb")  # what SQLAlchemy calls them
_MOST_DIGITS = 76
_EXACT = 38


def arrow_of(declared: TypeEngine[Any], database: str) -> pa.DataType | None:
    """The Arrow type of a declared column; None where only its values tell.

    What has no type of its own (UUID, JSON, network addresses, arrays) is read and written as its
    text.
    """
    import pyarrow as pa
    from sqlalchemy import types

    if isinstance(declared, types.Integer):
        return _integer(declared, database)
    if isinstance(declared, types.Numeric) and not isinstance(declared, types.Float):
        return _decimal(declared, database)
    if isinstance(declared, types.Float):
        single = (database == "postgresql" and isinstance(declared, types.REAL)) or (
            database in MYSQL and isinstance(declared, types.FLOAT)
        )
        return pa.float32() if single else pa.float64()
    if isinstance(declared, types.DateTime):
        zoned = bool(declared.timezone) or (
            database in MYSQL and isinstance(declared, types.TIMESTAMP)
        )
        return pa.timestamp("us", tz="UTC" if zoned else None)
    if isinstance(declared, types.Time):
        return pa.string() if declared.timezone else pa.time64("us")
    for kind, found in (
        (types.Boolean, pa.bool_()), (types.Date, pa.date32()), (types.String, pa.string()),
        (types.LargeBinary, pa.binary()),
    ):  # fmt: skip
        if isinstance(declared, kind):
            return found
    if isinstance(declared, types.Interval) or str(declared) == "INTERVAL":
        return pa.duration("us")
    if str(declared) == "YEAR":
        return pa.int16()
    return None if database == "sqlite" else pa.string()


def is_foreign(declared: TypeEngine[Any], database: str) -> bool:
    """Whether the database has to turn cells into text for us."""
    import pyarrow as pa
    from sqlalchemy import types

    known = arrow_of(declared, database)
    plain = isinstance(declared, types.String) and not isinstance(declared, types.Enum)
    return known == pa.string() and not plain


def _integer(declared: Any, database: str) -> pa.DataType:
    import pyarrow as pa
    from sqlalchemy import types

    if database == "sqlite":
        return pa.int64()
    name = type(declared).__name__
    if name == "TINYINT" and declared.display_width == 1:  # what MySQL makes of BOOLEAN
        return pa.bool_()
    bits = 64 if isinstance(declared, types.BigInteger) else 32
    bits = {"TINYINT": 8, "SMALLINT": 16}.get(name, bits)
    sign = "u" if getattr(declared, "unsigned", False) else ""
    found: pa.DataType = getattr(pa, f"{sign}int{bits}")()
    return found


def _decimal(declared: Any, database: str) -> pa.DataType | None:
    import pyarrow as pa

    digits, scale = declared.precision, declared.scale or 0
    if digits is None or digits > _MOST_DIGITS:
        return pa.float64() if database == "sqlite" else None
    return pa.decimal128(digits, scale) if digits <= _EXACT else pa.decimal256(digits, scale)


def sql_of(found: pa.DataType, database: str, where: str, name: str) -> TypeEngine[Any]:
    """The column type that holds an Arrow type, for a new table.

    Raises:
        InvalidInputError: If the database has none.
    """
    import pyarrow as pa
    from sqlalchemy import types
    from sqlalchemy.dialects import mysql

    kinds = pa.types
    if kinds.is_integer(found):
        if found == pa.uint64():
            return types.Numeric(20, 0)
        small, usual = (pa.int8(), pa.uint8(), pa.int16()), (pa.uint16(), pa.int32())
        return (
            types.SmallInteger() if found in small
            else types.Integer() if found in usual else types.BigInteger()
        )  # fmt: skip
    if kinds.is_decimal(found):
        return types.Numeric(found.precision, found.scale)
    if kinds.is_floating(found):
        return types.Double() if found == pa.float64() else types.Float(24)
    if kinds.is_timestamp(found):
        if database in MYSQL:
            return mysql.DATETIME(fsp=6) if found.tz is None else mysql.TIMESTAMP(fsp=6)
        # SQLite has no instants: they are kept as text, with their offset
        return types.Text() if found.tz and database == "sqlite" else types.DateTime(bool(found.tz))
    if kinds.is_time(found):
        return mysql.TIME(fsp=6) if database in MYSQL else types.Time()
    if kinds.is_duration(found) and database == "postgresql":
        return types.Interval()
    if kinds.is_boolean(found):
        return types.Boolean()
    if kinds.is_date(found):
        return types.Date()
    if kinds.is_string(found) or kinds.is_large_string(found) or kinds.is_null(found):
        return mysql.LONGTEXT() if database in MYSQL else types.Text()
    raise InvalidInputError(
        f"{where}: column {name!r} is of type {found}, which {database} has no type for; "
        f"leave the column out, or write a file"
    )
