"""The examples run, from a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
# Arguments that keep each example quick, and the exit code with them.
EXAMPLES = {
    "adult.py": ("--max-steps 5 --rows 1500", 0),
    "assay.py": ("--max-steps 5 --molecules 200", 0),
    "augment.py": ("--max-steps 5 --rows 300 --rare 50 --test-rows 500 --seeds 2", 0),
    # what 400 rows can show is too little for any shipped policy
    "release.py": ("--rows 400 --epsilon 3 --policy internal-test-data", 3),
    "wanted.py": ("--max-steps 5 --molecules 200 -n 20", 0),
}
PICTURES = {"assay.py", "augment.py", "release.py", "wanted.py"}


def test_every_example_is_listed() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example: str, tmp_path: Path) -> None:
    words, code = EXAMPLES[example]
    path = os.pathsep.join([str(ROOT), str(ROOT / "connectors")])
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / example, *words.split()],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stdout[-2000:] + done.stderr[-4000:]
    out = tmp_path / f"{example.removesuffix('.py')}-out"
    checks[example](out, done.stdout)
    if example in PICTURES:
        assert "<svg" in (out / f"{example.removesuffix('.py')}.svg").read_text()


def adult(out: Path, told: str) -> None:
    table = pd.read_csv(out / "synthetic.csv", keep_default_na=False)
    assert len(table) == 1500 and "5 steps, ended by steps" in told
    assert "<svg" in (out / "quality.html").read_text()


def assay(out: Path, told: str) -> None:
    table = pd.read_csv(out / "synthetic.csv")
    assert len(table) == 160 and table["log_solubility"].notna().all()
    assert "from real rows" in told and "from drawn rows" in told


def augment(out: Path, told: str) -> None:
    table = pd.read_csv(out / "gains.csv")
    assert set(table["with"]) == {"classes weighted", "SMOTE", "SynthGen"}
    assert table[["gain", "low", "high"]].notna().all(axis=None)


def release(out: Path, told: str) -> None:
    assert "FAILS  exact_copies" in told or "FAILS  membership" in told
    assert "holds  the rows are the model's, byte for byte" in told
    assert (out / "evidence" / "evidence.zip").exists()


def wanted(out: Path, told: str) -> None:
    assert len(pd.read_csv(out / "new.csv")) == 12 and "asked for" in told
    assert (out / "fragment.svg").read_text().count("<svg") == 13


checks = {"adult.py": adult, "assay.py": assay, "augment.py": augment, "release.py": release,
          "wanted.py": wanted}  # fmt: skip
