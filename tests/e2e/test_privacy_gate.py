"""`synthgen privacy` and `synthgen gate`, from files to evidence."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from .conftest import SMALL, one_line, run
from .test_quality_report import chromium

ADULT = Path(__file__).parents[2] / "synthgen/data/adult_train.csv.gz"
FILES = ("train", "other", "holdout")
N = 400


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train, other and holdout rows of Adult, a model of the train rows, and rows of it."""
    folder = tmp_path_factory.mktemp("gate")
    rows = pd.read_csv(ADULT, dtype=str, keep_default_na=False).drop_duplicates()
    rows = rows.sample(3 * N, random_state=2)
    for k, name in enumerate(FILES):
        rows.iloc[k * N : (k + 1) * N].to_csv(folder / f"{name}.csv", index=False)
    fitted = run("fit", folder / "train.csv", "-o", folder / "m.synthgen", *SMALL, "--quiet")
    assert fitted.code == 0, fitted.stderr
    ran = run(
        "sample", folder / "m.synthgen", "-n", N, "-o", folder / "rows.csv",
        "--where", "sex=Female,Male", "--seed", 5, "--quiet",
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    return folder


@pytest.fixture(scope="module")
def lenient(tables: Path) -> Path:
    """A policy that an honest release of so few rows can meet."""
    path = tables / "lenient.toml"
    path.write_text(
        'name = "lenient"\ntier = "internal"\n[limits]\nmembership_auc = 0.7\n'
        "exact_copies = 0.05\nlinkability = 0.1\n"
    )
    return path


def gate(tables: Path, synthetic: str, policy: object, *more: object) -> Any:
    return run(
        "gate", tables / "train.csv", tables / synthetic, "--holdout", tables / "holdout.csv",
        "--policy", policy, *more,
    )  # fmt: skip


def test_privacy_prints_one_object(tables: Path) -> None:
    ran = run(
        "privacy", tables / "train.csv", tables / "other.csv", "--holdout",
        tables / "holdout.csv", "-o", tables / "p.html", "--json",
    )  # fmt: skip
    assert ran.code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert {"value", "ci", "n", "reason"} <= found["membership_auc"].keys()
    assert "Singling out" in (tables / "p.html").read_text()


def test_copies_fail_every_shipped_policy(tables: Path, tmp_path: Path) -> None:
    ran = gate(tables, "train.csv", "internal-test-data", "-o", tmp_path / "e")
    assert ran.code == 3
    assert "does not meet internal-test-data" in ran.stdout
    assert "upper bound" in ran.stdout


def test_an_honest_release_passes_and_its_pack_verifies(
    tables: Path, lenient: Path, tmp_path: Path
) -> None:
    ran = gate(tables, "other.csv", lenient, "-o", tmp_path / "e", "--json")
    assert ran.code == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["passed"]
    pack = Path(found["pack"])
    with zipfile.ZipFile(pack) as archive:
        assert "publishable.html" in archive.namelist()
    assert run("gate", "--verify", pack, "--digest", found["digest"]).code == 0
    body = bytearray(pack.read_bytes())
    body[len(body) // 2] ^= 1
    pack.write_bytes(bytes(body))
    assert run("gate", "--verify", pack, "--digest", found["digest"]).code == 3


def test_rows_are_held_against_the_model_that_is_said_to_have_made_them(
    tables: Path, lenient: Path, tmp_path: Path
) -> None:
    model = ("--model", tables / "m.synthgen", "--json")
    made = json.loads(gate(tables, "rows.csv", lenient, "-o", tmp_path / "a", *model).stdout)
    lineage = "the rows are the model's, byte for byte"
    held = {check["requirement"]: check for check in made["checks"]}
    assert held[lineage]["passed"], held[lineage]["reason"]
    other = json.loads(gate(tables, "other.csv", lenient, "-o", tmp_path / "b", *model).stdout)
    held = {check["requirement"]: check for check in other["checks"]}
    assert not held[lineage]["passed"] and "meta.json is missing" in held[lineage]["reason"]
    # the same record beside other rows
    rows = (tables / "rows.csv").read_text().splitlines(keepends=True)
    (tables / "changed.csv").write_text("".join(rows[:1] + rows[:0:-1]))
    (tables / "changed.csv.meta.json").write_text((tables / "rows.csv.meta.json").read_text())
    changed = json.loads(gate(tables, "changed.csv", lenient, "-o", tmp_path / "c", *model).stdout)
    held = {check["requirement"]: check for check in changed["checks"]}
    assert "is not what" in held[lineage]["reason"]


def test_a_release_may_come_from_standard_input(
    tables: Path, lenient: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [tables / name for name in ("train.csv", "holdout.csv")]
    ran = run(
        "gate", paths[0], "-", "--holdout", paths[1], "--policy", lenient,
        "--model", tables / "m.synthgen", "--json", stdin=(tables / "other.csv").read_bytes(),
    )  # fmt: skip
    found = json.loads(ran.stdout)
    with zipfile.ZipFile(tmp_path / found["pack"]) as archive:
        rows = json.loads(archive.read("croissant.json"))
    assert found["pack"] == "release-evidence/evidence.zip"
    columns = (tables / "other.csv").read_text().splitlines()[0].split(",")
    assert [one["name"] for one in rows["recordSet"][0]["field"]] == columns
    # nothing but a file can be the model's, byte for byte
    assert ran.code == 3
    failed = [check for check in found["checks"] if not check["passed"]]
    assert "only a file" in failed[0]["reason"] and len(failed) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["privacy", "train.csv", "other.csv"], 4, "put some aside before the fit"),
        (["privacy", "train.csv", "other.csv", "--holdout", "none.csv"], 4, "none.csv"),
        (["privacy", "train.csv", "other.csv", "--holdout", "train.csv"], 4, "trained on"),
        (["privacy", "train.csv", "other.csv", "--holdout", "holdout.csv", "--quasi-identifier",
          "sexx"], 4, "did you mean 'sex'"),
        (["gate", "train.csv", "other.csv", "--holdout", "holdout.csv", "--policy", "nope"], 4,
         "partner-sharing"),
        (["gate", "train.csv", "other.csv", "--policy", "partner-sharing"], 4, "--holdout"),
        (["gate", "--verify", "none.zip"], 4, "cannot read"),
        (["gate", "--verify", "train.csv", "--digest", "zz"], 4, "64 hexadecimal"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(
    tables: Path, arguments: list[str], code: int, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tables)
    before = sorted(tables.rglob("*"))
    ran = run(*arguments, "--quiet")
    assert ran.code == code
    one_line(ran.stderr, (says,), before)


def test_other_columns_are_refused(tables: Path, tmp_path: Path) -> None:
    path = tmp_path / "less.csv"
    pd.read_csv(tables / "other.csv").drop(columns="age").to_csv(path, index=False)
    ran = run("privacy", tables / "train.csv", path, "--holdout", tables / "holdout.csv")
    assert ran.code == 4 and "lacks 'age'" in ran.stderr


def test_gate_without_tables_is_a_usage_error(tables: Path) -> None:
    assert run("gate").code == 2


@pytest.mark.skipif(chromium() is None, reason="no chromium: its path is not in SYNTHGEN_CHROMIUM")
def test_the_page_fits_a_phone_and_prints(tables: Path, lenient: Path, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    gate(tables, "other.csv", lenient, "-o", tmp_path / "e")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for name in ("internal.html", "publishable.html"):
            page = browser.new_page(viewport={"width": 380, "height": 800})
            asked: list[str] = []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto((tmp_path / "e" / name).as_uri())
            assert all(url.startswith("file:") for url in asked)
            assert page.evaluate("document.documentElement.scrollWidth") <= 380
            assert page.locator("h2").count() >= 6
            assert len(page.pdf()) > 10_000
        browser.close()
