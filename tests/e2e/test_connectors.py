"""From a database or a store, through a model, and back: as their users run it."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from synthgen import connectors
from tests.servers import PASSWORD, Database

from .conftest import SMALL, environment, run

ROWS = 400
# How databases spell a key and an instant.
SPELLED = {
    "postgresql": ("BIGINT PRIMARY KEY", "TIMESTAMPTZ"),
    "mariadb": ("BIGINT PRIMARY KEY", "DATETIME(6)"),
    "sqlite": ("INTEGER PRIMARY KEY", "DATETIME"),
    "duckdb": ("BIGINT PRIMARY KEY", "TIMESTAMP"),
}


def declared(name: str, database: str) -> str:
    """A table of people, with constraints."""
    key, moment = SPELLED[database]
    return (
        f"CREATE TABLE {name} (id {key}, age INT NOT NULL CHECK (age BETWEEN 16 AND 100), "
        f"workclass VARCHAR(30), hours NUMERIC(5,1) NOT NULL CHECK (hours > 0), "
        f"rich BOOLEAN NOT NULL, seen DATE, moment {moment} NOT NULL)"
    )


@pytest.fixture(scope="session")
def rows() -> pd.DataFrame:
    """The first rows of Adult with a key, gaps, decimals, dates and instants."""
    with gzip.open(files("synthgen") / "data" / "adult_train.csv.gz", "rt") as handle:
        adult = pd.read_csv(handle, nrows=ROWS, keep_default_na=False)
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(adult["fnlwgt"] % 1500, "D")
    seconds = pd.to_timedelta(adult["fnlwgt"] % 86_400, "s")
    return pa.table({
        "id": pa.array(range(1, ROWS + 1)),
        "age": pa.array(adult["age"], pa.int32()),
        "workclass": pa.array([None if w == "?" else w for w in adult["workclass"]]),
        "hours": pa.array(adult["hours-per-week"] * 1.0).cast(pa.decimal128(5, 1)),
        "rich": pa.array(adult["income"].str.contains(">")),
        "seen": pa.array([None if i % 9 == 0 else d.date() for i, d in enumerate(days)]),
        "moment": pa.array(days + seconds, pa.timestamp("us")),
    }).to_pandas(types_mapper=pd.ArrowDtype)  # fmt: skip


def fit(source: str) -> Path:
    ran = run("fit", source, "-o", "m.synthgen", *SMALL)
    assert ran.code == 0, ran.stderr
    assert PASSWORD not in ran.stderr
    return Path("m.synthgen")


def sampled(target: str, n: int = 200) -> str:
    ran = run("sample", "m.synthgen", "-n", n, "-o", target, "--seed", "5")
    assert ran.code == 0, ran.stderr
    assert PASSWORD not in ran.stderr
    return ran.stderr


def read(uri: str) -> pd.DataFrame:
    return connectors.find(uri).read(uri)


def write(uri: str, frame: pd.DataFrame) -> None:
    connectors.find(uri).write(uri, frame)


@pytest.fixture
def database(request: pytest.FixtureRequest, rows: pd.DataFrame) -> Database:
    """With a table of real rows, and an empty one for synthetic rows that is declared alike."""
    found: Database = request.getfixturevalue(request.param)
    for name in ("people", "synthetic"):
        found.run(declared(name, request.param))
    zoned = rows.assign(moment=rows["moment"].dt.tz_localize("UTC"))
    write(found.uri("table=people"), zoned if request.param == "postgresql" else rows)
    return found


@pytest.mark.parametrize("database", ["postgresql", "mariadb", "sqlite"], indirect=True)
def test_a_database_and_back(database: Database, folder: Path, rows: pd.DataFrame) -> None:
    source, target = database.uri("table=people"), database.uri("table=synthetic")
    before = read(source)
    model = fit(source)
    assert PASSWORD.encode() not in model.read_bytes()
    said = sampled(target)
    assert "says how they were made" in said and "meta.json" not in said
    drawn = read(target)
    assert len(drawn) == 200
    assert drawn.dtypes.to_dict() == before.dtypes.to_dict()
    assert drawn["id"].is_unique and drawn["age"].between(16, 100).all()
    assert 0 < drawn["workclass"].isna().sum() < 200
    for bad in ("1, NULL, 40, true", "2, 300, 40, true", "3, 30, -1, true"):
        with pytest.raises(Exception, match="(?i)constraint|null"):
            database.run(
                "DELETE FROM synthetic",
                "INSERT INTO synthetic (id, age, hours, rich, moment) "
                f"VALUES ({bad}, '2024-01-01 00:00:00')",
            )
    with pytest.raises(Exception, match="(?i)unique|duplicate"):
        database.run("INSERT INTO synthetic SELECT * FROM synthetic")
    assert len(read(target)) == 200
    pd.testing.assert_frame_equal(read(source), before)
    # again, into a table of its own, from a query
    ran = run("sample", "m.synthgen", "-n", "20", "-o", database.uri("table=another"), "-q")
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")
    again = read(database.uri("table=another"))
    if "sqlite" not in source:
        assert again.dtypes.to_dict() == before.dtypes.to_dict()
    judged = run(
        "schema", database.uri("query=SELECT age, rich FROM synthetic WHERE age > 20"), "--json"
    )
    assert [c["name"] for c in json.loads(judged.stdout)["columns"]] == ["age", "rich"]


def test_a_record_of_the_run_is_in_the_comment(
    postgresql: Database, folder: Path, fitted: Path
) -> None:
    run("sample", fitted, "-n", 5, "-o", postgresql.uri("table=t"), "--seed", 4)
    [(comment,)] = postgresql.run("SELECT obj_description('t'::regclass)")
    note = json.loads(comment.removeprefix("synthgen: "))
    assert (note["synthetic"], note["seed"], note["rows"]) == (True, 4, 5)
    assert note["model"]["file"] == fitted.name


def test_duckdb_and_back(folder: Path, rows: pd.DataFrame) -> None:
    with duckdb.connect("shop.db") as connection:
        for name in ("people", "synthetic"):
            connection.execute(declared(name, "duckdb"))
    write("duckdb:shop.db?table=people", rows)
    fit("duckdb:shop.db?table=people")
    sampled("duckdb:shop.db?table=synthetic")
    drawn = read("duckdb:shop.db?table=synthetic")
    assert drawn.dtypes.to_dict() == rows.dtypes.to_dict()
    assert len(drawn) == 200 and drawn["id"].is_unique
    with duckdb.connect("shop.db") as connection, pytest.raises(duckdb.ConstraintException):
        connection.execute("UPDATE synthetic SET age = 200")


def test_parquet_on_s3_and_back(bucket: str, folder: Path, rows: pd.DataFrame) -> None:
    source, target = f"s3://{bucket}/real.parquet", f"s3://{bucket}/synthetic.parquet"
    write(source, rows)
    fit(source)
    assert f"{target}.meta.json says how" in sampled(target)
    drawn = read(target)
    assert drawn.dtypes.to_dict() == rows.dtypes.to_dict()
    assert len(drawn) == 200
    assert sorted(path.name for path in folder.iterdir()) == ["m.synthgen", "m.synthgen.meta.json"]


@pytest.mark.parametrize("ending", ["jsonl", "jsonl.gz", "xlsx", "feather"])
def test_typed_files_and_back(folder: Path, rows: pd.DataFrame, ending: str) -> None:
    write(f"real.{ending}", rows)
    fit(f"real.{ending}")
    sampled(f"synthetic.{ending}")
    real, drawn = read(f"real.{ending}"), read(f"synthetic.{ending}")
    assert drawn.dtypes.to_dict() == real.dtypes.to_dict()
    assert len(drawn) == 200


def test_a_csv_through_pipes(folder: Path, adult: Path) -> None:
    """Fitted from a pipe and sampled into one; both ends are processes of their own."""
    command = f"{sys.executable} -m synthgen"
    small = " ".join(SMALL)
    line = (
        f"gzip -c {adult} | {command} fit - -o m.synthgen -q {small} && "
        f"{command} sample m.synthgen -n 50 --seed 1 -q | {command} schema - --json"
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line], capture_output=True, env=environment()
    )
    assert done.returncode == 0, done.stderr
    names = [column["name"] for column in json.loads(done.stdout)["columns"]]
    assert names == adult.read_text().partition("\n")[0].split(",")


def test_the_bytes_of_a_pipe_are_those_of_a_file(folder: Path, fitted: Path) -> None:
    run("sample", fitted, "-n", 30, "--seed", 1, "-o", "s.csv")
    piped = run("sample", fitted, "-n", 30, "--seed", 1)
    assert Path("s.csv").read_text() == piped.stdout


@pytest.mark.parametrize("target", ["s.parquet", "s.feather", "s.jsonl", "s.xlsx", "s.csv"])
def test_no_rows_are_a_table_too(folder: Path, fitted: Path, target: str) -> None:
    ran = run("sample", fitted, "-n", 0, "-o", target)
    assert (ran.code, Path(target).exists()) == (0, True), ran.stderr


# Bad input ----------------------------------------------------------------------------------


def one_line(*args: object, code: int, words: tuple[str, ...] = (), **how: Any) -> str:
    ran = run(*args, **how)
    assert (ran.code, ran.stdout) == (code, ""), ran
    assert ran.stderr.startswith("Error: ") and ran.stderr.count("\n") == 1, ran.stderr
    assert "unexpected" not in ran.stderr and PASSWORD not in ran.stderr
    for word in words:
        assert word in ran.stderr, ran.stderr
    return ran.stderr


def test_bad_databases(postgresql: Database, folder: Path, fitted: Path) -> None:
    postgresql.run("CREATE TABLE t (age int)", "INSERT INTO t VALUES (1)")
    source = ("fit", postgresql.uri("table=t"), "-o", "m.synthgen")
    wrong = one_line(*source, code=4, env={"PGPASSWORD": "hunter2"}, words=("password",))
    assert "hunter2" not in wrong
    one_line("fit", postgresql.uri("table=tt"), "-o", "m", code=4, words=("did you mean 't'",))
    in_url = postgresql.uri("table=t").replace("tester@", "tester:hunter2@")
    told = one_line("fit", in_url, "-o", "m", code=4, words=("PGPASSWORD",))
    assert "hunter2" not in told
    sample = ("sample", fitted, "-n", 5, "-o")
    one_line(*sample, postgresql.uri("table=t"), code=4, words=("no column", "'age'"))
    one_line(*sample, in_url, code=4)
    name = postgresql.base.rpartition("/")[2]
    postgresql.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    one_line(
        *sample, postgresql.uri("table=new"), code=1, words=("read-only", "nothing was changed")
    )
    assert postgresql.run("SELECT age FROM t") == [(1,)]
    assert list(folder.iterdir()) == []


def test_a_value_that_the_target_refuses(postgresql: Database, folder: Path, fitted: Path) -> None:
    header = run("sample", fitted, "-n", 1).stdout.partition("\n")[0].split(",")
    columns = ", ".join(f'"{name}" varchar(60)' for name in header)
    postgresql.run(
        f"CREATE TABLE t ({columns}, CHECK (age = 'none'))",
        f"INSERT INTO t VALUES ({', '.join(repr('none') for _ in header)})",
    )
    one_line(
        "sample", fitted, "-n", 5, "-o", postgresql.uri("table=t"), code=1,
        words=("check constraint", "nothing was changed"),
    )  # fmt: skip
    assert postgresql.run("SELECT age FROM t") == [("none",)]


def test_a_bucket_that_is_not_there(bucket: str, folder: Path, fitted: Path) -> None:
    gone = "s3://no-such-bucket/o.parquet"
    one_line("fit", gone, "-o", "m.synthgen", code=4, words=("no such bucket",))
    one_line("sample", fitted, "-n", 5, "-o", gone, code=4, words=("no such bucket",))


def test_imputing_what_a_database_lacks(sqlite: Database, folder: Path, adult: Path) -> None:
    text = adult.read_text().replace("Private", "?")
    frame = pd.read_csv(io.StringIO(text), dtype=object, keep_default_na=False)
    write(sqlite.uri("table=gaps"), frame)
    fit(str(adult))
    ran = run("impute", "m.synthgen", sqlite.uri("table=gaps"), "-o", sqlite.uri("table=full"))
    assert ran.code == 0, ran.stderr
    assert len(read(sqlite.uri("table=full"))) == len(frame)
