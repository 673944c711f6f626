"""Fits and samples on the workers of a real Ray cluster on this machine."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest

from synthgen import Batches, InvalidInputError, SynthGen
from synthgen.cli.sample import write_shard
from synthgen.shards import sample_shards

ray = pytest.importorskip("ray")
OPTIONS = {"critic": "none", "evaluate_every": 20}
# of a module that workers can import, as tests are not
WRITE = partial(write_shard, facts={"seed": 5})
SETTINGS: dict[str, Any] = {"seed": 3, "progress": False, "model_options": OPTIONS}


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def rows(adult: pd.DataFrame) -> pd.DataFrame:
    return adult.head(6000)


@pytest.fixture(scope="module")
def fitted(rows: pd.DataFrame) -> SynthGen:
    batches = Batches(lambda: (rows[k : k + 2000] for k in range(0, len(rows), 2000)))
    synth: SynthGen = SynthGen(engine="ray", max_steps=60, **SETTINGS).fit(batches)
    return synth


def test_two_workers_learn_what_one_process_learns(
    fitted: SynthGen, rows: pd.DataFrame, tmp_path: Path
) -> None:
    local = SynthGen(max_steps=60, **SETTINGS).fit(rows)
    here, there = (synth.history_["score"].to_numpy() for synth in (local, fitted))
    assert len(here) == len(there) == 3
    # the same batches and weights, other noise: far closer to each other than to the start
    assert np.allclose(here, there, atol=0.05 * (here[0] - here[-1]))
    fitted.save(tmp_path / "m.synthgen")
    again = SynthGen.load(tmp_path / "m.synthgen")
    assert again.sample(50, seed=1).equals(fitted.sample(50, seed=1))
    assert fitted.training_["n_rows"] == 6000


def test_a_killed_worker_does_not_lose_the_run(rows: pd.DataFrame, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill() -> None:
        """Kill a worker once there is a checkpoint to go on from."""
        until = time.monotonic() + 120
        while time.monotonic() < until and not list(tmp_path.glob("*.safetensors")):
            time.sleep(0.1)
        workers = [
            child for child in psutil.Process().children(recursive=True)
            if "RayTrainWorker" in " ".join(child.cmdline())
        ]  # fmt: skip
        if workers:
            workers[-1].send_signal(signal.SIGKILL)
            killed.append(workers[-1].pid)

    thread = threading.Thread(target=kill)
    thread.start()
    synth = SynthGen(
        engine="ray", max_steps=300, checkpoint_dir=tmp_path, checkpoint_every_s=0.1, **SETTINGS
    ).fit(rows)
    thread.join()
    assert killed, "there was a worker to kill"
    assert synth.training_["steps"] == 300
    assert (synth.resumed_from_step_ or 0) >= 20
    # and it is the run that nobody disturbed
    steps = synth.history_["step"].to_numpy()
    assert (np.diff(steps) == 20).all()


def test_an_interrupt_ends_the_run_with_a_model(rows: pd.DataFrame, tmp_path: Path) -> None:
    synth = SynthGen(
        engine="ray", max_steps=100_000, checkpoint_dir=tmp_path, checkpoint_every_s=0.2, **SETTINGS
    )
    before = signal.getsignal(signal.SIGINT)

    def interrupt() -> None:
        # the run is under way when its first checkpoint is there
        while not (tmp_path / "checkpoint.safetensors").exists():
            time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        synth.fit(rows)
    assert synth.training_["ended_by"] == "interrupted"
    assert 0 < synth.training_["steps"] < 100_000
    assert len(synth.sample(20, seed=1)) == 20
    assert signal.getsignal(signal.SIGINT) is before
    assert (tmp_path / "checkpoint.safetensors").exists()
    assert not (tmp_path / "stop").exists()


def test_a_ray_dataset_is_read_by_ray(rows: pd.DataFrame) -> None:
    import pyarrow as pa

    data = ray.data.from_arrow(pa.Table.from_pandas(rows.head(3000), preserve_index=False))
    synth = SynthGen(engine="ray", max_steps=20, **SETTINGS).fit(data)
    assert synth.training_["n_rows"] == 3000
    assert isinstance(synth.sample(5, seed=0), pa.Table)


def test_shards_hold_the_rows_of_one_sample(fitted: SynthGen, tmp_path: Path) -> None:
    model, folder = tmp_path / "m.synthgen", tmp_path / "rows"
    fitted.save(model)
    files = sample_shards(
        model, 2500, folder, WRITE, seed=5, batch_rows=1000, where={"income": ">50K"}
    )
    assert files == 3
    found = [pd.read_parquet(path) for path in sorted(folder.iterdir())]
    assert [len(part) for part in found] == [1000, 1000, 500]
    local = [
        *SynthGen.load(model).sample_batches(
            2500, seed=5, batch_rows=1000, where={"income": ">50K"}
        )
    ]
    for part, own in zip(found, local, strict=True):
        assert part.astype(str).to_numpy().tolist() == own.astype(str).to_numpy().tolist()
    note = pq.read_schema(next(folder.iterdir())).metadata
    assert any(b"synthetic" in value for value in note.values())
    with pytest.raises(InvalidInputError, match="is there already"):
        sample_shards(model, 10, folder, WRITE, seed=5)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".rows")]


def test_what_workers_cannot_load_is_said_and_not_waited_for(
    fitted: SynthGen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tmp_path / "m.synthgen"
    fitted.save(model)
    (tmp_path / "only_here.py").write_text("def write(path, frame):\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    write = importlib.import_module("only_here").write
    with pytest.raises(InvalidInputError, match="cannot load what they are to do.*only_here"):
        sample_shards(model, 10, tmp_path / "rows", write, seed=5)
    assert not (tmp_path / "rows").exists()


def test_the_command_line(rows: pd.DataFrame, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from synthgen.cli.app import app

    data, model = tmp_path / "a.parquet", tmp_path / "a.synthgen"
    rows.head(3000).to_parquet(data)
    fit = ["fit", str(data), "-o", str(model), "--engine", "ray", "--batch-rows", "1000"]
    done = CliRunner().invoke(app, [*fit, "--max-steps", "20", "--option", "critic=none"])
    assert done.exit_code == 0, done.output
    out = tmp_path / "drawn"
    sample = ["sample", str(model), "-n", "300", "-o", str(out), "--engine", "ray", "--seed", "1"]
    done = CliRunner().invoke(app, sample)
    assert done.exit_code == 0, done.output
    assert len(pd.read_parquet(out)) == 300
    drawn = pd.read_parquet(out)
    local = SynthGen.load(model).sample(300, seed=1)
    assert drawn["age"].tolist() == local["age"].tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "spark"}, "must be 'local' or 'ray'"),
        ({"engine": "ray", "workers": 0}, "workers must be 1 or more"),
        ({"engine": "ray", "model": "ctgan", "model_options": None}, "not 'ctgan'"),
        ({"engine": "ray", "epsilon": 1.0, "delta": 1e-5}, "its noise is made in one place"),
    ],
)
def test_what_cannot_run_there(settings: dict[str, Any], message: str, rows: pd.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match=message):
        SynthGen(**{**SETTINGS, "max_steps": 5, **settings}).fit(rows.head(200))
