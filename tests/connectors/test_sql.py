from __future__ import annotations

import datetime as dt
import os
import tracemalloc
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from synthgen import connectors
from synthgen.errors import InvalidInputError, SynthGenError
from tests.servers import PASSWORD, Database

SERVERS = ("postgresql", "mariadb")
ALL = (*SERVERS, "sqlite")
COLUMNS = "id BIGINT PRIMARY KEY, name VARCHAR(20) NOT NULL, age INT CHECK (age < 150)"
OLD = "INSERT INTO t VALUES (1, 'old', 1), (2, 'old', NULL)"


def servers(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("database", names, indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def filled(database: Database) -> Database:
    """With a table of two rows."""
    database.run(f"CREATE TABLE t ({COLUMNS})", OLD)
    return database


def read(uri: str) -> pd.DataFrame:
    return connectors.find(uri).read(uri)


def write(uri: str, frames: Any, facts: dict[str, Any] | None = None) -> str:
    return connectors.find(uri).write(uri, frames, facts)


def arrow(**columns: pa.Array) -> pd.DataFrame:
    return pa.table(columns).to_pandas(types_mapper=pd.ArrowDtype)


def people(first: int, rows: int, **changes: list[Any]) -> pd.DataFrame:
    cells: dict[str, Any] = {
        "id": range(first, first + rows), "name": ["x"] * rows, "age": [30] * rows,
    }  # fmt: skip
    return arrow(**{name: pa.array(list(values)) for name, values in (cells | changes).items()})


def refused(call: Callable[[], object], *words: str, kind: type = InvalidInputError) -> str:
    """Raises exactly this error, in one line that holds no secret."""
    with pytest.raises(SynthGenError) as caught:
        call()
    message = str(caught.value)
    assert type(caught.value) is kind, message
    assert "\n" not in message and PASSWORD not in message
    for word in words:
        assert word in message, message
    return message


# Types --------------------------------------------------------------------------------------

TYPES = {
    "postgresql": {
        "i": ("int", "1", "int32"), "si": ("smallint", "2", "int16"),
        "big": ("bigint", "3", "int64"), "d": ("numeric(8,2)", "12.50", "decimal128(8, 2)"),
        "n": ("numeric", "1.5", "decimal128(38, 1)"),
        "f": ("double precision", "1e300", "double"), "r": ("real", "0.1", "float"),
        "b": ("boolean", "true", "bool"), "s": ("varchar(9)", "'it''s'", "string"),
        "c": ("text", "''", "string"), "day": ("date", "'1890-12-31'", "date32[day]"),
        "at": ("timestamp", "'2024-07-02 03:04:05.5'", "timestamp[us]"),
        "z": ("timestamptz", "'2024-07-02 03:04:05+02'", "timestamp[us, tz=UTC]"),
        "tm": ("time", "'01:02:03'", "time64[us]"), "iv": ("interval", "'1 day'", "duration[us]"),
        "u": ("uuid", "'00000000-0000-0000-0000-000000000001'", "string"),
        "j": ("jsonb", "'{\"a\": 1}'", "string"), "arr": ("int[]", "'{1,2}'", "string"),
        "e": ("mood", "'sad'", "string"),
    },
    "mariadb": {
        "i": ("int", "1", "int32"), "si": ("smallint", "2", "int16"),
        "big": ("bigint", "3", "int64"),
        "un": ("int unsigned", "4000000000", "uint32"), "tiny": ("tinyint", "-5", "int8"),
        "d": ("decimal(8,2)", "12.50", "decimal128(8, 2)"), "f": ("double", "1e300", "double"),
        "r": ("float", "0.1", "float"), "b": ("boolean", "true", "bool"),
        "s": ("varchar(9)", "'it''s'", "string"), "c": ("text", "''", "string"),
        "day": ("date", "'1890-12-31'", "date32[day]"), "y": ("year", "1999", "int16"),
        "at": ("datetime(6)", "'2024-07-02 03:04:05.5'", "timestamp[us]"),
        "z": ("timestamp(6) NULL", "'2024-07-02 03:04:05'", "timestamp[us, tz=UTC]"),
        "tm": ("time", "'01:02:03'", "time64[us]"), "e": ("enum('sad','glad')", "'sad'", "string"),
        "u": ("uuid", "'00000000-0000-0000-0000-000000000001'", "string"),
        "j": ("json", "'{\"a\": 1}'", "string"),
    },
    "sqlite": {
        "i": ("integer", "1", "int64"), "d": ("numeric(8,2)", "12.50", "decimal128(8, 2)"),
        "n": ("numeric", "1.5", "double"), "f": ("real", "1e300", "double"),
        "b": ("boolean", "1", "bool"), "s": ("varchar(9)", "'it''s'", "string"),
        "day": ("date", "'1890-12-31'", "date32[day]"), "x": ("", "7", "int64"),
        "at": ("datetime", "'2024-07-02 03:04:05.500000'", "timestamp[us]"),
    },
}  # fmt: skip
CELLS = {
    "d": Decimal("12.50"), "b": True, "s": "it's", "day": dt.date(1890, 12, 31),
    "at": pd.Timestamp("2024-07-02 03:04:05.5"), "f": 1e300,
}  # fmt: skip


@servers(*ALL)
def test_types_and_gaps_are_kept(database: Database) -> None:
    kind = database.base.partition(":")[0]
    types = TYPES[kind]
    if kind == "postgresql":
        database.run("CREATE TYPE mood AS ENUM ('sad', 'glad')")
    columns = ", ".join(f"{name} {declared}" for name, (declared, _, _) in types.items())
    values = ", ".join(value for _, value, _ in types.values())
    gaps = ", ".join(["NULL"] * len(types))
    database.run(f"CREATE TABLE t ({columns})", f"INSERT INTO t VALUES ({values}), ({gaps})")
    frame = read(database.uri("table=t"))
    found = {name: str(dtype.pyarrow_dtype) for name, dtype in frame.dtypes.items()}
    assert found == {name: expected for name, (_, _, expected) in types.items()}
    assert {name: frame[name][0] for name in CELLS} == CELLS
    assert frame.iloc[1].isna().all()
    # into a table of the same declarations, and into one that is made for the frame
    database.run(f"CREATE TABLE same ({columns})")
    for table in ("same", "new"):
        uri = database.uri(f"table={table}")
        write(uri, [frame[:1], frame[1:]])
        back = read(uri)
        if table == "same":
            pd.testing.assert_frame_equal(back, frame)
        assert back.astype(object).equals(frame.astype(object)), back.T
        assert connectors.find(uri).scan(uri) == connectors.Scan(tuple(types), 2)


@servers("mariadb")
def test_an_instant_is_one_whatever_the_session(database: Database) -> None:
    database.run(
        "CREATE TABLE t (z timestamp)", "SET time_zone = '+02:00'",
        "INSERT INTO t VALUES ('2024-07-02 03:04:05')",
    )  # fmt: skip
    assert read(database.uri("table=t"))["z"][0] == pd.Timestamp("2024-07-02 01:04:05", tz="UTC")


@servers(*ALL)
def test_a_query(filled: Database) -> None:
    frame = read(filled.uri("query=SELECT id, name, age FROM t WHERE name LIKE 'o%25' AND age > 0"))
    assert frame.to_dict("list") == {"id": [1], "name": ["old"], "age": [1]}
    refused(lambda: read(filled.uri("query=SELECT id AS a, id AS a FROM t")), "'a'", "twice")
    refused(lambda: write(filled.uri("query=SELECT 1"), people(1, 1)), "?table=")
    refused(lambda: read(filled.uri("query=SELECT nothing FROM t")), "nothing")
    refused(lambda: read(filled.uri("query=SELECT id FROM t WHERE id > 9")), "no rows")


@servers(*ALL)
def test_odd_names_and_texts(database: Database) -> None:
    texts = ["", "a,b", 'say "hi"', "two\nlines", "\\.", "back\\slash", "naïve 😀", "%s :x", None]
    frame = arrow(**{
        name: pa.array(texts, pa.string()) for name in ("select", "a%b", "(x)", "p:q", "Big One")
    })  # fmt: skip
    uri = database.uri("table=an odd-name")
    write(uri, frame)
    pd.testing.assert_frame_equal(read(uri), frame)


@servers("postgresql")
def test_another_schema(database: Database) -> None:
    database.run("CREATE SCHEMA sales", "CREATE TABLE sales.t (i int)")
    write(database.uri("table=sales.t"), arrow(i=pa.array([1, 2])))
    assert len(read(database.uri("table=t&schema=sales"))) == 2
    refused(lambda: read(database.uri("table=t")), "no table 't'")


@servers(*ALL)
def test_batches_come_from_the_server_bit_by_bit(database: Database) -> None:
    rows = 16_000
    uri = database.uri("table=t")
    write(uri, arrow(i=pa.array(range(rows)), s=pa.array(["x" * 300] * rows)))
    parts = list(connectors.find(uri).read_batches(uri, 7_000))
    assert [len(part) for part in parts] == [7_000] * 2 + [2_000]
    assert pd.concat(parts)["i"].tolist() == list(range(rows))

    def peak(batch: int) -> int:
        tracemalloc.start()
        try:
            for _ in connectors.find(uri).read_batches(uri, batch):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(500) < peak(rows) / 4


# Replacing ----------------------------------------------------------------------------------


@servers(*ALL)
def test_constraints_stay_and_the_note_says_synthetic(filled: Database) -> None:
    uri = filled.uri("table=t")
    for _ in range(2):
        noted = write(uri, [people(10, 3), people(13, 2)], {"seed": 7})
    assert filled.run("SELECT id, name, age FROM t ORDER BY id")[0] == (10, "x", 30)
    assert filled.run("SELECT count(*) FROM t") == [(5,)]
    for bad in ("(10, 'x', 1)", "(20, NULL, 1)", "(20, 'x', 200)"):
        with pytest.raises(Exception, match="(?i)constraint|null|duplicate"):
            filled.run(f"INSERT INTO t VALUES {bad}")
    note = {
        "postgresql": "SELECT obj_description('t'::regclass)",
        "mariadb": "SELECT table_comment FROM information_schema.tables WHERE table_name = 't' "
        "AND table_schema = database()",
        "sqlite": "SELECT note FROM synthgen_notes WHERE name = 't'",
    }[filled.base.partition(":")[0]]
    expected = 'synthgen: {"synthetic": true, "seed": 7, "rows": 5, "columns": 3}'
    assert filled.run(note) == [(expected,)]
    assert ("synthgen_notes" if "sqlite" in uri else "comment of table t") in noted


@servers("postgresql", "mariadb")
def test_the_comment_of_its_owner_stays(filled: Database) -> None:
    filled.run(
        "COMMENT ON TABLE t IS 'mine'" if "postgresql" in filled.base
        else "ALTER TABLE t COMMENT = 'mine'"
    )  # fmt: skip
    write(filled.uri("table=t"), people(1, 1))
    import sqlalchemy as sa

    url = sa.make_url(filled.base).set(drivername=filled.driver, password=PASSWORD)
    found = sa.inspect(sa.create_engine(url)).get_table_comment("t")["text"]
    assert found.splitlines()[0] == "mine"
    assert found.splitlines()[1].startswith('synthgen: {"synthetic": true')


@servers("postgresql", "mariadb")
def test_computed_columns_and_columns_that_do_not_arrive(database: Database) -> None:
    database.run(
        "CREATE TABLE t (a int, twice int GENERATED ALWAYS AS (a * 2) STORED, "
        "b varchar(9) DEFAULT 'none' NOT NULL)"
    )
    write(database.uri("table=t"), arrow(a=pa.array([4]), twice=pa.array([1])))
    assert database.run("SELECT * FROM t") == [(4, 8, "none")]


@servers(*ALL)
def test_texts_become_what_the_columns_are(filled: Database) -> None:
    """What a model of a CSV file gives: every cell is text, the empty one is missing."""
    frame = pd.DataFrame({"id": ["7"], "name": [""], "age": [""]}, dtype=object)
    write(filled.uri("table=t"), frame)
    assert filled.run("SELECT * FROM t") == [(7, "", None)]


def broken(rows: int) -> Iterator[pd.DataFrame]:
    yield people(10, rows)
    raise RuntimeError("the sampler broke")


BAD = {
    "a check": ([people(10, 5), people(15, 1, age=[200])], "", SynthGenError),
    "a key twice": ([people(10, 5), people(10, 1)], "", SynthGenError),
    "a missing cell": ([people(10, 5), people(15, 1, name=[None])], "", SynthGenError),
    "a number too large": ([people(10, 1), people(15, 1, age=[2**62])], "", SynthGenError),
    "a word for a number": (
        [people(10, 1), people(15, 1).assign(age=pd.array(["old"], dtype="string"))],
        "column 'age'", SynthGenError,
    ),
    "an unknown column": (
        [people(10, 5).rename(columns={"age": "agee"})], "did you mean 'age'", InvalidInputError,
    ),
}  # fmt: skip


@servers(*ALL)
@pytest.mark.parametrize("bad", BAD)
def test_the_table_is_as_it_was(filled: Database, bad: str) -> None:
    frames, word, kind = BAD[bad]
    before = filled.run("SELECT * FROM t ORDER BY id")
    refused(lambda: write(filled.uri("table=t"), frames), word, kind=kind)
    assert filled.run("SELECT * FROM t ORDER BY id") == before
    tables(filled, {"t"})


def tables(database: Database, expected: set[str]) -> None:
    import sqlalchemy as sa

    url = sa.make_url(database.base).set(drivername=database.driver)
    url = url.set(password=PASSWORD) if url.username else url
    assert set(sa.inspect(sa.create_engine(url)).get_table_names()) == expected


@servers(*ALL)
def test_a_sampler_that_breaks_leaves_nothing(filled: Database) -> None:
    for table in ("t", "new"):
        with pytest.raises(RuntimeError, match="sampler"):
            write(filled.uri(f"table={table}"), broken(2_000))
    assert len(filled.run("SELECT * FROM t")) == 2
    tables(filled, {"t"})


def test_a_new_file_goes_with_its_failure(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/new.db?table=t"
    with pytest.raises(RuntimeError, match="sampler"):
        write(uri, broken(10))
    assert list(tmp_path.iterdir()) == []
    refused(lambda: write(f"sqlite:///{tmp_path}/no/new.db?table=t", people(1, 1)), "no folder")


@servers(*SERVERS)
def test_a_server_that_goes_away_while_it_is_written(filled: Database) -> None:
    def frames() -> Iterator[pd.DataFrame]:
        yield people(10, 2_000)
        filled.cut()
        yield people(3_000, 2_000)

    for table in ("t", "new"):
        message = refused(
            lambda table=table: write(filled.uri(f"table={table}"), frames()), kind=SynthGenError
        )
        assert "nothing was changed" in message
    assert len(filled.run("SELECT * FROM t")) == 2


@servers(*SERVERS)
def test_a_server_that_goes_away_while_it_is_read(database: Database) -> None:
    uri = database.uri("table=t")
    write(uri, people(1, 60_000, name=["x" * 200] * 60_000))
    batches = connectors.find(uri).read_batches(uri, 100)
    next(batches)
    database.cut()
    refused(lambda: list(batches), uri.partition("?")[0])


@servers("postgresql")
def test_a_server_that_is_not_there(database: Database) -> None:
    refused(lambda: read("postgresql://tester@127.0.0.1:1/db?table=t"), "127.0.0.1")
    refused(lambda: read("mysql://tester@127.0.0.1:1/db?table=t"), "127.0.0.1")


@servers("postgresql")
def test_rows_of_other_tables_are_not_deleted(filled: Database) -> None:
    filled.run(
        "CREATE TABLE o (t bigint REFERENCES t ON DELETE CASCADE)", "INSERT INTO o VALUES (1)"
    )
    refused(lambda: write(filled.uri("table=t"), people(1, 1)), "'o'", "ON DELETE CASCADE")
    filled.run("CREATE SCHEMA far", "ALTER TABLE o SET SCHEMA far")
    refused(lambda: write(filled.uri("table=t"), people(1, 1)), "'o'", "ON DELETE CASCADE")
    filled.run(
        "DROP TABLE far.o", "CREATE TABLE o (t bigint REFERENCES t)", "INSERT INTO o VALUES (1)"
    )
    refused(lambda: write(filled.uri("table=t"), people(5, 1)), "foreign key", kind=SynthGenError)
    assert len(filled.run("SELECT * FROM t")) == 2


@servers("mariadb")
def test_a_table_without_transactions_is_refused(database: Database) -> None:
    database.run(f"CREATE TABLE t ({COLUMNS}) ENGINE=MyISAM", OLD)
    refused(lambda: write(database.uri("table=t"), people(5, 1)), "MyISAM", "InnoDB")
    assert len(database.run("SELECT * FROM t")) == 2


@servers("postgresql")
def test_instants_are_not_guessed(database: Database) -> None:
    database.run("CREATE TABLE t (at timestamp)")
    zoned = pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("us", tz="UTC"))
    refused(lambda: write(database.uri("table=t"), arrow(at=zoned)), "'at'", "time zone")


@servers("mariadb", "sqlite")
def test_a_type_that_the_database_does_not_have(database: Database) -> None:
    spans = arrow(span=pa.array([dt.timedelta(days=1)], pa.duration("us")))
    refused(lambda: write(database.uri("table=t"), spans), "'span'", "duration")
    tables(database, set())


@servers(*ALL)
def test_nothing_to_write(filled: Database) -> None:
    refused(lambda: write(filled.uri("table=t"), []), "no columns")
    assert len(filled.run("SELECT * FROM t")) == 2


# Who may what -------------------------------------------------------------------------------


@servers(*SERVERS)
def test_a_wrong_password(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHGEN_DB_PASSWORD", "wr0ng-secret")
    for call in (
        lambda: read(filled.uri("table=t")),
        lambda: write(filled.uri("table=t"), people(1, 1)),
    ):
        assert "wr0ng" not in refused(call, "tester")


@servers(*ALL)
def test_a_table_that_is_not_there(filled: Database) -> None:
    filled.run("CREATE TABLE customers (i int)")
    refused(lambda: read(filled.uri("table=custmers")), "'custmers'", "did you mean 'customers'")
    refused(lambda: read(filled.uri("table=customers")), "no rows")
    for options in ("", "table=t&query=SELECT 1", "tabel=t", "table=t&password=hunter2"):
        assert "hunter2" not in refused(lambda options=options: read(filled.uri(options)))


@servers("postgresql")
def test_a_password_in_the_url_is_refused_and_never_shown(database: Database) -> None:
    for secret in ("hunter2", "hun@ter2", "h/2", "%40hunter2"):
        uri = database.uri("table=t").replace("tester@", f"tester:{secret}@")
        message = refused(lambda uri=uri: read(uri))
        assert secret not in message and "ter2" not in message


@servers("postgresql")
def test_a_server_that_does_not_encrypt_is_not_told_the_password(filled: Database) -> None:
    uri = filled.uri("table=t")
    for mode in ("require", "verify-ca", "verify-full"):
        refused(lambda mode=mode: read(f"{uri}&sslmode={mode}"), "SSL")
    for mode in ("disable", "prefer"):
        assert len(read(f"{uri}&sslmode={mode}")) == 2
    refused(lambda: read(f"{uri}&sslmode=on"), "'on'", "verify-full")


@servers("postgresql")
def test_the_password_file(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PGPASSWORD")
    path = tmp_path / "pgpass"
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    path.write_text(f"# a comment\nelsewhere:*:*:tester:no\n127.0.0.1:*:*:tester:{escaped}\n")
    monkeypatch.setenv("PGPASSFILE", str(path))
    os.chmod(path, 0o644)
    refused(lambda: read(filled.uri("table=t")), "chmod 600")
    os.chmod(path, 0o600)
    assert len(read(filled.uri("table=t"))) == 2


@servers("mariadb")
def test_where_mysql_looks_for_a_password(
    filled: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNTHGEN_DB_PASSWORD")
    monkeypatch.setenv("HOME", str(tmp_path))
    uri = filled.uri("table=t")
    refused(lambda: read(uri), "denied")
    (tmp_path / ".my.cnf").write_text(f"[client]\nuser = tester\npassword = {PASSWORD}\n")
    assert len(read(uri)) == len(read(uri.replace("tester@", ""))) == 2
    (tmp_path / ".my.cnf").unlink()
    monkeypatch.setenv("MYSQL_PWD", PASSWORD)
    assert len(read(uri)) == 2


@servers(*SERVERS)
def test_a_target_that_may_only_be_read(filled: Database, request: pytest.FixtureRequest) -> None:
    name = f"reader_{filled.base.rpartition('/')[2]}"
    if "postgresql" in filled.base:
        filled.run(f"CREATE USER {name} PASSWORD '{PASSWORD}'", f"GRANT SELECT ON t TO {name}")
    else:
        filled.run(
            f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT ON t TO {name}@'127.0.0.1'",
        )
    reader = filled.base.replace("tester@", f"{name}@")
    assert len(read(f"{reader}?table=t")) == 2
    refused(lambda: write(f"{reader}?table=t", people(1, 1)), "denied", kind=SynthGenError)
    with pytest.raises(SynthGenError, match="denied"):
        write(f"{reader}?table=new", people(1, 1))
    assert len(filled.run("SELECT * FROM t")) == 2
