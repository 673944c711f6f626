"""What a database URL names, how its server is reached, and what its errors say in one line.

``sqlite:///f.db?table=t``, ``postgresql://user@host/db?table=t`` (or ``?query=SELECT ...``),
``mysql://`` and ``mariadb://`` likewise; ``&schema=s`` or ``table=s.t`` for another schema.
Passwords come from the environment or from files, never from the URL.
"""

from __future__ import annotations

import getpass
import os
import re
import sqlite3
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from synthgen.connectors import scheme, without_secret
from synthgen.errors import InvalidInputError, SynthGenError
from synthgen_connectors import options
from synthgen_connectors.arrowtables import need

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine, Table

_OPTIONS = ("table", "query", "schema", "sslmode")
_TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")  # as in PostgreSQL
# Under each scheme: SQLAlchemy's name of database and driver, and where a password may stand.
_DRIVERS = {
    "sqlite": ("sqlite", "sqlite3", ()),
    "postgresql": ("postgresql+pg8000", "pg8000.dbapi", ("PGPASSWORD",)),
    "postgres": ("postgresql+pg8000", "pg8000.dbapi", ("PGPASSWORD",)),
    "mysql": ("mysql+pymysql", "pymysql", ("MYSQL_PWD",)),
    "mariadb": ("mariadb+pymysql", "pymysql", ("MYSQL_PWD",)),
}
_PASSWORD = "SYNTHGEN_DB_PASSWORD"
_SESSION = (
    # An instant is read and written in UTC, and what does not fit is refused instead of cut off.
    "SET time_zone = '+00:00', sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
)
_LONGEST = 240


@dataclass(frozen=True)
class Place:
    """A table, or the result of a query, in a database."""

    uri: str
    url: URL
    tls: str | None
    schema: str | None = None
    table: str = ""
    query: str | None = None

    @property
    def file(self) -> str | None:
        """The file of an SQLite database."""
        return self.url.database if self.url.get_backend_name() == "sqlite" else None


def parse(uri: str) -> Place:
    """What ``uri`` names.

    Raises:
        InvalidInputError: If it holds a password, or does not name one table or one query.
        MissingExtraError: If SQLAlchemy or the driver is not installed.
    """
    shown = without_secret(uri)
    drivername, driver, variables = _DRIVERS[scheme(uri)]
    sqlalchemy = need("sqlalchemy", shown, "a database", "sql")
    need(driver, shown, "this database", "sql")
    address, given = options.split(uri, _OPTIONS)
    try:
        url = sqlalchemy.make_url(address)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise InvalidInputError(f"{shown}: is not a database URL; {_usage(uri)}") from None
    if url.password is not None:
        raise InvalidInputError(
            f"{shown}: a password does not belong in a URL, which others see; leave it out and "
            f"set {' or '.join((_PASSWORD, *variables))} in the environment"
        )
    if ("table" in given) == ("query" in given) or not url.database:
        raise InvalidInputError(f"{shown}: name one table or one query; {_usage(uri)}")
    if (tls := given.get("sslmode", os.environ.get("PGSSLMODE"))) not in (None, *_TLS):
        raise InvalidInputError(f"{shown}: no sslmode {tls!r}; there is {', '.join(_TLS)}")
    schema, name = given.get("schema"), given.get("table", "")
    if schema is None and "." in name:
        schema, _, name = name.rpartition(".")
    return Place(uri, url.set(drivername=drivername), tls, schema, name, given.get("query"))


def _usage(uri: str) -> str:
    kind = scheme(uri)
    if kind == "sqlite":
        return "write sqlite:///FILE?table=NAME (four slashes for an absolute path)"
    return f"write {kind}://USER@HOST/DATABASE?table=NAME"


@contextmanager
def engine(place: Place, writing: bool = False) -> Iterator[Engine]:
    """Connections to the server; closed, and an SQLite file that was not there before is gone
    again, where the block ends with an exception.
    """
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    backend = place.url.get_backend_name()
    if place.file is not None:
        made, creator = _sqlite(place, place.file, writing)
        connected = create_engine(place.url, creator=creator, poolclass=NullPool)
        # The driver begins transactions late, and not for CREATE TABLE.
        event.listen(connected, "begin", lambda c: c.exec_driver_sql("BEGIN"))
    else:
        made, reach = None, _postgresql if backend == "postgresql" else _mysql
        url, arguments = reach(place)
        connected = create_engine(url, connect_args=arguments, poolclass=NullPool)
    try:
        yield connected
    except BaseException:
        if made is not None:
            made.unlink(missing_ok=True)
        raise
    finally:
        connected.dispose()


