"""What users hand over by mistake: a clear line and exit code 4, or a sensible result."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import SMALL, one_line, process, run


def fit(*args: object) -> tuple[object, ...]:
    return ("fit", *args, "-o", "m.synthgen", *SMALL)


def table(name: str, text: str | bytes) -> Path:
    path = Path(name)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def synthetic(frame: pd.DataFrame, rows: int = 200) -> pd.DataFrame:
    """Fit and sample by the command line; what a user would get of the result."""
    frame.to_csv("real.csv", index=False)
    ran = run(*fit("real.csv"))
    assert ran.code == 0, ran.stderr
    ran = run("sample", "m.synthgen", "-n", rows, "--seed", 1)
    assert ran.code == 0, ran.stderr
    header, *cells = csv.reader(io.StringIO(ran.stdout))
    result = pd.DataFrame(cells, columns=header)
    assert list(result.columns) == list(frame.columns)
    assert len(result) == rows
    return result


# Refused ------------------------------------------------------------------------------------

BAD_TABLES = [
    ("empty", "", ["empty file"]),
    ("header only", "a,b\n", ["header but no rows"]),
    ("one row", "a,b\n1,x\n", ["1 row;", "at least 5"]),
    ("repeated names", "a,b,a\n" + "1,2,3\n" * 20, ["'a'", "twice", "columns 1, 3"]),
    ("too few cells", "a,b\n" + "1,2\n" * 20 + "1\n", ["line 22", "1 cell"]),
    ("too many cells", "a,b\n" + "1,2\n" * 20 + "1,2,3\n", ["line 22", "3 cells"]),
    ("an open quote", "a,b\n" + "1,2\n" * 20 + '1,"2\n', ["line 22", "never closed"]),
    ("Latin-1", "a,b\n1,\xe9\n".encode("latin-1"), ["byte 6", "encoding="]),
    ("binary", bytes(range(256)), ["bad.csv"]),
    ("UTF-16", "a,b\n1,2\n".encode("utf-16"), ["UTF-16"]),
    ("an Excel file", b"PK\x03\x04" + bytes(60), ["Excel"]),
]


@pytest.mark.parametrize(("what", "text", "words"), BAD_TABLES, ids=[row[0] for row in BAD_TABLES])
def test_tables_that_are_none(folder, refused, what, text, words) -> None:
    table("bad.csv", text)
    refused(*fit("bad.csv"), words=(*words, *([] if what == "one row" else ["bad.csv"])))
    if what != "one row":
        refused("schema", "bad.csv", "-o", "schema.json", words=tuple(words))


@pytest.mark.parametrize("command", ["fit", "schema"])
def test_files_that_are_none(folder, adult, refused, command) -> None:
    more = fit()[1:] if command == "fit" else ("-o", "schema.json")
    Path("folder").mkdir()
    refused(command, "adlut.csv", *more, words=("no such file", "adult.csv"))
    refused(command, "folder", *more, words=("is a folder",))
    refused(command, "nosuch:x", *more, words=("no connector",))


def test_in_a_process_of_its_own(folder, adult) -> None:
    """As users meet them; the other tests run the same code within this process."""
    table("bad.csv", "a,b\n1,2\n3\n")
    before = sorted(folder.rglob("*"))
    for args, words in [
        (fit("none.csv"), ("no such file",)),
        (fit("bad.csv"), ("line 3",)),
        (("sample", "none.synthgen", "-n", 5, "-o", "s.csv"), ("no such file",)),
        (("inspect", "adult.csv"), ("not a SynthGen model file",)),
    ]:
        ran = process(*args, cwd=folder)
        assert (ran.code, ran.stdout) == (4, "")
        one_line(ran.stderr, words, before)


def test_outputs_that_cannot_be_written(folder, adult, fitted, refused) -> None:
    Path("folder").mkdir()
    for output, word in [("folder", "is a folder"), ("none/x", "no folder")]:
        refused("fit", adult, "-o", output, *SMALL, words=(word,))
        refused("sample", fitted, "-n", 5, "-o", output, words=(word,))
        refused("schema", adult, "-o", output, words=(word,))
    refused("fit", adult, "-o", adult, *SMALL, words=("is the data itself",))
    refused("fit", adult, "-o", "-", *SMALL, words=("standard output",))
    refused("sample", fitted, "-n", 5, "-o", "nosuch:x", words=("no connector",))
    assert adult.read_text().startswith("age,")


def test_schemas_that_do_not_fit(folder, adult, refused) -> None:
    for text, words in [
        ("{", ["not a JSON file"]),
        ('{"columns": []}', ["schema.json"]),
        ('{"columns": [{"name": "age", "kind": "nmber"}]}', ["schema.json", "kind"]),
        ('{"columns": [{"name": "age", "kind": "integer"}]}', ["workclass"]),
        ('{"columns": [{"name": "agee", "kind": "integer"}]}', ["agee", "age"]),
    ]:
        table("schema.json", text)
        refused(*fit("adult.csv"), "--schema", "schema.json", words=tuple(words))
    refused(*fit("adult.csv"), "--schema", "none.json", words=("none.json",))


def test_options_that_do_not_exist(folder, adult, refused) -> None:
    base = ("fit", "adult.csv", "-o", "m.synthgen", "--max-steps", "1")
    refused(*base, "--model", "ctgna", words=("ctgna", "did you mean", "ctgan"))
    refused(*base, "--option", "los=hinge", words=("los",))
    refused(*base, "--model", "ctgan", "--option", "loss=hing", words=("loss", "hinge"))
    refused(*base, "--option", "loss=hinge", words=("loss", "there is token"))
    refused(*base, "--option", "loss", words=("NAME=VALUE",))
    refused(*base, "--option", "pac=1", "--option", "pac=2", words=("pac", "twice"))
    refused(*base, "--epsilon", "1", words=("differential privacy", "nothing was trained"))
    refused(*base, "--device", "tpu", words=("tpu",))


def test_budgets_without_room(folder, adult, refused) -> None:
    base = ("fit", "adult.csv", "-o", "m.synthgen")
    refused(*base, "--time-limit", "0.001s", code=5, words=("time limit",))
    refused(*base, "--memory-limit", "10m", code=5, words=("MB", "memory", "=10"))


def test_conditions_that_cannot_be_met(folder, fitted, refused) -> None:
    base = ("sample", fitted, "-n", 5, "-o", "s.csv")
    for where, words in [
        ("incom=>50K", ["'incom'", "did you mean", "income"]),
        ("income", ["COL=VALUE"]),
        ("income=50K", ["50K", ">50K"]),
        ("income=", ["income", "never missing"]),
        ("age=old", ["'old'", "not a number"]),
        ("age=10..nine", ["'nine'", "not a number"]),
        ("education=Masters,Doctor", ["'Doctor'", "Doctorate"]),
    ]:
        refused(*base, "--where", where, words=tuple(words))
    refused(*base, "--where", "sex=Male", "--where", "sex=Female", words=("sex=A,B",))
    refused(*base, "--balance", "incom", words=("incom", "did you mean"))
    refused(*base, "--balance", "income", "--where", "income=>50K", words=("where and balance",))


@pytest.mark.parametrize("command", ["sample", "inspect"])
def test_model_files_that_are_damaged(folder, fitted, refused, command) -> None:
    more = ("-n", 5, "-o", "s.csv") if command == "sample" else ()
    data = fitted.read_bytes()
    Path("folder").mkdir()
    refused(command, "none.synthgen", *more, words=("no such file",))
    refused(command, "folder", *more, words=("not a file",))
    for text, word in [
        (b"", "empty file"),
        (b"age,income\n1,2\n", "not a SynthGen model file"),
        (data[: len(data) // 2], "cut short"),
        (data[:-1], "cut short"),
    ]:
        table("bad.synthgen", text)
        refused(command, "bad.synthgen", *more, words=("bad.synthgen", word))
    for marker in (b"schema.json{", b'"columns"', b"weights.safetensors"):
        changed = bytearray(data)
        changed[data.index(marker) + len(marker) + 200] ^= 1
        table("bad.synthgen", bytes(changed))
        refused(command, "bad.synthgen", *more, words=("bad.synthgen", "damaged"))


def test_infinities(folder, refused) -> None:
    numbers = [str(i / 8) for i in range(150)]
    numbers[7], numbers[90] = "inf", "-inf"
    pd.DataFrame({"x": numbers, "y": range(150)}).to_csv("real.csv", index=False)
    refused(*fit("real.csv"), words=("'x'", "2 infinite values"))


# Served -------------------------------------------------------------------------------------


def test_one_column(folder) -> None:
    result = synthetic(pd.DataFrame({"colour": ["red", "green", "blue", ""] * 30}))
    assert set(result["colour"]) <= {"red", "green", "blue", ""}
    assert result["colour"].nunique() > 1


def test_all_missing_and_constant_columns(folder) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({
        "none": [""] * 120,
        "na": ["NA"] * 120,
        "word": ["same"] * 120,
        "number": [7] * 120,
        "half": ["7", ""] * 60,
        "x": rng.normal(size=120).round(2),
    })  # fmt: skip
    result = synthetic(frame)
    for column in ("none", "na", "word", "number"):
        assert set(result[column]) == {str(frame[column][0])}, column
    assert set(result["half"]) == {"7", ""}
    assert result["x"].str.fullmatch(r"-?\d+\.\d\d?").all()


def test_mixed_types_stay_text(folder) -> None:
    cells = ["12", "n/a yet", "3.5", "2020-01-01", "twelve"]
    result = synthetic(pd.DataFrame({"mixed": cells * 30, "x": range(150)}))
    assert set(result["mixed"]) <= set(cells)
    assert result["mixed"].nunique() >= 3


def test_integers_beyond_what_a_float32_holds(folder) -> None:
    rng = np.random.default_rng(1)
    low, high = 10**15, 10**15 + 10**9
    result = synthetic(pd.DataFrame({"big": rng.integers(low, high, 300), "k": ["a", "b"] * 150}))
    assert result["big"].str.fullmatch(r"\d{16}").all()
    big = result["big"].astype("int64")
    assert big.between(low, high).all()
    assert big.nunique() > 100


def test_50_000_categories(folder) -> None:
    rng = np.random.default_rng(1)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(rng.choice(letters, 4 + i % 9)) + f" {i % 11}" for i in range(50_000)]
    # Every word once, and the first 500 of them some twenty times.
    which = rng.permutation(np.concatenate([np.arange(50_000), rng.integers(0, 500, 10_000)]))
    frame = pd.DataFrame({
        "many": pd.Series(words)[which].to_numpy(), "few": rng.choice(["x", "y"], 60_000)
    })  # fmt: skip
    counts = frame["many"].value_counts()
    assert len(counts) > 49_900
    result = synthetic(frame, rows=1000)
    assert set(result["few"]) == {"x", "y"}
    # What fewer than five rows hold is not given away.
    emitted = set(result["many"]) & set(words)
    assert all(counts[word] >= 5 for word in emitted)
    assert result["many"].str.len().gt(0).mean() > 0.9


def test_odd_names_survive(folder) -> None:
    names = ["", "a=b", "größe (cm)", 'with "quotes"', "comma, inside", "2", " space "]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.choice(["u", "v"], 80) for name in names})
    result = synthetic(frame)
    assert all(set(result[name]) == {"u", "v"} for name in names)
    ran = run("sample", "m.synthgen", "-n", 20, "--where", "a=b=u", "--where", 'with "quotes"=v')
    rows = pd.read_csv(io.StringIO(ran.stdout), dtype=str)
    assert set(rows["a=b"]) == {"u"}
    assert set(rows['with "quotes"']) == {"v"}


def test_a_message_shows_no_cells_of_other_rows(folder, refused) -> None:
    """A broken line is named by its number: cells may be personal."""
    table("bad.csv", "name,age\nAda Lovelace,36\nAlan Turing\n")
    message = refused(*fit("bad.csv"), words=("line 3",))
    assert not re.search("Ada|Turing", message)


def test_private_fits_need_a_schema_and_show_their_ledger(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    frame = pd.DataFrame({"kind": ["a", "b"] * 1500, "size": range(3000)})
    frame.to_csv(table, index=False)
    private = ["fit", table, "-o", tmp_path / "m.synthgen", "--epsilon", 2, "--delta", 1e-5]
    ran = run(*private)
    assert ran.code == 4
    assert "synthgen schema DATA -o schema.json" in ran.stderr
    assert not (tmp_path / "m.synthgen").exists()
    assert run("schema", table, "-o", tmp_path / "s.json").code == 0
    refused = run(*private, "--schema", tmp_path / "s.json", "--model", "ctgan")
    assert refused.code == 4
    assert "cannot keep epsilon" in refused.stderr
    ran = run(*private, "--schema", tmp_path / "s.json", "--max-steps", 3)
    assert ran.code == 0, ran.stderr
    shown = run("inspect", tmp_path / "m.synthgen")
    assert "Privacy ledger" in shown.stdout
    assert "number of rows" in shown.stdout
    found = json.loads(run("inspect", tmp_path / "m.synthgen", "--json").stdout)["privacy"]
    assert found["epsilon"] == 2
    assert found["delta"] == 1e-5
    assert {"what", "mechanism", "sensitivity"} <= set(found["entries"][0])
