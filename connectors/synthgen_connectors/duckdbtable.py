"""Tables in DuckDB files: ``duckdb:FILE?table=t`` or ``duckdb:FILE?query=SELECT ...``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from synthgen.atomic import check_target
from synthgen.connectors import Scan
from synthgen.errors import InvalidInputError, SynthGenError
from synthgen_connectors import arrowtables, notes, options
from synthgen_connectors.fitting import Fitting

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_OPTIONS = ("table", "query")


@dataclass(frozen=True)
class _Place:
    uri: str
    file: str
    table: str
    query: str | None

    @property
    def quoted(self) -> str:
        """The table, for a statement; a dot parts its schema from its name."""
        return ".".join('"' + part.replace('"', '""') + '"' for part in self.table.split("."))

    @property
    def statement(self) -> str:
        """What gives the rows."""
        return self.query or f"SELECT * FROM {self.quoted}"


class DuckDb:
    """Reads a table or a query with the types it has, and writes a table in one transaction.

    A table that is there keeps its columns, types and constraints; its rows are replaced.
    """

    def scan(self, uri: str) -> Scan:
        """Column names and the number of rows."""
        place = _place(uri)
        with _connection(place) as connection:
            relation = connection.sql(place.statement)
            return Scan(tuple(relation.columns), len(relation))

    def read(self, uri: str) -> pd.DataFrame:
        """The whole table, with Arrow-backed columns."""
        place = _place(uri)
        with _connection(place) as connection:
            table = connection.sql(place.statement).to_arrow_table()
        arrowtables.check(table.schema, len(table), uri)
        return arrowtables.to_frame(table)

    def read_batches(self, uri: str, rows: int) -> Iterator[pd.DataFrame]:
        """Frames of at most ``rows`` rows; memory holds one at a time."""
        place, count = _place(uri), 0
        with _connection(place) as connection:
            import pyarrow as pa

            for batch in connection.sql(place.statement).to_arrow_reader(rows):
                count += len(batch)
                yield arrowtables.to_frame(pa.Table.from_batches([batch]))
        if not count:
            raise arrowtables.no_rows(uri)

    def write(
        self,
        uri: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        provenance: Mapping[str, Any] | None = None,
    ) -> str:
        """Create the table, or replace its rows, in one transaction."""
        place, counted = _place(uri), notes.Counted(frames)
        if place.query is not None:
            raise InvalidInputError(f"{uri}: rows are written to a ?table=, not to a query")
        with _connection(place, writing=True) as connection, _transaction(place, connection):
            there = _columns(connection, place)
            tables = map(arrowtables.to_table, counted)
            first = next(tables)  # nothing is sampled for a target that cannot be reached
            if there:
                connection.execute(f"DELETE FROM {place.quoted}")
            else:
                _create(connection, place, first)
            fitting = _fitting(connection, place)
            for rows in chain([first], tables):
                _insert(connection, place, fitting(rows))
            _note(connection, place, counted.facts(provenance))
        return f"the comment of table {place.table}"


def _place(uri: str) -> _Place:
    address, given = options.split(uri, _OPTIONS)
    file = address.partition(":")[2]
    if not file or ("table" in given) == ("query" in given):
        raise InvalidInputError(
            f"{uri}: name a file and one table or query; write duckdb:FILE?table=NAME"
        )
    return _Place(uri, file, given.get("table", ""), given.get("query"))


@contextmanager
def _connection(place: _Place, writing: bool = False) -> Iterator[Any]:
    """The database; a file that was not there is gone again after an exception."""
    duckdb = arrowtables.need("duckdb", place.uri, "DuckDB", "duckdb")
    arrowtables.need("pyarrow", place.uri, "DuckDB", "duckdb")
    is_new = not os.path.exists(place.file)
    if is_new and not writing:
        raise InvalidInputError(f"{place.uri}: no such file {place.file!r}; check the name")
    if writing:
        check_target(place.file)
    # Nothing is fetched from the network that nobody asked for.
    settings = {"autoinstall_known_extensions": False, "TimeZone": "UTC"}
    try:
        with duckdb.connect(place.file, read_only=not writing, config=settings) as connection:
            yield connection
    except BaseException as error:
        if is_new:
            _remove(place.file)
        if isinstance(error, duckdb.Error):
            raise InvalidInputError(f"{place.uri}: {_reason(error)}") from None
        raise


@contextmanager
def _transaction(place: _Place, connection: Any) -> Iterator[None]:
    import duckdb

    connection.begin()
    try:
        yield
        connection.commit()
    except duckdb.Error as error:  # closing the connection takes back what was done
        raise SynthGenError(
            f"{place.uri}: cannot write; nothing was changed: {_reason(error)}"
        ) from None


def _columns(connection: Any, place: _Place) -> dict[str, bool]:
    """Under the name of each column whether it is computed; none where there is no such table."""
    *schema, name = place.table.split(".")
    found = connection.execute(
        "SELECT column_name, is_generated = 'ALWAYS' FROM information_schema.columns "
        "WHERE table_catalog = current_database() AND lower(table_schema) = lower(?) "
        "AND lower(table_name) = lower(?) ORDER BY ordinal_position",
        [schema[-1] if schema else "main", name],
    )
    return dict(found.fetchall())


def _fitting(connection: Any, place: _Place) -> Fitting:
    import pyarrow as pa

    found = connection.sql(f"SELECT * FROM {place.quoted} LIMIT 0").to_arrow_table().schema
    wanted = {
        field.name: None if pa.types.is_interval(field.type) else arrowtables.plain(field.type)
        for field in found
    }
    computed = tuple(name for name, yes in _columns(connection, place).items() if yes)
    return Fitting(place.uri, wanted, computed)


def _create(connection: Any, place: _Place, rows: pa.Table) -> None:
    connection.register("synthgen_rows", rows.slice(0, 0))
    connection.execute(f"CREATE TABLE {place.quoted} AS SELECT * FROM synthgen_rows")


def _insert(connection: Any, place: _Place, rows: pa.Table) -> None:
    connection.register("synthgen_rows", rows)
    connection.execute(f"INSERT INTO {place.quoted} BY NAME SELECT * FROM synthgen_rows")


def _note(connection: Any, place: _Place, facts: Mapping[str, Any]) -> None:
    *schema, name = place.table.split(".")
    before = connection.execute(
        "SELECT comment FROM duckdb_tables() WHERE database_name = current_database() "
        "AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?)",
        [schema[-1] if schema else "main", name],
    ).fetchone()
    text = notes.comment(before[0] if before else None, facts).replace("'", "''")
    connection.execute(f"COMMENT ON TABLE {place.quoted} IS '{text}'")


def _remove(file: str) -> None:
    for path in (file, f"{file}.wal"):
        if os.path.exists(path):
            os.unlink(path)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split("\n\n")[0].split())[:240]
