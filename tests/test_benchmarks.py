"""The benchmark commands' own arithmetic: runs kept and resumed, figures put in the right place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import encoding  # noqa: E402

from harness import report, runs  # noqa: E402
from harness.data import Table  # noqa: E402
from synthgen.encoding.numeric import NumericEncoder  # noqa: E402
from synthgen.encoding.table import TableEncoder  # noqa: E402
from synthgen.schema import Column, Schema  # noqa: E402


@pytest.fixture
def table(adult: pd.DataFrame) -> Table:
    return Table("adult", adult.head(400), adult.iloc[400:600].reset_index(drop=True), "income")


def test_a_run_is_made_once_and_then_kept(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "WORK", tmp_path)
    run = runs.Run("adult", "ctgan:width=16", seed=1, threads=1, max_steps=2)
    assert run.name == "adult-ctgan-width_16-1t-2steps-s1"
    made = runs.execute(run, table)
    assert made["rows"] == 400 and made["training"]["steps"] == 2 and made["peak_mb"] > 100
    assert made["options"] == {"width": 16}
    written = run.file(".json").stat().st_mtime_ns
    assert runs.execute(run, table) == made
    assert run.file(".json").stat().st_mtime_ns == written
    other = Table("adult", table.test, table.test, "income")
    with pytest.raises(SystemExit, match="holds other rows"):
        runs.execute(runs.Run("adult", "ctgan", 2, 1), other)


def test_a_failed_run_leaves_no_record(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "WORK", tmp_path)
    run = runs.Run("adult", "ctgan:no_such_option=1", seed=0, threads=1, max_steps=2)
    with pytest.raises(SystemExit, match="failed with"):
        runs.execute(run, table)
    assert run.record is None and "no_such_option" in run.file(".log").read_text()


def test_a_peers_run_is_found_under_its_name() -> None:
    assert runs.Run("adult", "peer:ctgan", 0, 2).name == "adult-300e-2t"
    assert runs.Run("beijing", "peer:ctgan", 1, 2).name == "beijing-60e-2t-s1"
    assert runs.Run("beijing", "peer:ctgan", 1, 2).options == {}


def cell(seed: int, value: float) -> dict[str, Any]:
    names = ("xgb_c2st", "xgb_c2st_train_at_test_n", "xgb_c2st_holdout", "xgb_c2st_ceiling")
    names += ("shape_error_pct", "trend_error_pct", "mle")
    scores = {name: {"value": value, "n": 10, "unit": "AUC"} for name in names}
    record = {"rows": 100, "sample_s": 0.5, "fit_s": 10.0 * seed}
    return {"table": "t", "model": "m", "seed": seed, "record": record, "scores": scores}


def test_a_row_is_the_mean_over_seeds(tmp_path: Path) -> None:
    machine = {
        "processor": "p", "cores": 2, "memory_gb": 1, "system": "s", "python": "3", "packages": {},
        "commit": "c",
    }  # fmt: skip
    text = report.write(tmp_path / "r", machine, [cell(1, 0.4), cell(2, 0.6)])
    row = next(line for line in text.splitlines() if line.startswith("| m |"))
    cells = [part.strip() for part in row.strip("|").split("|")]
    assert cells[:3] == ["m", "2", "0.500 ± 0.141"]
    assert cells[8] == "15 ± 7" and cells[11] == "200 ± 0"
    assert json.loads((tmp_path / "r.json").read_text())["machine"] == machine


def test_interval_probabilities_sum_to_one(adult: pd.DataFrame) -> None:
    column = Column(name="capital-gain", kind="integer", dtype="int64")
    fitted = TableEncoder.fit(adult[["capital-gain"]], Schema(columns=(column,))).columns[0]
    assert isinstance(fitted, NumericEncoder)
    everywhere = pd.DataFrame({"capital-gain": np.arange(-200_000, 400_000)})
    # One cell at a time: the mean over one is its log probability.
    step = encoding.log_likelihood(fitted, everywhere.head(1), 1.0)
    assert step == pytest.approx(np.log(encoding.FLOOR))
    low, high = -200_000.5, 399_999.5
    whole = pd.DataFrame({"capital-gain": [(low + high) / 2]})
    assert encoding.log_likelihood(fitted, whole, high - low) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("script", ["tables.py", "encoding.py", "memory.py", "picture.py"])
def test_every_command_explains_itself(script: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "usage" in done.stdout
    assert script in (ROOT / "benchmarks" / "README.md").read_text()
