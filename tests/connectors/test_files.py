from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import sys
import tracemalloc
from importlib.resources import files as resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from synthgen import connectors
from synthgen.errors import InvalidInputError, MissingExtraError, SynthGenError

ADULT = resources("synthgen") / "data" / "adult_train.csv.gz"


FILES = connectors.find("adult.csv")


def read(uri: object) -> pd.DataFrame:
    return FILES.read(str(uri))


def write(uri: object, frames: object, provenance: dict | None = None) -> None:
    FILES.write(str(uri), frames, provenance)


def table(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def refused(uri: object, *words: str) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read(uri)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return message


def oracle(text: str) -> list[list[str]]:
    """Python's own reader, cell by cell."""
    return list(csv.reader(io.StringIO(text, newline="")))


# Reading ------------------------------------------------------------------------------------


def test_a_real_table_is_read_cell_for_cell() -> None:
    with gzip.open(ADULT, "rt", newline="") as handle:
        header, *rows = csv.reader(handle)
    frame = read(ADULT)
    assert list(frame.columns) == header
    assert frame.to_numpy().tolist() == rows
    assert set(frame.dtypes.astype(str)) == {"object"}


def test_nothing_is_converted(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "id,x,y,z\n007,1.50,NA,\n+1, 2 ,null,True\n")
    assert read(path).to_numpy().tolist() == [
        ["007", "1.50", "NA", ""],
        ["+1", " 2 ", "null", "True"],
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(tmp_path: Path, end: str, last: bool) -> None:
    text = end.join(["a,b", '1,"x, y"', "", '2,"two' + end + 'lines"', "3,"]) + (
        end if last else ""
    )
    frame = read(table(tmp_path / "a.csv", text))
    assert frame.to_numpy().tolist() == [["1", "x, y"], ["2", f"two{end}lines"], ["3", ""]]


def test_a_byte_order_mark_is_not_part_of_the_first_name(tmp_path: Path) -> None:
    frame = read(table(tmp_path / "a.csv", "\ufeffâge,b\n1,é\n"))
    assert list(frame.columns) == ["âge", "b"]
    assert frame.iloc[0, 1] == "é"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    rows = [["a", "b", "c"], ["1,5", "x;y z", "u|v"], ["2,5", "p\tq", "w"]]
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    frame = read(table(tmp_path / "a.csv", buffer.getvalue()))
    assert [list(frame.columns), *frame.to_numpy().tolist()] == rows


def test_commas_within_the_cells_of_another_delimiter(tmp_path: Path) -> None:
    frame = read(table(tmp_path / "a.csv", "name;price\nA, B;1,5\nC, D;2,5\n"))
    assert frame.to_numpy().tolist() == [["A, B", "1,5"], ["C, D", "2,5"]]


def test_a_blank_line_is_an_empty_cell_of_one_column_and_nothing_otherwise(tmp_path: Path) -> None:
    assert read(table(tmp_path / "a.csv", "a\n1\n\n3\n"))["a"].tolist() == ["1", "", "3"]
    assert len(read(table(tmp_path / "a.csv", "a,b\n1,2\n\n3,4\n\n"))) == 2


def test_other_encodings_and_delimiters_can_be_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "naïf:b\ncafé:2\n".encode("cp1252"))
    frame = read(f"csv:{path}?encoding=cp1252&delimiter=:")
    assert list(frame.columns) == ["naïf", "b"]
    assert frame.iloc[0, 0] == "café"
    path = table(tmp_path / "b.csv", "a;b\n€;2\n".encode("utf-16"))
    assert read(f"csv:{path}?encoding=utf-16").iloc[0, 0] == "€"


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"a,b\n1,2\n", gzip.compress(b"a,b\n1,2\n")):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert read("-").to_numpy().tolist() == [["1", "2"]]


def test_a_wide_table_whose_header_is_longer_than_a_block(tmp_path: Path) -> None:
    names = [f"{'a rather long name of a gene, ' * 6}number {i}" for i in range(2_000)]
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([names, range(len(names))])
    frame = read(table(tmp_path / "a.csv", buffer.getvalue()))
    assert list(frame.columns) == names
    assert frame.iloc[0].astype(int).tolist() == list(range(len(names)))


def big(rows: int) -> str:
    lines = (f'{i},"a ""quoted"", cell\n{i}",é{i % 7}' for i in range(rows))
    return "id,text,kind\n" + "\n".join(lines) + "\n"


def test_records_that_span_blocks(tmp_path: Path) -> None:
    text = big(80_000)
    assert len(text) > 2 << 20
    frame = read(table(tmp_path / "a.csv", text))
    assert frame.to_numpy().tolist() == oracle(text)[1:]


