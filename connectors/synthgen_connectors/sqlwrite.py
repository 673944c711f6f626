"""Rows into a table of a database: all of them, or the table stays as it was."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from synthgen.connectors import without_secret
from synthgen.errors import InvalidInputError
from synthgen_connectors import arrowtables, notes, sqlplace, sqltypes
from synthgen_connectors.fitting import Fitting

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Engine, Table

    from synthgen_connectors.sqlplace import Place

_NOTES = "synthgen_notes"  # where a database has no comments
_BATCH = 1_000
_MYSQL_SETTINGS = {"engine": "InnoDB", "charset": "utf8mb4"}
_CASCADING = ("CASCADE", "SET NULL", "SET DEFAULT")
_Facts = Callable[[], Mapping[str, Any]]  # asked for when all rows have passed


@dataclass(frozen=True)
class _Target:
    """A table to be filled, and whether it was there before."""

    place: Place
    connected: Engine
    table: Table
    is_new: bool

    @property
    def database(self) -> str:
        return self.connected.dialect.name


def write(place: Place, frames: notes.Counted, provenance: Mapping[str, Any] | None) -> str:
    """Create the table, or replace its rows; returns where the note is that they are synthetic.

    Raises:
        InvalidInputError: If the table cannot take these columns.
        SynthGenError: If a row cannot be written, or the database fails meanwhile.
    """
    with sqlplace.engine(place, writing=True) as connected:
        there = sqlplace.reflected(place, connected)
        if there is not None:
            _check_replaceable(place, there, connected)
        tables = map(arrowtables.to_table, frames)
        first = next(tables)  # nothing is sampled for a target that cannot be reached
        table = _declared(place, first.schema, connected) if there is None else there
        target = _Target(place, connected, table, there is None)
        fill = _fill_mysql if target.database in sqltypes.MYSQL else _fill
        fill(target, chain([first], tables), lambda: frames.facts(provenance))
        return _where_noted(target)


def _fill(target: _Target, tables: Iterable[pa.Table], facts: _Facts) -> None:
    """One transaction for all of it."""
    with sqlplace.changing(target.place), target.connected.begin() as connection:
        _replace(connection, target, tables)
        _note(connection, target, facts())


def _fill_mysql(target: _Target, tables: Iterable[pa.Table], facts: _Facts) -> None:
    """MySQL commits at CREATE and at ALTER: a new table gets its name when all is in it, and the
    rows of an older one are committed before its comment changes.
    """
    table = target.table
    name = table.name
    if target.is_new:
        table.name = f"{name[:40]}_{secrets.token_hex(4)}"
    try:
        with sqlplace.changing(target.place), target.connected.begin() as connection:
            _replace(connection, target, tables)
        done = "" if target.is_new else "the rows are written, but not the note on them: "
        with sqlplace.changing(target.place, done), target.connected.begin() as connection:
            _note(connection, target, facts())
            if target.is_new:
                quote = connection.dialect.identifier_preparer
                staged = quote.format_table(table)
                connection.exec_driver_sql(
                    f"RENAME TABLE {staged} TO {quote.format_table(table, name=name)}"
                )
    except BaseException:
        if target.is_new:
            with suppress(Exception), target.connected.begin() as connection:
                table.drop(connection, checkfirst=True)
        raise


def _replace(connection: Connection, target: _Target, tables: Iterable[pa.Table]) -> None:
    """Every row of the table by those that arrive."""
    table, database = target.table, target.database
    wanted = {c.name: sqltypes.arrow_of(c.type, database) for c in table.columns}
    computed = tuple(c.name for c in table.columns if c.computed is not None)
    fitting = Fitting(without_secret(target.place.uri), wanted, computed)
    insert = _copy if database == "postgresql" else _insert
    if target.is_new:
        table.create(connection)
    else:
        connection.execute(table.delete())
    for rows in tables:
        insert(connection, table, fitting(rows))


def _insert(connection: Connection, table: Table, rows: pa.Table) -> None:
    import sqlalchemy as sa

    columns = []
    for name in rows.column_names:
        declared = table.c[name].type
        foreign = sqltypes.is_foreign(declared, connection.dialect.name)
        columns.append(sa.column(name, sa.Text() if foreign else declared))
    statement = sa.insert(sa.table(table.name, *columns, schema=table.schema))
    for batch in rows.to_batches(max_chunksize=_BATCH):
        if cells := batch.to_pylist():
            connection.execute(statement, cells)


def _copy(connection: Connection, table: Table, rows: pa.Table) -> None:
    """PostgreSQL's COPY: several times faster than INSERT."""
    from pyarrow import csv

    into = ".".join(_quoted(part) for part in (table.schema, table.name) if part)
    names = ", ".join(map(_quoted, rows.column_names))
    text = io.BytesIO()
    csv.write_csv(_as_text(rows), text, csv.WriteOptions(include_header=False))
    text.seek(0)
    cursor: Any = connection.connection.cursor()
    cursor.execute(f"COPY {into} ({names}) FROM STDIN WITH (FORMAT csv)", stream=text)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _as_text(rows: pa.Table) -> pa.Table:
    """Durations as PostgreSQL reads them; Arrow writes them in no way at all."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for i, (name, kind) in enumerate(zip(rows.column_names, rows.schema.types, strict=True)):
        if pa.types.is_duration(kind):
            ticks = rows[name].cast(kind).cast(pa.int64()).cast(pa.string())
            rows = rows.set_column(i, name, pc.binary_join_element_wise(ticks, "microseconds", " "))
    return rows


def _declared(place: Place, schema: pa.Schema, connected: Engine) -> Table:
    """A new table for columns of these types."""
    import sqlalchemy as sa

    database, where = connected.dialect.name, without_secret(place.uri)
    columns = [
        sa.Column(
            field.name,
            sqltypes.sql_of(field.type, database, where, field.name),
            autoincrement=False,
        )
        for field in schema
    ]
    settings: dict[str, Any] = {}
    if database in sqltypes.MYSQL:
        settings = {f"{database}_{name}": value for name, value in _MYSQL_SETTINGS.items()}
    return sa.Table(place.table, sa.MetaData(), *columns, schema=place.schema, **settings)


def _check_replaceable(place: Place, table: Table, connected: Engine) -> None:
    """Deleting its rows must be possible to take back, and must delete no others."""
    import sqlalchemy as sa

    where, database = without_secret(place.uri), connected.dialect.name
    engine = table.dialect_options[database].get("engine") if database in sqltypes.MYSQL else None
    if engine not in (None, _MYSQL_SETTINGS["engine"]):
        raise InvalidInputError(
            f"{where}: table {table.name!r} is of the engine {engine}, which has no transactions: "
            f"its rows cannot be replaced whole or not at all; convert it to InnoDB"
        )
    with sqlplace.reaching(place):
        looked = sa.inspect(connected)
        own = table.schema or looked.default_schema_name
        schemas = looked.get_schema_names() if database == "postgresql" else [table.schema]
        found = [looked.get_multi_foreign_keys(schema=schema) for schema in schemas]
    for (_, name), keys in chain.from_iterable(tables.items() for tables in found):
        for key in keys:
            there = (key["referred_schema"] or looked.default_schema_name, key["referred_table"])
            action = str(key["options"].get("ondelete", "")).upper()
            if there == (own, table.name) and action in _CASCADING and name != table.name:
                raise InvalidInputError(
                    f"{where}: replacing the rows of {table.name!r} would change those of {name!r} "
                    f"(ON DELETE {action}); write to another table"
                )


def _note(connection: Connection, target: _Target, facts: Mapping[str, Any]) -> None:
    """Say that the rows are synthetic: in the table's comment, in SQLite in a table of notes."""
    import sqlalchemy as sa
    from sqlalchemy.schema import SetTableComment

    table = target.table
    if target.database != "sqlite":
        table.comment = notes.comment(table.comment, facts)
        connection.execute(SetTableComment(table))
        return
    noted = sa.Table(
        _NOTES, sa.MetaData(), sa.Column("name", sa.Text(), primary_key=True),
        sa.Column("note", sa.Text()), schema=table.schema,
    )  # fmt: skip
    noted.create(connection, checkfirst=True)
    connection.execute(noted.delete().where(noted.c.name == table.name))
    connection.execute(noted.insert(), {"name": table.name, "note": notes.comment(None, facts)})


def _where_noted(target: _Target) -> str:
    if target.database == "sqlite":
        return f"its table {_NOTES}"
    return f"the comment of table {target.place.table}"
