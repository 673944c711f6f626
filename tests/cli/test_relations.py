"""Relations on the command line: shown by schema and inspect, obeyed by fit."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from synthgen.cli.app import app


def run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        app([str(word) for word in words], prog_name="synthgen")
    return int(ended.value.code or 0)


@pytest.fixture
def table(tmp_path: Path, adult: pd.DataFrame) -> Path:
    adult.head(800).to_csv(tmp_path / "adult.csv", index=False)
    return tmp_path / "adult.csv"


def test_from_schema_to_inspect(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema, model = tmp_path / "schema.json", tmp_path / "m.synthgen"
    assert run("schema", table, "-o", schema) == 0
    data = json.loads(schema.read_text())
    assert {"kind": "dependency", "columns": ["education", "education-num"], "mutual": True} in [
        {k: r[k] for k in ("kind", "columns", "mutual") if k in r} for r in data["relations"]
    ]
    data["relations"] = data["relations"][:1]
    schema.write_text(json.dumps(data))
    assert run("fit", table, "-o", model, "--schema", schema, "--max-steps", 2, "--quiet") == 0
    capsys.readouterr()
    assert run("inspect", model, "--json") == 0
    assert json.loads(capsys.readouterr().out)["schema"]["relations"] == data["relations"]
    assert run("inspect", model) == 0
    assert "education and education-num decide each other" in capsys.readouterr().out


def test_a_relation_that_the_table_breaks(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schema = tmp_path / "schema.json"
    assert run("schema", table, "-o", schema) == 0
    data = json.loads(schema.read_text())
    data["relations"] = [{"kind": "ordering", "columns": ["hours-per-week", "age"]}]
    schema.write_text(json.dumps(data))
    capsys.readouterr()
    assert run("fit", table, "-o", tmp_path / "m.synthgen", "--schema", schema) == 4
    text = capsys.readouterr().err
    assert "'hours-per-week <= age' does not hold" in text and "the first of them row" in text
    assert not (tmp_path / "m.synthgen").exists()
