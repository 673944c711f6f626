from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from synthgen import connectors
from synthgen.chemistry import canonical
from synthgen.errors import InvalidInputError

FACTS = {"made_by": "synthgen test"}
ROWS = pd.DataFrame({"smiles": ["C[C@H](O)F", "c1ccccc1", "[Na+]"], "logP": [0.5, 1.7, 0.0]})


@pytest.mark.parametrize("ending", ["sdf", "sdf.gz"])
def test_sdf_keeps_molecules_and_tags(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"m.{ending}")
    connectors.find(path).write(path, [ROWS[:2], ROWS[2:]], FACTS)
    back = connectors.find(path).read(path)
    assert [canonical(text) for text in back["smiles"]] == [canonical(t) for t in ROWS["smiles"]]
    assert back["logP"].tolist() == [0.5, 1.7, 0.0]
    assert set(back["made_by"]) == {"synthgen test"}
    assert back["synthetic"].astype(str).str.lower().tolist() == ["true"] * 3
    assert (tmp_path / f"m.{ending}.meta.json").exists()


@pytest.mark.parametrize("ending", ["smi", "smi.gz"])
def test_smiles_files(tmp_path: Path, ending: str) -> None:
    path = str(tmp_path / f"m.{ending}")
    connectors.find(path).write(path, ROWS, FACTS)
    assert connectors.find(path).read(path)["smiles"].tolist() == ROWS["smiles"].tolist()
    scan = connectors.find(path).scan(path)
    assert (scan.columns, scan.rows) == (("smiles",), 3)
    batches = list(connectors.find(path).read_batches(path, 2))
    assert [len(batch) for batch in batches] == [2, 1]


def test_names_beside_smiles_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "m.smi"
    path.write_text("# a list\nCCO ethanol\nC\tmethane gas\n\nN\n")
    found = connectors.find(str(path)).read(str(path))
    assert found["smiles"].tolist() == ["CCO", "C", "N"]
    assert found["name"].tolist()[:2] == ["ethanol", "methane gas"]


def test_a_record_that_cannot_be_read_is_an_empty_row(tmp_path: Path) -> None:
    path = str(tmp_path / "m.sdf")
    connectors.find(path).write(path, ROWS, FACTS)
    text = Path(path).read_text()
    Path(path).write_text(text.replace("V2000", "V2000 broken", 1).replace(" C ", " Qq ", 1))
    found = connectors.find(path).read(path)
    assert found["smiles"].tolist()[0] == ""
    assert len(found) == 3
    Path(path).write_text(text[: len(text) // 2])
    assert len(connectors.find(path).read(path)) >= 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.smi", b"", "holds no molecule"),
        ("m.smi", b"\xff\xfe\x00", "not UTF-8"),
        ("m.smi.gz", b"no gzip", "cannot read it"),
        ("m.sdf.gz", gzip.compress(b"x" * 99, mtime=0)[:20], "cannot read it|holds no molecule"),
    ],
)
def test_damaged_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        connectors.find(str(path)).read(str(path))


def test_rows_without_smiles_leave_no_file(tmp_path: Path) -> None:
    path = tmp_path / "m.smi"
    with pytest.raises(InvalidInputError, match="no column smiles"):
        connectors.find(str(path)).write(str(path), pd.DataFrame({"a": [1]}), FACTS)
    assert not path.exists()