def test_a_cell_longer_than_a_block(tmp_path: Path) -> None:
    cell = "x,\n" * 1_000_000
    frame = read(table(tmp_path / "a.csv", f'a,b\n1,"{cell}"\n2,y\n'))
    assert frame.iloc[0, 1] == cell
    assert frame.iloc[1].tolist() == ["2", "y"]


def test_batches_are_the_table_in_pieces_and_memory_holds_one(tmp_path: Path) -> None:
    text = big(60_000)
    path = table(tmp_path / "a.csv", text)
    whole = read(path)
    pieces = list(FILES.read_batches(str(path), 7_000))
    assert [len(piece) for piece in pieces] == [7_000] * 8 + [4_000]
    assert all(piece.index[0] == 0 for piece in pieces)
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), whole)


def test_memory_holds_one_batch(tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv", "a,b\n" + "\n".join(f"{i},{'x' * 500}{i}" for i in range(40_000))
    )

    def peak(rows: int) -> int:
        tracemalloc.start()
        try:
            for _ in FILES.read_batches(str(path), rows):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(500) < peak(40_000) / 2


def test_scan_reads_the_header_only(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "a,b\n1\n")
    assert FILES.scan(str(path)) == connectors.Scan(("a", "b"))


cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6) | st.sampled_from(
    ["", '"', '""', "a\nb", "a\rb", "\r\n", ",", " x ", '5 ft 6" tall', "\ufeff", "\u2028"]
)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 4).flatmap(
        lambda n: st.lists(st.lists(cell, min_size=n, max_size=n), min_size=1)
    )
)
@example([["a\rb", '"'], ["", ""]])
@example([[""], ["x"]])
def test_what_is_written_is_read(tmp_path_factory, rows: list[list[str]]) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    frame = pd.DataFrame(rows, columns=[f"c{i}" for i in range(len(rows[0]))], dtype=object)
    write(path, frame)
    # One delimiter is named, for a header of one column tells none.
    assert read(f"csv:{path}?delimiter=comma").to_numpy().tolist() == rows


@settings(max_examples=120, deadline=None)
@given(st.text(st.sampled_from('a,"\n\r1'), max_size=24))
@example('x,5" pipe\n1,2\n')
@example('x,"a"b\n')
@example('1,"abc\n2,"def"\n')
@example('1,"abc\n')
@example("\r,1\n")
@example("1\r,1\n")
def test_odd_quotes_are_read_as_python_reads_them_or_refused(tmp_path_factory, body: str) -> None:
    path = table(tmp_path_factory.getbasetemp() / "odd.csv", "h1,h2\n" + body)
    try:
        found = read(path).to_numpy().tolist()
    except InvalidInputError as error:
        assert "\n" not in str(error)
        return
    assert found == [record for record in oracle(body) if record]
    assert all(len(record) == 2 for record in found)


# Refusing -----------------------------------------------------------------------------------


def test_no_such_file_proposes_the_nearest(tmp_path: Path) -> None:
    table(tmp_path / "adult.csv", "a\n1\n")
    refused(tmp_path / "adlt.csv", "no such file", "did you mean", "adult.csv")
    refused(tmp_path / "none" / "adult.csv", "no such file", "no folder")


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder")
    refused(table(tmp_path / "a.csv", ""), "empty file")
    refused(table(tmp_path / "a.csv", "\ufeff"), "empty file")
    refused(table(tmp_path / "a.csv", "\n\n  \n"), "empty file")
    for text in ("a,b", "a,b\n", "a,b\r\n\r\n"):
        refused(table(tmp_path / "a.csv", text), "header but no rows")
    with pytest.raises(InvalidInputError, match="no rows"):
        list(FILES.read_batches(str(table(tmp_path / "a.csv", "a,b\n")), 10))


def test_repeated_names_are_named(tmp_path: Path) -> None:
    refused(table(tmp_path / "a.csv", "a,b,a,c,b\n1,2,3,4,5\n"), "'a', 'b'", "columns 1, 3")
    refused(table(tmp_path / "a.csv", "a,,\n1,2,3\n"), "occur twice")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n4,5\n", ["line 3", "1 cell,", "header has 2"]),
        ("a,b\n1,2\n3,4,5\n", ["line 3", "3 cells"]),
        ("a,b\n1,2,3\n", ["line 2", "3 cells"]),
        ('a,b\n1,"x\ny"\n3,4,5\n', ["line 4", "3 cells"]),
        ('a,b\n1,"x\r\n\r\ny"\r\n3\r\n', ["line 5", "1 cell,"]),
        ("a,b\r1,2\r3\r", ["line 3", "1 cell,"]),
        ('a,b\n1,5" pipe\n3\n', ["line 3", "1 cell,"]),
        ('a,b\n1,2\n3,"x\n4,5\n', ["line 3", "never closed"]),
        ('a,b\n1,5" pipe\n3,"x\n4,5\n', ["line 3", "never closed"]),
        ('a,b\n1,"x"y\n', ["line 2"]),
        ("text\nhello, world\n", ["line 2", "2 cells"]),
    ],
)
def test_a_broken_file_names_the_line(tmp_path: Path, text: str, words: list[str]) -> None:
    refused(table(tmp_path / "a.csv", text), *words)


