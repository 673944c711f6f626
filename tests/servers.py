"""Real servers for the tests of connectors: each on a free loopback port, its files in a temporary
folder of its own, gone when the tests are. Where one is not installed, its tests are skipped.
"""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "s3cret:w@rd/1"
_STARTED_WITHIN_S = 60
_count = iter(range(10_000))


@dataclass(frozen=True)
class Database:
    """An empty database on a server, and a way to it that is not the connector's."""

    base: str
    driver: str

    def uri(self, options: str) -> str:
        return f"{self.base}?{options}"

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Executes statements; rows of the last."""
        import sqlalchemy as sa

        url = sa.make_url(self.base).set(drivername=self.driver)
        engine = sa.create_engine(_with_password(url), poolclass=sa.NullPool)
        with engine.begin() as connection:
            for statement in statements:
                result = connection.exec_driver_sql(statement)
            return [tuple(row) for row in result] if result.returns_rows else []

    def cut(self) -> None:
        """The server ends all connections to this database but the one that asks for it."""
        name = self.base.rpartition("/")[2]
        if self.driver.startswith("postgresql"):
            self.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{name}' AND pid <> pg_backend_pid()"
            )
            return
        listed = "SELECT id FROM information_schema.processlist WHERE id <> connection_id()"
        for (number,) in self.run(f"{listed} AND db = '{name}'"):
            self.run(f"KILL {number}")


@pytest.fixture(scope="session")
def _postgresql_server() -> Iterator[int]:
    found = [
        shutil.which("postgres"),
        *sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))[::-1],
    ]
    binary = next((path for path in found if path), None)
    if binary is None:
        pytest.skip("PostgreSQL is not installed (Debian: postgresql)")
    bin_ = Path(os.path.realpath(binary)).parent
    with _folder("postgres") as (folder, as_user):
        (folder / "password").write_text(PASSWORD)
        data, port = folder / "data", _free_port()
        subprocess.run(
            [*as_user, bin_ / "initdb", "-D", data, "-U", "tester", "-A", "scram-sha-256",
             "-E", "UTF8", f"--pwfile={folder / 'password'}", "--no-sync", "--locale=C"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        command = [
            *as_user, bin_ / "postgres", "-D", data, "-p", str(port), "-k", folder, "-F",
            "-c", "listen_addresses=127.0.0.1", "-c", "shared_buffers=16MB",
        ]  # fmt: skip
        with _running(command, folder, port):
            yield port


@pytest.fixture
def postgresql(_postgresql_server: int, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty PostgreSQL database, its password in the environment."""
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    server = f"postgresql://tester@127.0.0.1:{_postgresql_server}"
    return _new(server, "postgresql+pg8000", "postgres")


@pytest.fixture(scope="session")
def _mariadb_server() -> Iterator[int]:
    binary = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if binary is None or install is None:
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    with _folder("mysql") as (folder, as_user):
        data, port = folder / "data", _free_port()
        subprocess.run(
            [*as_user, install, "--no-defaults", f"--datadir={data}",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        script = folder / "users.sql"
        script.write_text(
            f"CREATE USER tester@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON *.* TO tester@'127.0.0.1' WITH GRANT OPTION;\n"
        )
        command = [
            *as_user, binary, "--no-defaults", f"--datadir={data}", f"--port={port}",
            "--bind-address=127.0.0.1", f"--socket={folder / 's'}", f"--init-file={script}",
            "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=16M",
            "--skip-name-resolve",
        ]  # fmt: skip
        with _running(command, folder, port):
            yield port


@pytest.fixture
def mariadb(_mariadb_server: int, monkeypatch: pytest.MonkeyPatch) -> Database:
    """An empty MariaDB database, its password in the environment."""
    monkeypatch.setenv("SYNTHGEN_DB_PASSWORD", PASSWORD)
    return _new(f"mariadb://tester@127.0.0.1:{_mariadb_server}", "mariadb+pymysql", "mysql")


@pytest.fixture(scope="session")
def _s3_server() -> Iterator[int]:
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    with _folder(None) as (folder, _), _running(command, folder, port):
        yield port


@pytest.fixture
def bucket(_s3_server: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty bucket, reached with keys and an endpoint from the environment."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{_s3_server}", "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": PASSWORD, "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    name = f"bucket-{next(_count)}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    """An empty SQLite database."""
    (tmp_path / "f.db").touch()
    return Database(f"sqlite:///{tmp_path / 'f.db'}", "sqlite")


def _with_password(url: Any) -> Any:
    return url.set(password=PASSWORD) if url.username else url


def _new(server: str, driver: str, first: str) -> Database:
    name = f"t{next(_count)}"
    _autocommitted(f"{server}/{first}", driver, f"CREATE DATABASE {name}")
    return Database(f"{server}/{name}", driver)


def _autocommitted(base: str, driver: str, statement: str) -> None:
    import sqlalchemy as sa

    url = _with_password(sa.make_url(base).set(drivername=driver))
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


@contextmanager
def _folder(user: str | None) -> Iterator[tuple[Path, list[str]]]:
    """A new folder, and what makes a command run as somebody who is not root but owns it."""
    folder = Path(tempfile.mkdtemp(prefix="synthgen-"))
    as_user: list[str] = []
    if user is not None and os.geteuid() == 0:
        try:
            entry = pwd.getpwnam(user)
        except KeyError:
            pytest.skip(f"a server does not run as root, and there is no user {user!r}")
        os.chown(folder, entry.pw_uid, entry.pw_gid)
        as_user = ["setpriv", f"--reuid={user}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]
    try:
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: list[Any], folder: Path, port: int) -> Iterator[None]:
    with (
        open(folder / "log", "wb") as log,
        subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, cwd=folder) as server,
    ):
        try:
            _wait(lambda: _answers(port), server, folder / "log")
            yield
        finally:
            server.terminate()
            server.wait(30)


def _wait(ready: Callable[[], bool], server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _STARTED_WITHIN_S
    while not ready():
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"a server did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
