"""The examples run, from a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
# Arguments that keep each example quick.
EXAMPLES = {"adult.py": ("--max-steps", "5", "--rows", "1500")}


def test_every_example_is_listed() -> None:
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_runs(example: str, tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT), str(ROOT / "connectors")])
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / example, *EXAMPLES[example]],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    table = pd.read_csv(tmp_path / "adult-out" / "synthetic.csv", keep_default_na=False)
    assert len(table) == 1500 and "5 steps, ended by steps" in done.stdout
    assert "<svg" in (tmp_path / "adult-out" / "quality.html").read_text()
