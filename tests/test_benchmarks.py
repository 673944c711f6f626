"""The benchmark commands' own arithmetic: runs kept and resumed, figures put in the right place."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import agreement  # noqa: E402
import augmentation  # noqa: E402
import encoding  # noqa: E402

from harness import environments, places, process, report, runs, score  # noqa: E402
from harness.baselines import independent  # noqa: E402
from harness.data import Table, load, read_csv  # noqa: E402
from harness.peers import PEERS  # noqa: E402
from peers.measured import measured  # noqa: E402
from synthgen.encoding.numeric import NumericEncoder  # noqa: E402
from synthgen.encoding.table import TableEncoder  # noqa: E402
from synthgen.evaluation.privacy.risk import excess  # noqa: E402
from synthgen.evaluation.quality.stages import STAGES  # noqa: E402
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


def test_a_run_that_takes_too_long_is_ended_and_not_tried_again(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "WORK", tmp_path)
    run = runs.Run("adult", "ctgan", seed=0, threads=1)
    with pytest.raises(runs.RunFailed, match="stopped after 1 s"):
        runs.execute(run, table, limit_s=1)
    began = time.monotonic()
    with pytest.raises(runs.RunFailed, match=r"stopped after 1 s.*--retry"):
        runs.execute(run, table)
    assert time.monotonic() - began < 0.5
    with pytest.raises(runs.RunFailed, match="stopped after 1 s; see [^,]*$"):
        runs.execute(run, table, retry=True, limit_s=1)


def test_what_a_job_started_ends_with_it(tmp_path: Path) -> None:
    left = tmp_path / "left"
    script = f"(sleep 2; touch {left}) & sleep 60"
    assert process.run(["sh", "-c", script], tmp_path / "log", 1, 0.3) == "stopped after 0 s"
    time.sleep(2.2)
    assert not left.exists()


def test_a_failure_is_told_in_its_own_words(tmp_path: Path) -> None:
    script = "echo threads $OMP_NUM_THREADS; echo; exit 3"
    assert process.run(["sh", "-c", script], tmp_path / "log", 2, 9) == "failed with 3: threads 2"


def test_a_peers_run_is_found_under_its_name() -> None:
    assert runs.Run("adult", "peer:ctgan", 0, 2).name == "adult-300e-2t"
    assert runs.Run("beijing", "peer:ctgan", 1, 2).name == "beijing-60e-2t-s1"
    assert runs.Run("beijing", "peer:ctgan", 1, 2).options == {}
    assert runs.Run("beijing", "peer:sdv-tvae:epochs=9", 1, 2).name == "beijing-sdv-tvae-9e-2t-s1"
    assert runs.Run("beijing", "peer:mostlyai", 0, 2).name == "beijing-mostlyai-2t"
    with pytest.raises(SystemExit, match="no peer 'gan'; there are ctgan, "):
        assert runs.Run("beijing", "peer:gan", 0, 2).epochs


def test_a_slow_peer_is_given_a_sample_and_asked_for_all_rows(
    adult: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "WORK", tmp_path)
    (tmp_path / "peer").mkdir()
    table = Table("adult", adult.head(12_000), adult.tail(9), "income")
    job = runs.job(runs.Run("adult", "peer:arfpy", 0, 2), table)
    given = pd.read_csv(job["train"], keep_default_na=False)
    assert job["n"] == 12_000 and len(given) == 10_000
    assert len(given.merge(table.train.drop_duplicates())) == 10_000
    assert (
        pd.read_csv(runs.job(runs.Run("adult", "peer:ctgan", 0, 2), table)["train"]).shape[0]
        == 12_000
    )


def test_independent_columns_keep_columns_and_lose_pairs(adult: pd.DataFrame) -> None:
    rows = independent(adult, 5_000, seed=3)
    assert list(rows) == list(adult) and (rows.dtypes == adult.dtypes).all()
    # education-num is education by another name: the pair holds in real rows, and by chance here.
    real = set(zip(adult["education"], adult["education-num"], strict=True))
    kept = [pair in real for pair in zip(rows["education"], rows["education-num"], strict=True)]
    by_chance = (adult["education"].value_counts(normalize=True) ** 2).sum()
    assert np.mean(kept) == pytest.approx(by_chance, abs=0.03)
    assert rows["age"].mean() == pytest.approx(adult["age"].mean(), abs=0.6)


def test_an_environment_is_made_again_when_its_recipe_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", tmp_path / "envs")
    monkeypatch.setattr(environments, "PEERS", tmp_path)
    monkeypatch.setattr(environments, "REMOVED", {"none": ("torchvision",)})
    wanted, home = tmp_path / "none-requirements.txt", tmp_path / "envs" / "none"
    wanted.write_text("# nothing\n")
    assert [step[0] for step in environments.steps("none")] == ["install", "uninstall"]
    home.mkdir(parents=True)
    (home / ".made").write_text(environments.recipe("none"))
    python = environments.environment("none")
    assert not python.exists()  # what the stamp says is made is not made again
    wanted.write_text("# nothing, in other words\n")
    assert environments.environment("none") == python and python.exists()
    assert (home / ".made").read_text() == environments.recipe("none")


def test_every_peer_has_what_it_runs_with() -> None:
    for peer in PEERS.values():
        assert (places.PEERS / peer.script).exists()
        pinned = (places.PEERS / f"{peer.environment}-requirements.txt").read_text().splitlines()
        assert all("==" in line for line in pinned if line and not line.startswith("#"))


def test_peak_memory_is_that_of_the_work() -> None:
    _, large = measured(lambda: np.ones(30_000_000).sum())
    _, small = measured(lambda: sum(range(1000)))
    assert large.peak_mb > small.peak_mb + 150
    assert 0 < large.wall_s < 10 and 0 <= small.cpu_s < 5


def test_tables_read_what_a_csv_file_does_not_say(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"code": ["250", None, "276"], "none": ["None", "?", "NA"], "x": [1, 2, 3]}
    )
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    found = read_csv(path, texts=["code"], missing=["?"])
    assert found["code"].tolist()[::2] == ["250", "276"] and found["code"].isna()[1]
    assert found["none"].tolist()[::2] == ["None", "NA"] and found["none"].isna()[1]
    again = Table("t", found, found, "x")
    assert again.texts == again.discrete == ["code", "none"] and again.times == []


def test_the_tables_are_split_as_published(shared_data: Path) -> None:
    tables = {name: load(name) for name in SIZES}
    for name, sizes in SIZES.items():
        table = tables[name]
        found = (len(table.train), len(table.test), table.train.shape[1])
        assert found == sizes, name
        assert table.target in table.train and list(table.train) == list(table.test)
    assert not {"encounter_id", "patient_nbr"} & set(tables["diabetes"].train)
    assert tables["diabetes"].train.equals(tables["diabetes-full"].train.head(10_000))


SIZES = {
    "adult": (32_561, 16_281, 15),
    "beijing": (37_582, 4_175, 12),
    "diabetes": (10_000, 10_176, 48),
    "diabetes-full": (91_590, 10_176, 48),
    "nsl_kdd": (22_673, 2_519, 42),
    "penguins": (310, 34, 7),
}


def test_scores_are_kept_until_the_rows_or_the_measures_change(tmp_path: Path) -> None:
    rows, taken = tmp_path / "r-syn.csv", []

    def measure() -> score.Scores:
        taken.append(rows.read_text())
        return {name: {"value": len(taken)} for name in score.SHOWN}

    rows.write_text("a")
    found = [score.kept(rows, measure) for _ in range(2)]
    assert taken == ["a"] and found[0] == found[1]
    old = (tmp_path / "r-scores.json").stat().st_mtime
    rows.write_text("b")
    os.utime(rows, (old + 1, old + 1))
    assert score.kept(rows, measure)["mle"] == {"value": 2}
    os.utime(rows, (old - 1, old - 1))
    fewer = {name: {"value": 0} for name in score.SHOWN[1:]}  # of before a measure was added
    (tmp_path / "r-scores.json").write_text(json.dumps(fewer))
    assert score.kept(rows, measure)["mle"] == {"value": 3} and taken == ["a", "b", "b"]


def test_the_judge_takes_every_measure_that_is_shown() -> None:
    assert set(score.SHOWN) <= {name for names, _ in STAGES.values() for name in names}


MACHINE: dict[str, Any] = {
    "processor": "p", "cores": 2, "memory_gb": 1, "system": "s", "python": "3", "packages": {},
    "commit": "c",
}  # fmt: skip


def cell(model: str, seed: int | None, value: float, **record: Any) -> report.Cell:
    scores = {name: {"value": value, "n": 10, "unit": "AUC"} for name in score.SHOWN}
    made = {"rows": 100, "sample_s": 0.5, "fit_s": 10.0 * (seed or 0), **record}
    return {"table": "t", "model": model, "seed": seed, "record": made, "scores": scores}


def rows_of(text: str, start: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith(f"| {start}")]
    return [[part.strip() for part in line.strip("|").split("|")] for line in lines]


def test_a_peers_run_counts_whatever_its_threads_were(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runs, "WORK", tmp_path)
    asked, made = runs.Run("adult", "peer:arfpy", 0, 1), runs.Run("adult", "peer:arfpy", 0, 2)
    assert asked.or_earlier() == asked
    made.folder.mkdir()
    made.file(".json").write_text("{}")
    made.file("-syn.csv").write_text("a")
    assert asked.or_earlier() == made
    ours = runs.Run("adult", "argan", 0, 1)
    assert ours.or_earlier() == ours


def test_a_row_is_the_mean_over_seeds(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    tables = [Table("t", frame, frame, "a", "A note.")]
    cells = [
        cell("m", 1, 0.4),
        cell("m", 2, 0.6),
        cell(
            "peer:arfpy",
            0,
            0.3,
            train_rows=50,
            epochs=0,
            threads=2,
            versions={"arfpy": "1", "pandas": "2"},
        ),
        {**cell("peer:sdv-tvae", 0, 0), "record": {}, "scores": {}, "failed": "tvae stopped"},
        {**cell("real", None, 0.9), "record": {}},
    ]
    text = report.write(tmp_path / "r", MACHINE, tables, cells)
    quality, cost = rows_of(text, "**m**")
    assert quality[:3] == ["**m**", "2", "0.500 ± 0.141"] and quality[-1] == "50.00 ± 14.14"
    assert cost[2] == "15 ± 7" and cost[6] == "200 ± 0" and cost[4] == ""
    quality, cost = rows_of(text, "arfpy, 50 train rows")
    assert cost[-1] == "arfpy 1, threads: 2"
    assert len(rows_of(text, "real test rows")) == 1  # nothing was fitted
    assert "- No rows: tvae stopped" in text and "A note." in text and "at n = 10" in text
    written = json.loads((tmp_path / "r.json").read_text())
    assert written["machine"] == MACHINE and written["tables"]["t"]["train_rows"] == 2


def test_a_class_is_made_rarer_and_nothing_else(adult: pd.DataFrame) -> None:
    case = augmentation.Case(adult, adult.head(100), "income", ">50K")
    fewer = case.thinned(30)
    common = (adult["income"] == "<=50K").sum()
    assert fewer.counts()["train_rare"] == 30 and fewer.counts()["train_rows"] == common + 30
    assert fewer.counts()["test_rare"] == case.counts()["test_rare"]
    assert case.thinned(30).train.equals(fewer.train)


def gain_run(seed: int, gain: float, low: float) -> dict[str, Any]:
    def of(value: float, ci: list[float]) -> dict[str, Any]:
        return {measure: {"value": value, "ci": ci} for measure in augmentation.MEASURES}

    scores = {arm: of(0.5, []) for arm in augmentation.ARMS} | {"synthetic": of(0.5 + gain, [])}
    gains = {arm: of(0.0, [-0.1, 0.1]) for arm in augmentation.ARMS[1:]}
    gains["synthetic"] = of(gain, [low, gain + 0.1])
    counts = {"train_rows": 1, "train_rare": 1, "test_rows": 1, "test_rare": 1, "added": 1}
    return {"case": "c", "seed": seed, "rare": "x", "scores": scores, "gains": gains, **counts}


def test_a_gain_stands_out_when_every_seed_has_it(tmp_path: Path) -> None:
    machine = MACHINE | {"model": "m"}
    text = augmentation.write(
        tmp_path / "a", machine, [gain_run(0, 0.2, 0.1), gain_run(1, 0.3, 0.05)]
    )
    assert "| **0.750 (+0.250, +0.050 to +0.400)** |" in text and "| 0.500 |" in text
    text = augmentation.write(
        tmp_path / "a", machine, [gain_run(0, 0.2, 0.1), gain_run(1, 0.3, -0.05)]
    )
    assert "| 0.750 (+0.250, -0.050 to +0.400) |" in text and "**" not in text


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


@pytest.mark.parametrize(
    "script",
    [
        "tables.py", "augmentation.py", "encoding.py", "memory.py", "picture.py",
        "molecules.py", "molecule_conditions.py", "drawing.py", "joint.py", "peptides.py",
        "privacy.py", "gate.py", "survival.py",
    ],
)  # fmt: skip
def test_every_command_explains_itself(script: str) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / script, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0 and "usage" in done.stdout
    assert script in (ROOT / "benchmarks" / "README.md").read_text()


def test_risks_are_told_as_anonymeter_tells_them() -> None:
    risk = excess(60, 100, 20, 100, normalized=False).to_dict()
    share = excess(60, 100, 20, 100, normalized=True).to_dict()
    mine = agreement.told(risk, normalized=False)
    assert mine["value"] == pytest.approx(0.4 / 0.8) == agreement.told(share)["value"]
    assert mine["ci"] == pytest.approx(agreement.told(share)["ci"])
    assert (mine["success"], mine["control"], mine["n"]) == (0.6, 0.2, 100)
    none = agreement.told(excess(10, 100, 20, 100, normalized=True).to_dict())
    assert none["value"] == 0 and none["ci"][0] == 0
    assert agreement.meet([0, 0.1], [0.1, 0.2]) and not agreement.meet([0, 0.1], [0.11, 0.2])


def test_both_tools_attack_every_risk_of_the_same_tables(table: Table) -> None:
    rows = table.train.drop_duplicates()
    found, parts = agreement.ours(rows[:150], rows[:120], rows[150:300], table.test)
    assert sorted(parts[0] + parts[1]) == sorted(rows.columns)
    assert {"singling_out_univariate", "singling_out_multivariate", "linkability"} < set(found)
    assert {f"attribute_inference: {name}" for name in rows.columns} < set(found)


def test_another_file_than_the_example_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agreement, "FOLDER", tmp_path)
    (tmp_path / "adults_control.csv").write_text("age\n1\n")
    with pytest.raises(SystemExit, match="not the file of the example"):
        agreement.fetched("adults_control.csv")