def _sqlite(place: Place, file: str, writing: bool) -> tuple[Path | None, Any]:
    path = Path(file)
    if not path.is_file() and (not writing or path.exists()):
        raise InvalidInputError(f"{place.uri}: no such file {file!r}; check the name")
    if writing and not path.parent.is_dir():
        raise InvalidInputError(f"{place.uri}: there is no folder {str(path.parent)!r}")
    name = f"file:{quote(os.path.abspath(file))}?mode={'rwc' if writing else 'ro'}"
    made = None if path.exists() else path
    return made, lambda: sqlite3.connect(name, uri=True, isolation_level=None)


def _postgresql(place: Place) -> tuple[URL, dict[str, Any]]:
    encrypted = False if place.tls == "disable" else _tls(place)
    user = place.url.username or os.environ.get("PGUSER") or getpass.getuser()
    password = _of_environment("PGPASSWORD") or _of_passfile(place, user)
    url = place.url.set(username=user, password=password)
    return url, {"application_name": "synthgen", "ssl_context": encrypted}


def _mysql(place: Place) -> tuple[URL, dict[str, Any]]:
    own = Path("~/.my.cnf").expanduser()
    file = {"read_default_file": str(own)} if own.is_file() else {}
    tls = {"ssl_disabled": True} if place.tls == "disable" else {"ssl": _tls(place)}
    url = place.url.set(password=_of_environment("MYSQL_PWD"))
    return url, {"charset": "utf8mb4", "init_command": _SESSION, **file, **tls}


def _tls(place: Place) -> ssl.SSLContext | None:
    """None leaves it to driver and server."""
    if place.tls not in ("require", "verify-ca", "verify-full"):
        return None
    context = ssl.create_default_context(cafile=os.environ.get("PGSSLROOTCERT"))
    context.check_hostname = place.tls == "verify-full"
    if place.tls == "require":
        context.verify_mode = ssl.CERT_NONE
    return context


def _of_environment(usual: str) -> str | None:
    return os.environ.get(_PASSWORD) or os.environ.get(usual)


def _of_passfile(place: Place, user: str) -> str | None:
    """https://www.postgresql.org/docs/current/libpq-pgpass.html"""
    path = Path(os.environ.get("PGPASSFILE", "~/.pgpass")).expanduser()
    if not path.is_file():
        return None
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidInputError(
            f"{path}: others may read this password file; run: chmod 600 {path}"
        )
    url = place.url
    wanted = (url.host or "localhost", str(url.port or 5432), url.database, user)
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = [re.sub(r"\\(.)", r"\1", part) for part in re.split(r"(?<!\\):", line)]
        if (
            len(fields) == 5
            and not line.startswith("#")
            and all(field in ("*", want) for field, want in zip(fields, wanted, strict=False))
        ):
            return fields[4]
    return None


@contextmanager
def reaching(place: Place) -> Iterator[None]:
    """What the database refuses to be asked is invalid input (exit code 4)."""
    # ValueError: a cell is not what its column is declared to be
    with _explained(place, "", InvalidInputError, ValueError):
        yield


@contextmanager
def changing(place: Place, done: str = "nothing was changed: ") -> Iterator[None]:
    """What fails while rows are written is a failure (exit code 1); ``done`` says what was done."""
    with _explained(place, f"cannot write; {done}", SynthGenError):
        yield


@contextmanager
def _explained(
    place: Place, what: str, kind: type[SynthGenError], *more: type[Exception]
) -> Iterator[None]:
    from sqlalchemy.exc import SQLAlchemyError

    driver = import_module(_DRIVERS[scheme(place.uri)][1])
    try:
        yield
    except (SQLAlchemyError, driver.Error, OSError, *more) as error:
        if isinstance(error, SynthGenError):
            raise
        raise kind(f"{without_secret(place.uri)}: {what}{_reason(error)}") from None


def _reason(error: Exception) -> str:
    """What the server or the driver says, without the statement and its rows."""
    cause = getattr(error, "orig", None) or error
    first = cause.args[0] if cause.args else cause
    if isinstance(first, dict):  # PostgreSQL's fields; M is the message
        text = str(first.get("M", first))
    else:
        text = str(cause.args[1] if len(cause.args) > 1 and isinstance(first, int) else first)
    return " ".join(text.split())[:_LONGEST] or type(cause).__name__


def reflected(place: Place, connected: Engine) -> Table | None:
    """The table with its columns as they are declared; None where there is none."""
    import sqlalchemy as sa

    with reaching(place):
        try:
            return sa.Table(
                place.table, sa.MetaData(), schema=place.schema, autoload_with=connected,
                resolve_fks=False,
            )  # fmt: skip
        except sa.exc.NoSuchTableError:
            return None


def no_such_table(place: Place, connected: Engine) -> InvalidInputError:
    """The error of a table that is not there, with the nearest that is."""
    import sqlalchemy as sa

    from synthgen.schema import nearest

    with reaching(place):
        looked = sa.inspect(connected)
        names = looked.get_table_names(place.schema) + looked.get_view_names(place.schema)
    there = nearest(place.table, names) if names else "; there are no tables"
    return InvalidInputError(f"{without_secret(place.uri)}: no table {place.table!r}{there}")