def test_a_broken_line_far_into_the_file_is_named(tmp_path: Path) -> None:
    text = big(60_000)
    refused(table(tmp_path / "a.csv", text + "1,2\n"), f"line {text.count(chr(10)) + 1} ")


def test_bytes_that_are_not_text_are_named(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", b"a,b\n1,caf\xe9\n")
    refused(path, "byte 9", f"csv:{path}?encoding=cp1252")
    late = b"a,b\n" + b"1,2\n" * 400_000
    refused(table(tmp_path / "a.csv", late + b"1,\xe9\n"), f"byte {len(late) + 2} ")
    refused(table(tmp_path / "a.csv", b"\xef\xbb\xbf" + late + b"\xc3"), f"byte {len(late) + 3} ")
    refused(table(tmp_path / "a.csv", b"a,b\n1,\0\n"), "NUL", "byte 6")
    refused(table(tmp_path / "a.csv", "a,b\n1,2\n".encode("utf-16")), "UTF-16")
    refused(f"csv:{path}?encoding=klingon", "unknown encoding")


def test_other_formats_are_recognized(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    frame.to_parquet(tmp_path / "t.csv")
    refused(tmp_path / "t.csv", "Parquet", "parquet:PATH")
    refused(table(tmp_path / "t.csv", b"PK\x03\x04\x14\0\0\0"), "Excel")
    # A column may be called so.
    assert len(read(table(tmp_path / "t.csv", "PAR1,PAR2\n1,2\n"))) == 1


def test_damaged_gzip_is_refused(tmp_path: Path) -> None:
    packed = gzip.compress(big(2_000).encode())
    refused(table(tmp_path / "a.csv.gz", packed[:-20]), "gzip")
    broken = bytearray(packed)
    broken[len(broken) // 2] ^= 0xFF
    refused(table(tmp_path / "a.csv.gz", bytes(broken)))
    # What is called .gz and is not, is read all the same.
    assert len(read(table(tmp_path / "a.csv.gz", "a,b\n1,2\n"))) == 1


def test_schemes_and_their_options(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no connector for nosuch: .*csv:.*parquet:"):
        connectors.find("nosuch://host/db?table=t")
    with pytest.raises(InvalidInputError, match=r"user:\*\*\*@host"):
        connectors.find("nosuch://user:secret@host/db")
    for uri in ("a.csv", "-", "csv:a.txt", "PARQUET:a", r"C:\a.csv"):
        assert type(connectors.find(uri)) is type(FILES)
    refused("csv:", "names no file")
    refused("csv:a.csv?encodign=x", "no option 'encodign'", "encoding")
    refused("csv:a.csv?delimiter=ab", "no delimiter 'ab'")
    odd = table(tmp_path / "csv:odd.csv", "a,b\n1,2\n")
    os.chdir(tmp_path)
    assert len(read(odd.name)) == 1, "a file that is there is a file"


# Writing ------------------------------------------------------------------------------------


def test_the_file_says_that_it_is_synthetic(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["1", "?"], "b": ["x", 'y "z", w']})
    write(tmp_path / "o.csv", frame, {"seed": 7})
    assert (tmp_path / "o.csv").read_text() == 'a,b\n1,x\n?,"y ""z"", w"\n'
    assert json.loads((tmp_path / "o.csv.meta.json").read_text()) == {
        "synthetic": True,
        "seed": 7,
        "rows": 2,
        "columns": 2,
        "file": "o.csv",
        "sha256": hashlib.sha256((tmp_path / "o.csv").read_bytes()).hexdigest(),
    }


def test_typed_frames_are_written_too(tmp_path: Path) -> None:
    frame = pd.DataFrame({
        "i": pd.array([1, None], dtype="Int64"),
        "t": pd.to_datetime(["2024-01-02 03:04:05", None]),
        "f": [0.1, np.nan],
        "e": ["", None],
    })  # fmt: skip
    write(tmp_path / "o.csv", frame)
    assert (tmp_path / "o.csv").read_text() == "i,t,f,e\n1,2024-01-02 03:04:05,0.1,\n,,,\n"


def test_frames_that_follow_each_other_share_a_header(tmp_path: Path) -> None:
    frame = read(ADULT).iloc[:1000]
    write(tmp_path / "a.csv", frame)
    write(tmp_path / "b.csv", (frame.iloc[i : i + 300] for i in range(0, 1000, 300)))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert json.loads((tmp_path / "b.csv.meta.json").read_text())["rows"] == 1000
    pd.testing.assert_frame_equal(read(tmp_path / "b.csv"), frame)


@pytest.mark.parametrize("name", ["a.tsv", "A.TSV", "a.tsv.gz"])
def test_a_tsv_file_has_tabs(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"a": ["1,5", "x\ty"], "b": ["2", "\r"]}, dtype=object)
    write(tmp_path / name, frame)
    held = (tmp_path / name).read_bytes()
    text = gzip.decompress(held) if name.endswith("gz") else held
    assert text.split(b"\n")[0].count(b"\t") == 1 and b'"1,5"' in text
    assert read(tmp_path / name).equals(frame)


def test_gzip_bytes_depend_on_the_table_alone(tmp_path: Path) -> None:
    frame = read(ADULT).iloc[:100]
    write(tmp_path / "a.csv.gz", frame)
    write(tmp_path / "b.csv.gz", frame)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert (tmp_path / "a.csv.gz").read_bytes()[4:8] == b"\0\0\0\0", "no date"
    pd.testing.assert_frame_equal(read(tmp_path / "a.csv.gz"), frame)


def test_standard_output_gets_the_table_alone(tmp_path: Path, capfdbinary, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("-", pd.DataFrame({"a": ["é"], "b": [""]}))
    assert capfdbinary.readouterr().out == "a,b\né,\n".encode()
    assert list(tmp_path.iterdir()) == []


def failing(frame: pd.DataFrame, error: BaseException):
    yield frame
    raise error


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt()])
@pytest.mark.parametrize("name", ["o.csv", "o.csv.gz", "o.parquet"])
def test_a_failed_write_leaves_what_was_there(tmp_path: Path, name: str, error) -> None:
    (tmp_path / name).write_text("old")
    with pytest.raises(type(error)):
        write(tmp_path / name, failing(pd.DataFrame({"a": ["1"]}), error))
    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_targets_that_cannot_be_written(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["1"]})
    for uri, word in [
        (tmp_path, "folder"),
        (tmp_path / "none" / "o.csv", "no folder"),
        (f"csv:{tmp_path}/o.csv?encoding=cp1252", "UTF-8"),
    ]:
        with pytest.raises(InvalidInputError, match=word):
            write(uri, frame)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with pytest.raises(SynthGenError, match="No space left"):
        write("/dev/full", pd.DataFrame({"a": ["1"] * 100_000}))


