"""JSON lines, Excel and Arrow files."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyarrow as pa
import pytest

from synthgen import connectors
from synthgen.errors import InvalidInputError, MissingExtraError, SynthGenError

FRAME = pa.table({
    "id": pa.array([1, 2, 3]),
    "whole": pa.array([7, None, 9]),
    "f": pa.array([1.5, None, 1e300]),
    "s": pa.array(["=1+1", None, "naïve\n😀"]),
    "b": pa.array([True, None, False]),
    "at": pa.array([dt.datetime(2024, 7, 2, 3, 4, 5), None, None], pa.timestamp("us")),
}).to_pandas(types_mapper=pd.ArrowDtype)  # fmt: skip
TEXTS = {".jsonl": ["at"], ".jsonl.gz": ["at"], ".xlsx": [], ".feather": [], ".arrow": []}


def read(uri: object) -> pd.DataFrame:
    return connectors.find(str(uri)).read(str(uri))


def write(uri: object, frames: Any, facts: dict[str, Any] | None = None) -> str:
    return connectors.find(str(uri)).write(str(uri), frames, facts)


@pytest.mark.parametrize(("ending", "texts"), TEXTS.items())
def test_what_is_written_is_read(tmp_path: Path, ending: str, texts: list[str]) -> None:
    path = tmp_path / f"o{ending}"
    assert write(path, [FRAME[:2], FRAME[2:]], {"seed": 7}) == f"{path}.meta.json"
    back = read(path)
    expected = FRAME.copy()
    for name in texts:  # JSON has no dates
        cells = [None if pd.isna(cell) else cell.isoformat() for cell in FRAME[name]]
        expected[name] = pd.array(cells, dtype=pd.ArrowDtype(pa.string()))
    pd.testing.assert_frame_equal(back, expected)
    source = connectors.find(str(path))
    assert source.scan(str(path)) == connectors.Scan(tuple(FRAME.columns), 3)
    parts = list(source.read_batches(str(path), 2))
    assert [len(part) for part in parts] == [2, 1]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), expected)
    note = json.loads((tmp_path / f"o{ending}.meta.json").read_text())
    assert (note["synthetic"], note["seed"], note["rows"]) == (True, 7, 3)


@pytest.mark.parametrize("ending", [".jsonl.gz", ".feather"])
def test_equal_tables_are_equal_files(tmp_path: Path, ending: str) -> None:
    for name in "ab":
        write(tmp_path / (name + ending), FRAME)
    assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_json_cells_of_several_kinds(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"n": 1, "m": 1}\n\n{"m": "x", "n": 2.5}\n{"late": true, "n": null}\n')
    frame = read(path)
    assert [str(dtype.pyarrow_dtype) for dtype in frame.dtypes] == ["double", "string", "bool"]
    assert frame.astype(object).where(frame.notna(), None).to_numpy().tolist() == [
        [1.0, "1", None], [2.5, "x", None], [None, None, True],
    ]  # fmt: skip


def test_a_column_has_one_type_in_all_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"n": 1}\n{"n": 2}\n{"n": 0.5}\n'))
    parts = list(connectors.find(str(path)).read_batches(str(path), 1))
    assert [part["n"].dtype for part in parts] == [pd.ArrowDtype(pa.float64())] * 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ('{"a": NaN}\n', "line 1 is not JSON.*NaN"),
        ("[1, 2]\n", "line 1 is not an object"),
        ('{"a": {"b": 1}}\n', "'a' holds lists or records"),
        ('{"a": 123456789012345678901234567890}\n', "column 'a'.*int64"),
        ("[" * 100_000 + "\n", "line 1 is not JSON"),
        ('{"": 1}\n', "no name"),
        ("", "no rows"),
    ],
)
def test_broken_json_lines_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=words):
        read(path)


def book(path: Path, *rows: list[Any], sheet: str = "Orders") -> Path:
    made = openpyxl.Workbook()
    made.active.append(["first", "sheet"])
    made.active.append([1, 2])
    for row in rows:
        (made[sheet] if sheet in made.sheetnames else made.create_sheet(sheet)).append(row)
    made.save(path)
    return path


def test_a_sheet_by_its_name(tmp_path: Path) -> None:
    day = dt.datetime(2024, 1, 2)
    path = book(
        tmp_path / "a.xlsx", ["id", "mixed", "day", "share", None], [1, "n/a", day, 0.5],
        [None, None], [2, 3, day, 1],
    )  # fmt: skip
    assert read(path).to_dict("list") == {"first": [1], "sheet": [2]}
    frame = read(f"xlsx:{path}?sheet=Orders")
    assert frame.to_dict("list") == {
        "id": [1, 2], "mixed": ["n/a", "3"], "day": [pd.Timestamp(day)] * 2, "share": [0.5, 1.0],
    }  # fmt: skip
    with pytest.raises(InvalidInputError, match=r"no sheet 'orders'; there is 'Sheet', 'Orders'"):
        read(f"xlsx:{path}?sheet=orders")
    with pytest.raises(InvalidInputError, match="drop"):
        write(f"xlsx:{path}?sheet=Orders", FRAME)


def test_what_no_sheet_can_hold(tmp_path: Path) -> None:
    path = tmp_path / "o.xlsx"
    with pytest.raises(SynthGenError, match="1,048,575 rows"):
        write(path, pd.DataFrame({"a": range(1_048_576)}))
    with pytest.raises(SynthGenError, match="cannot hold the text"):
        write(path, pd.DataFrame({"a": ["\x01"]}))
    assert list(tmp_path.iterdir()) == []


def test_bad_workbooks(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for content in (b"", b"a,b\n1,2\n", b"PK\x03\x04" + bytes(40)):
        path.write_bytes(content)
        with pytest.raises(InvalidInputError, match="not a readable Excel file"):
            read(path)
    with pytest.raises(InvalidInputError, match="no such file"):
        read(tmp_path / "no.xlsx")
    for header, word in ((["a", "a"], "twice"), (["a", None, "b"], "column 2 has no name")):
        with pytest.raises(InvalidInputError, match=word):
            read(f"xlsx:{book(path, header, [1, 2, 3])}?sheet=Orders")


def test_bad_arrow_files(tmp_path: Path) -> None:
    path = tmp_path / "a.feather"
    path.write_bytes(b"ARROW1 no")
    with pytest.raises(InvalidInputError, match="Arrow"):
        read(path)
    with pytest.raises(InvalidInputError, match="no such file"):
        read(tmp_path / "no.arrow")


def test_decimals_and_zones(tmp_path: Path) -> None:
    frame = pa.table({
        "d": pa.array([Decimal("1.50")]),
        "z": pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("s", "UTC")),
    }).to_pandas(types_mapper=pd.ArrowDtype)  # fmt: skip
    for ending in (".jsonl", ".xlsx"):
        write(tmp_path / f"o{ending}", frame)
        assert read(tmp_path / f"o{ending}").to_dict("list") == {
            "d": [1.5], "z": ["2024-01-01T00:00:00+00:00"],
        }  # fmt: skip


@pytest.mark.parametrize(
    ("uri", "module", "extra"),
    [
        ("sqlite:///t.db?table=t", "sqlalchemy", "sql"),
        ("postgresql://me@host/db?table=t", "pg8000", "sql"),
        ("mysql://me@host/db?table=t", "pymysql", "sql"),
        ("duckdb:t.db?table=t", "duckdb", "duckdb"),
        ("t.xlsx", "openpyxl", "excel"),
        ("t.jsonl", "pyarrow", "arrow"),
        ("s3://b/t.csv", "fsspec", "s3"),
    ],
)
def test_the_extra_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uri: str, module: str, extra: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.jsonl").write_text('{"a": 1}\n')
    for name in [n for n in sys.modules if n.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"synthgen\[{extra}\]"):
        read(uri)
