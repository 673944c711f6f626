"""Tables in databases through SQLAlchemy: SQLite, PostgreSQL, MySQL and MariaDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan, without_secret
from synthgen.errors import InvalidInputError
from synthgen_connectors import arrowtables, inference, notes, sqlplace, sqltypes, sqlwrite

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from sqlalchemy import Connection, CursorResult, Engine, Table

    from synthgen_connectors.sqlplace import Place

_WHOLE = 50_000


class Sql:
    """Reads a table or a query with the types it has, and writes a table in one transaction.

    A new table gets the columns of the frame; one that is there keeps its columns, types and
    constraints, and its rows are replaced.
    """

    def scan(self, uri: str) -> Scan:
        """Column names, and of a table the number of rows."""
        import sqlalchemy as sa

        place = sqlplace.parse(uri)
        with sqlplace.engine(place) as connected:
            if place.query is None:
                table = _there(place, connected)
                counted = sa.select(sa.func.count()).select_from(table)
                with sqlplace.reaching(place), connected.connect() as connection:
                    return Scan(tuple(table.columns.keys()), connection.scalar(counted))
            empty = _text(f"SELECT * FROM ({place.query.rstrip('; ')}) AS q WHERE 1 = 0")
            with sqlplace.reaching(place), connected.connect() as connection:
                return Scan(tuple(connection.execute(empty).keys()))

    def read(self, uri: str) -> pd.DataFrame:
        """The whole table, with Arrow-backed columns."""
        import pyarrow as pa

        place, where = sqlplace.parse(uri), without_secret(uri)
        with _result(place) as (names, declared, result), sqlplace.reaching(place):
            parts = list(_columns(result, _WHOLE))
        if not parts:
            raise arrowtables.no_rows(where)
        kinds = _kinds(names, declared, parts, where)
        return arrowtables.to_frame(
            pa.concat_tables([_table(names, kinds, part, where) for part in parts])
        )

    def read_batches(self, uri: str, rows: int) -> Iterator[pd.DataFrame]:
        """Frames of at most ``rows`` rows; the server keeps the rest.

        A column whose type the database does not tell has that of its cells in the first frame.
        """
        place, where = sqlplace.parse(uri), without_secret(uri)
        kinds: list[pa.DataType] = []
        with _result(place) as (names, declared, result):
            parts = _columns(result, rows)
            while True:
                with sqlplace.reaching(place):
                    part = next(parts, None)
                if part is None:
                    break
                kinds = kinds or _kinds(names, declared, [part], where)
                yield arrowtables.to_frame(_table(names, kinds, part, where))
        if not kinds:
            raise arrowtables.no_rows(where)

    def write(
        self,
        uri: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        provenance: Mapping[str, Any] | None = None,
    ) -> str:
        """Write the table in one transaction, and beside it that it is synthetic."""
        place = sqlplace.parse(uri)
        if place.query is not None:
            raise InvalidInputError(
                f"{without_secret(uri)}: rows are written to a ?table=, not to a query"
            )
        return sqlwrite.write(place, notes.Counted(frames), provenance)


@contextmanager
def _result(
    place: Place,
) -> Iterator[tuple[list[str], list[pa.DataType | None], CursorResult[Any]]]:
    """Names and types of the columns, and the rows, which the server hands out bit by bit."""
    with sqlplace.engine(place) as connected:
        declared, statement = _source(place, connected)
        with sqlplace.reaching(place):
            connection = connected.connect().execution_options(stream_results=True)
        result = None
        try:
            with sqlplace.reaching(place):
                result = connection.execute(statement)
                if not result.returns_rows:
                    raise InvalidInputError(
                        f"{without_secret(place.uri)}: the query gives no rows; write a SELECT"
                    )
                names = arrowtables.check_names(result.keys(), without_secret(place.uri))
            yield names, declared or [None] * len(names), result
        except BaseException:
            _abandon(connection, result)
            raise
        finally:
            connection.close()


def _abandon(connection: Connection, result: CursorResult[Any] | None) -> None:
    """Leave rows that were not fetched where they are."""
    unread: Any = getattr(getattr(result, "cursor", None), "_result", None)
    if hasattr(unread, "unbuffered_active"):  # PyMySQL would fetch them, also from a lost server
        unread.unbuffered_active = False
    connection.invalidate()


def _source(place: Place, connected: Engine) -> tuple[list[pa.DataType | None], Any]:
    """What a table's columns are declared to be, nothing of a query's; and what gives the rows."""
    import sqlalchemy as sa

    if place.query is not None:
        return [], _text(place.query)
    table, name = _there(place, connected), connected.dialect.name
    declared = [sqltypes.arrow_of(column.type, name) for column in table.columns]
    return declared, sa.select(*(_selected(column, name) for column in table.columns))


def _there(place: Place, connected: Engine) -> Table:
    table = sqlplace.reflected(place, connected)
    if table is None:
        raise sqlplace.no_such_table(place, connected)
    return table


def _text(query: str) -> Any:
    """A statement as it stands: a colon in it begins no parameter."""
    import sqlalchemy as sa

    return sa.text(query.replace(":", r"\:"))


def _selected(column: Any, database: str) -> Any:
    """The column as it is read: as text where its type is the database's own."""
    import pyarrow as pa
    import sqlalchemy as sa

    if sqltypes.is_foreign(column.type, database):
        return sa.cast(column, sa.Text()).label(column.name)
    if sqltypes.arrow_of(column.type, database) == pa.float64():
        # also what SQLite declares NUMERIC without digits, which it would give as a decimal
        return sa.type_coerce(column, sa.Double()).label(column.name)
    return column


def _columns(result: CursorResult[Any], rows: int) -> Iterator[list[tuple[Any, ...]]]:
    """The cells of each column, ``rows`` rows at a time."""
    for partition in result.partitions(rows):
        yield list(zip(*partition, strict=True))


def _kinds(
    names: list[str],
    declared: list[pa.DataType | None],
    parts: list[list[tuple[Any, ...]]],
    where: str,
) -> list[pa.DataType]:
    """Types as they are declared, or else as the cells show them."""
    kinds = []
    for i, (name, kind) in enumerate(zip(names, declared, strict=True)):
        if kind is None:
            shown = inference.Kinds()
            for part in parts:
                shown.see(part[i])
            kind = shown.arrow(where, name)
        kinds.append(kind)
    return kinds


def _table(
    names: list[str], kinds: list[pa.DataType], cells: list[tuple[Any, ...]], where: str
) -> pa.Table:
    import pyarrow as pa

    arrays = [
        inference.array(column, kind, where, name)
        for name, kind, column in zip(names, kinds, cells, strict=True)
    ]
    return pa.table(arrays, names=names)
