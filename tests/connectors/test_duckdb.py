from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from synthgen import connectors
from synthgen.errors import InvalidInputError, SynthGenError

COLUMNS = "id INT PRIMARY KEY, name VARCHAR NOT NULL, age INT CHECK (age < 150)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "f.db"
    run(path, f"CREATE TABLE t ({COLUMNS})", "INSERT INTO t VALUES (1, 'old', 1), (2, 'old', NULL)")
    return path


def run(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            found = connection.execute(statement)
        return found.fetchall()


def read(uri: str) -> pd.DataFrame:
    return connectors.find(uri).read(uri)


def write(uri: str, frames: Any, facts: dict[str, Any] | None = None) -> str:
    return connectors.find(uri).write(uri, frames, facts)


def people(first: int, rows: int, **changes: list[Any]) -> pd.DataFrame:
    cells: dict[str, Any] = {
        "id": list(range(first, first + rows)), "name": ["x"] * rows, "age": [30] * rows,
    }  # fmt: skip
    return pa.table(cells | changes).to_pandas(types_mapper=pd.ArrowDtype)


def test_types_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "f.db"
    run(
        path,
        "CREATE TABLE t (i TINYINT, u UBIGINT, d DECIMAL(8,2), f DOUBLE, b BOOLEAN, s VARCHAR, "
        "day DATE, moment TIMESTAMP, z TIMESTAMPTZ, tm TIME, e ENUM('sad','glad'), id UUID)",
        "INSERT INTO t VALUES (-5, 18446744073709551615, 12.50, 1e300, true, 'it''s', "
        "'1890-12-31', '2024-07-02 03:04:05.5', '2024-07-02 03:04:05+02', '01:02:03', 'sad', "
        "'00000000-0000-0000-0000-000000000001')",
        f"INSERT INTO t VALUES ({', '.join(['NULL'] * 12)})",
    )
    frame = read(f"duckdb:{path}?table=t")
    assert [str(dtype.pyarrow_dtype) for dtype in frame.dtypes] == [
        "int8", "uint64", "decimal128(8, 2)", "double", "bool", "string", "date32[day]",
        "timestamp[us]", "timestamp[us, tz=UTC]", "time64[us]",
        "dictionary<values=string, indices=uint8, ordered=0>", "string",
    ]  # fmt: skip
    assert frame.iloc[0, [2, 6, 8]].tolist() == [
        Decimal("12.50"), dt.date(1890, 12, 31), pd.Timestamp("2024-07-02 01:04:05", tz="UTC"),
    ]  # fmt: skip
    run(path, "CREATE TABLE same AS FROM t LIMIT 0")
    write(f"duckdb:{path}?table=same", [frame[:1], frame[1:]])
    pd.testing.assert_frame_equal(read(f"duckdb:{path}?table=same"), frame)
    other = f"duckdb:{tmp_path / 'other.db'}?table=new"
    write(other, frame)
    pd.testing.assert_frame_equal(
        read(other), frame.astype({"e": "string[pyarrow]"}), check_dtype=False
    )
    assert connectors.find(other).scan(other) == connectors.Scan(tuple(frame.columns), 2)


def test_constraints_and_comments_stay(file: Path) -> None:
    run(file, "COMMENT ON TABLE t IS 'mine'")
    for _ in range(2):
        noted = write(f"duckdb:{file}?table=t", [people(1, 3), people(13, 2)], {"seed": 7})
    assert noted == "the comment of table t"
    assert run(file, "SELECT count(*), min(name) FROM t") == [(5, "x")]
    for bad in ("(1, 'x', 1)", "(20, NULL, 1)", "(20, 'x', 200)"):
        with pytest.raises(duckdb.ConstraintException):
            run(file, f"INSERT INTO t VALUES {bad}")
    assert run(file, "SELECT comment FROM duckdb_tables()") == [
        ('mine\nsynthgen: {"synthetic": true, "seed": 7, "rows": 5, "columns": 3}',)
    ]


def test_a_query_and_batches(file: Path) -> None:
    uri = f"duckdb:{file}?query=SELECT id * 2 AS twice, sum(id) AS s FROM t GROUP BY id ORDER BY id"
    assert read(uri).to_dict("list") == {"twice": [2, 4], "s": [Decimal(1), Decimal(2)]}
    write(f"duckdb:{file}?table=t", people(1, 9_000))
    uri = f"duckdb:{file}?table=t"
    parts = list(connectors.find(uri).read_batches(uri, 4_000))
    assert max(map(len, parts)) <= 4_000
    assert pd.concat(parts)["id"].tolist() == list(range(1, 9_001))


def broken() -> Iterator[pd.DataFrame]:
    yield people(10, 5)
    raise SynthGenError("the sampler broke")


@pytest.mark.parametrize(
    ("frames", "word", "kind"),
    [
        ([people(10, 5), people(15, 1, age=[200])], "CHECK constraint", SynthGenError),
        ([people(10, 5), people(10, 1)], "PRIMARY KEY", SynthGenError),
        ([people(15, 1, name=[None])], "NOT NULL", SynthGenError),
        ([people(15, 1, age=[2**40])], "column 'age'", SynthGenError),
        ([people(15, 1).rename(columns={"age": "agee"})], "did you mean 'age'", InvalidInputError),
        (broken(), "sampler", SynthGenError),
    ],
)
def test_the_table_is_as_it_was(file: Path, frames: Any, word: str, kind: type) -> None:
    with pytest.raises(SynthGenError, match=word) as caught:
        write(f"duckdb:{file}?table=t", frames)
    assert type(caught.value) is kind and "\n" not in str(caught.value)
    assert run(file, "SELECT * FROM t") == [(1, "old", 1), (2, "old", None)]


def test_bad_sources_and_targets(file: Path, tmp_path: Path) -> None:
    for uri, word in (
        (f"duckdb:{file}?table=no", "no does not exist"),
        (f"duckdb:{file}?query=SELECT nothing FROM t", "nothing"),
        (f"duckdb:{file}?tabel=t", "no option 'tabel'"),
        (f"duckdb:{file}", r"FILE\?table=NAME"),
        (f"duckdb:{tmp_path / 'no.db'}?table=t", "no such file"),
        (f"duckdb:{__file__}?table=t", "not a valid DuckDB"),
    ):
        with pytest.raises(InvalidInputError, match=word):
            read(uri)
    with pytest.raises(InvalidInputError, match="no folder"):
        write(f"duckdb:{tmp_path / 'no' / 'f.db'}?table=t", people(1, 1))
    with pytest.raises(SynthGenError, match="sampler"):
        write(f"duckdb:{tmp_path / 'new.db'}?table=t", broken())
    assert list(tmp_path.iterdir()) == [file]


def test_a_database_that_another_process_holds(file: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    code = f"import duckdb; c = duckdb.connect({str(file)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(InvalidInputError, match="lock"):
            write(f"duckdb:{file}?table=t", people(1, 1))
        holder.communicate(b"\n")
    assert len(run(file, "FROM t")) == 2
