"""The molecules commands on peptides, from a FASTA file to figures."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthgen import connectors
from synthgen.chemistry import canonical

from .conftest import one_line, process, run

FIT = [
    "--kind", "peptides", "--max-steps", "5", "--seed", "3", "--option", "width=32",
    "--option", "layers=1", "--option", "heads=2",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with peptides, as FASTA and as CSV, and a model of each."""
    folder = tmp_path_factory.mktemp("peptides")
    rng = np.random.default_rng(0)
    rows = ["".join(rng.choice(list("GAKLIE"), rng.integers(5, 70))) for _ in range(200)]
    records = [f">pep_{i} of two words\n{text[:60]}\n{text[60:]}\n" for i, text in enumerate(rows)]
    with gzip.open(folder / "train.fasta.gz", "wt") as handle:
        handle.write("".join(records) + ">nothing\n>lower\ngakl\n")
    table = pd.DataFrame({"Sequence": rows, "active": [i % 2 for i in range(200)], "note": "x"})
    table.to_csv(folder / "train.csv", index=False)
    ran = process("molecules", "fit", "train.fasta.gz", "-o", "p.synthgen", *FIT, cwd=folder)
    assert ran.code == 0, ran.stderr
    assert "200 peptides" in ran.stderr
    assert "2 of 202 rows cannot be represented" in ran.stderr
    return folder


@pytest.fixture
def there(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def test_rejected_records_are_listed_beside_the_model(there: Path) -> None:
    rejected = pd.read_csv("p.synthgen.rejected.csv", keep_default_na=False)
    assert list(rejected) == ["row", "sequence", "reason"]
    assert rejected["sequence"].tolist() == ["", "gakl"]
    assert rejected["reason"][0] == "empty"


@pytest.mark.parametrize("out", ["new.fasta", "new.fa.gz", "new.csv", "new.parquet"])
def test_samples_in_every_format(there: Path, out: str) -> None:
    ran = run("molecules", "sample", "p.synthgen", "-n", 12, "-o", out, "--seed", 1)
    assert ran.code == 0, ran.stderr
    assert json.loads(Path(f"{out}.meta.json").read_text())["synthetic"] is True
    drawn = connectors.find(out).read(out)["sequence"]
    assert len(drawn) == 12
    assert all(set(text) <= set("GAKLIE") for text in drawn)


def test_structures_where_the_file_asks_for_them(there: Path) -> None:
    for out in ("new.smi", "new.sdf"):
        ran = run("molecules", "sample", "p.synthgen", "-n", 3, "-o", out, "--seed", 1)
        assert ran.code == 0, ran.stderr
        assert connectors.find(out).read(out)["smiles"].map(canonical).notna().all()
    names = connectors.find("new.smi").read("new.smi")["name"]
    run("molecules", "sample", "p.synthgen", "-n", 3, "-o", "same.csv", "--seed", 1)
    assert names.tolist() == pd.read_csv("same.csv")["sequence"].tolist()


def test_a_table_with_a_label(there: Path) -> None:
    words = ["train.csv", "-o", "t.synthgen", "--sequence-column", "Sequence"]
    assert run("molecules", "fit", *words, *FIT).code == 0
    ran = run("molecules", "sample", "t.synthgen", "-n", 3, "--seed", 1, "--where", "active=1")
    assert ran.code == 0, ran.stderr
    header, *rows = ran.stdout.splitlines()
    assert header == "sequence,active,note"
    assert [row.split(",")[1] for row in rows] == ["1"] * 3
    shown = run("inspect", "t.synthgen").stdout
    assert "peptides" in shown
    assert "charge" in shown
    assert "active" in shown


def test_figures(there: Path) -> None:
    assert run("molecules", "sample", "p.synthgen", "-n", 40, "-o", "r.fasta").code == 0
    words = ["molecules", "evaluate", "train.fasta.gz", "r.fasta", "--kind", "peptides"]
    ran = run(*words, "--json")
    assert ran.code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["validity"]["value"] == 1
    assert 0 < found["tv_length"]["baseline"] < found["tv_length"]["value"] <= 1
    assert {"tv_residue", "tv_dipeptide", "novelty", "uniqueness"} <= set(found)
    assert "Dipeptides" in run(*words).stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "train.csv", "-o", "x.synthgen"], "no column 'smiles'"),
        (["fit", "train.csv", "-o", "x.synthgen", "--kind", "dna"], "kind must be one of"),
        (["fit", "odd.fasta", "-o", "x.synthgen", *FIT], "line 1 comes before any header"),
        (["fit", "none.fasta", "-o", "x.synthgen", *FIT], "holds no sequence"),
        (["sample", "p.synthgen", "-n", "3", "--where", "QED=1"], "no property 'QED'"),
        (["sample", "p.synthgen", "-n", "3", "--novel-to", "n.csv"], "--sequence-column"),
        (["evaluate", "train.csv", "train.csv", "--kind", "peptides", "-o", "x.html"], "no page"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    there: Path, words: list[str], message: str
) -> None:
    Path("odd.fasta").write_text("GAK\n>a\nGAK\n")
    Path("none.fasta").write_text("; a comment\n")
    Path("n.csv").write_text("a,b\n1,2\n")
    before = sorted(there.iterdir())
    ran = run("molecules", *words)
    assert ran.code == 4
    one_line(ran.stderr, (message,), before)
