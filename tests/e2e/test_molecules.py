"""The molecules commands, from a file to a report."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from synthgen.chemistry import canonical, contains

from .conftest import ROOT, one_line, process, run

FIT = [
    "--max-steps", "5", "--seed", "3", "--option", "width=32", "--option", "layers=1",
    "--option", "heads=2", "--option", "orders=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with molecules and a model of them."""
    folder = tmp_path_factory.mktemp("molecules")
    rows = pd.read_csv(ROOT / "tests" / "data" / "qm9.csv").iloc[::6]
    rows = pd.concat([rows, pd.DataFrame({"smiles": ["C1CC", ""]})])
    rows.to_csv(folder / "train.csv", index=False)
    ran = process("molecules", "fit", "train.csv", "-o", "m.synthgen", *FIT, cwd=folder)
    assert ran.code == 0, ran.stderr
    assert "cannot be represented" in ran.stderr
    return folder


@pytest.fixture
def there(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def test_rejected_rows_are_listed_beside_the_model(there: Path) -> None:
    rejected = pd.read_csv("m.synthgen.rejected.csv")
    reasons = set(rejected["reason"])
    assert {"not a valid SMILES", "empty"} <= reasons
    assert list(rejected) == ["row", "smiles", "reason"]


def test_equal_fits_are_equal_files(there: Path) -> None:
    ran = run("molecules", "fit", "train.csv", "-o", "again.synthgen", *FIT)
    assert ran.code == 0, ran.stderr
    assert Path("again.synthgen").read_bytes() == Path("m.synthgen").read_bytes()


@pytest.mark.parametrize("out", ["new.smi", "new.csv", "new.sdf", "new.parquet"])
def test_samples_in_every_format(there: Path, out: str) -> None:
    ran = run("molecules", "sample", "m.synthgen", "-n", 12, "-o", out, "--seed", 1)
    assert ran.code == 0, ran.stderr
    note = json.loads(Path(f"{out}.meta.json").read_text())
    assert note["synthetic"] is True
    assert note["seed"] == 1
    from synthgen import connectors

    assert [canonical(t) for t in connectors.find(out).read(out)["smiles"]].count(None) == 0


def test_standard_output_is_csv(there: Path) -> None:
    ran = run("molecules", "sample", "m.synthgen", "-n", 3, "--seed", 1, "--where", "QED=0.4..0.5")
    assert ran.code == 0, ran.stderr
    lines = ran.stdout.splitlines()
    assert lines[0] == "smiles"
    assert len(lines) == 4


def test_columns_beside_the_smiles_come_out(there: Path) -> None:
    rows = pd.read_csv("train.csv").iloc[:200]
    rows["size"] = [len(str(text)) for text in rows["smiles"]]
    rows["label"] = [f"no. {n}" for n in range(0, 7 * len(rows), 7)]
    rows["gaps"] = rows["size"].where(rows["size"] % 3 > 0).astype("Int64")
    rows.to_csv("columns.csv", index=False)
    ran = run("molecules", "fit", "columns.csv", "-o", "c.synthgen", *FIT)
    assert ran.code == 0, ran.stderr
    assert "column 'label' is not learned" in ran.stderr
    for out in ("c.csv", "c.sdf"):
        words = ("-n", 20, "-o", out, "--seed", 1, "--where", "size=8..12")
        ran = run("molecules", "sample", "c.synthgen", *words)
        assert ran.code == 0, ran.stderr
    drawn = pd.read_csv("c.csv", dtype=str, keep_default_na=False)
    assert list(drawn) == ["smiles", "size", "gaps"]
    assert drawn["size"].astype(int).between(8, 12).all()
    assert all(text == "" or text.isdigit() for text in drawn["gaps"])
    record = Path("c.sdf").read_text().split("$$$$")[0]
    assert f">  <size>\n{drawn['size'][0]}\n" in record
    assert (">  <gaps>" in record) == bool(drawn["gaps"][0])


def test_molecules_that_hold_a_fragment(there: Path) -> None:
    words = ("-n", 12, "--seed", 1, "--where", "fragment=C(=O)N", "--where", "QED=0.4..0.5")
    ran = run("molecules", "sample", "m.synthgen", *words)
    assert ran.code == 0, ran.stderr
    drawn = ran.stdout.split()[1:]
    assert len(drawn) == 12
    assert all(contains(text, "C(=O)N") for text in drawn)


def test_a_report(there: Path) -> None:
    assert run("molecules", "sample", "m.synthgen", "-n", 40, "-o", "r.smi", "--seed", 2).code == 0
    ran = run("molecules", "evaluate", "train.csv", "r.smi", "-o", "r.html", "--json")
    assert ran.code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["validity"]["value"] == 1
    assert {"uniqueness", "novelty", "fcd", "snn", "frag", "scaf", "intdiv", "w1_logp"} <= set(
        found
    )
    assert "New molecules" in Path("r.html").read_text()


def test_inspect_tells_what_conditions_may_name(there: Path) -> None:
    ran = run("inspect", "m.synthgen")
    assert ran.code == 0
    assert "QED" in ran.stdout
    found = json.loads(run("inspect", "m.synthgen", "--json").stdout)
    assert found["schema"]["kind"] == "molecules"
    assert found["privacy"] is None


def test_a_model_by_name(there: Path) -> None:
    pd.DataFrame({"smiles": ["CO", "CN", "CCO", "CC=O"] * 6, "assay": 1.5}).to_csv(
        "small.csv", index=False
    )
    words = ["--model", "molgan", "--max-steps", "5", "--seed", "1"]
    ran = run("molecules", "fit", "small.csv", "-o", "g.synthgen", *words)
    assert ran.code == 0, ran.stderr
    assert "molgan learns no properties: assay left aside" in " ".join(ran.stderr.split())
    assert "Fitted molgan on 24 molecules" in ran.stderr
    assert "no conditions" in run("inspect", "g.synthgen").stdout
    ran = run("molecules", "sample", "g.synthgen", "-n", 3, "--where", "QED=0.4..0.5")
    assert ran.code == 4
    one_line(ran.stderr, ("model molgan takes no conditions",), sorted(there.iterdir()))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "train.csv", "-o", "x.synthgen", "--model", "gan"], "there is no model 'gan'"),
        (["fit", "nothing.csv", "-o", "x.synthgen"], "no such file"),
        (["fit", "train.csv", "-o", "x.synthgen", "--smiles-column", "name"], "no column 'name'"),
        (["fit", "train.csv", "-o", "x.synthgen", "--epsilon", "1"], "differential privacy"),
        (["fit", "train.csv", "-o", "x.synthgen", "--salts", "all"], "salts must be one of"),
        (["fit", "train.csv", "-o", "x.synthgen", "--option", "deep=1"], "deep"),
        (["sample", "m.synthgen", "-n", "3", "--where", "colour=1"], "no property 'colour'"),
        (["sample", "m.synthgen", "-n", "3", "--where", "QED"], "write NAME=VALUE"),
        (["sample", "m.synthgen", "-n", "3", "--where", "QED=high"], "not a number"),
        (["sample", "m.synthgen", "-n", "3", "--where", "QED=7"], "nothing between"),
        (["sample", "m.synthgen", "-n", "3", "--where", "fragment=C[Se]C"], "have no Se"),
        (["evaluate", "train.csv", "m.synthgen", "-o", "x.html"], "m.synthgen"),
        (["evaluate", "train.csv", "train.csv", "-o", "x.pdf"], "a report ends in"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_file(
    there: Path, words: list[str], message: str
) -> None:
    before = sorted(there.iterdir())
    ran = run("molecules", *words)
    assert ran.code == 4
    one_line(ran.stderr, (message,), before)


def test_a_model_of_a_table_is_none_of_molecules(there: Path, tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": range(40), "b": list("xy") * 20})
    rows.to_csv(tmp_path / "t.csv", index=False)
    table = tmp_path / "t.synthgen"
    assert run("fit", tmp_path / "t.csv", "-o", table, "--max-steps", 2, "--seed", 1).code == 0
    ran = run("molecules", "sample", table, "-n", 2)
    assert ran.code == 4
    one_line(ran.stderr, ("a model of a table",), sorted(there.iterdir()))


def test_privacy_of_molecules(there: Path) -> None:
    rows = pd.read_csv(ROOT / "tests" / "data" / "qm9.csv")
    rows.iloc[1::6].to_csv("holdout.csv", index=False)
    command = ("molecules", "privacy", "train.csv", "train.csv", "--holdout", "holdout.csv")
    ran = run(*command, "--model", "m.synthgen", "-o", "p.html", "--json", "--seed", 1)
    assert ran.code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["exact_copies"]["ci"][0] > 0.9 and found["membership_auc"]["ci"][0] > 0.9
    assert found["claim"]["epsilon"] is None and found["claim"]["model"] == "graphgan"
    assert found["about"] == "molecules" and found["tier"] == "internal"
    assert "Copied skeletons" in Path("p.html").read_text()
    ran = run(*command)
    assert "Copied scaffolds" in ran.stdout and "add -o privacy.html" in ran.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train.csv", "train.csv"), "put some aside before the fit"),
        (("train.csv", "train.csv", "--holdout", "train.csv"), "holdout molecules are train"),
        (("train.csv", "-", "--holdout", "-"), "cannot both come from standard input"),
    ],
)
def test_bad_input_to_privacy_is_one_line(
    there: Path, arguments: tuple[str, ...], says: str
) -> None:
    before = sorted(there.rglob("*"))
    ran = run("molecules", "privacy", *arguments, "--quiet")
    assert ran.code == 4
    one_line(ran.stderr, (says,), before)