def test_links_are_followed_and_devices_written_to(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["1"]})
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write(tmp_path / "link.csv", frame)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "a\n1\n"
    write(os.devnull, frame)
    assert not os.path.isfile(os.devnull)
    assert not os.path.exists(os.devnull + ".meta.json")


# Parquet ------------------------------------------------------------------------------------


def test_parquet_keeps_types_and_says_that_it_is_synthetic(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    frame = pd.DataFrame({
        "i": pd.array([1, None], dtype="int64[pyarrow]"),
        "t": pd.array(pd.to_datetime(["2024-01-02", None]), dtype="timestamp[us, tz=UTC][pyarrow]"),
        "s": pd.array(["x", None], dtype="string[pyarrow]"),
    })  # fmt: skip
    frame["s"] = frame["s"].astype(pd.ArrowDtype(__import__("pyarrow").string()))
    path = tmp_path / "o.parquet"
    write(path, (frame.iloc[i : i + 1] for i in range(2)), {"seed": 7})
    pd.testing.assert_frame_equal(read(path), frame)
    assert json.loads(pq.read_schema(path).metadata[b"synthgen"]) == {"synthetic": True, "seed": 7}
    assert FILES.scan(str(path)) == connectors.Scan(("i", "t", "s"), 2)
    pieces = list(FILES.read_batches(str(path), 1))
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), frame)
    assert json.loads((tmp_path / "o.parquet.meta.json").read_text())["rows"] == 2


def test_bad_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    refused(tmp_path / "no.parquet", "no such file")
    refused(table(tmp_path / "a.parquet", "a,b\n1,2\n"), "Parquet")
    pd.DataFrame({"a": []}).to_parquet(tmp_path / "z.parquet")
    refused(tmp_path / "z.parquet", "no rows")
    refused("parquet:-", "pipe")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == "pyarrow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"synthgen\[arrow\]"):
        read(tmp_path / "a.parquet")
