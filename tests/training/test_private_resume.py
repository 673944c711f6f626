"""A private fit that is killed and resumed: the ledger of the whole one, and steps that add up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from synthgen import MolGen, Schema, SynthGen, molgen, synthesizer
from synthgen.errors import InvalidInputError
from synthgen.training.progress import Progress

SETTINGS: dict[str, Any] = {"epsilon": 4.0, "delta": 1e-5, "seed": 0, "max_steps": 60}
KEY = "SYNTHGEN_CHECKPOINT_KEY"


class Killed(BaseException):
    """Ends the process as far as the fit is concerned."""


class Watching(Progress):
    """Notes the noisy steps; kills after one of them."""

    def __init__(self, at: int = 0) -> None:
        self.at, self.steps = at, list[int]()

    def stepped(self, step: int, max_steps: int) -> None:
        self.steps.append(step)
        if step == self.at:
            raise Killed


@pytest.fixture
def rows(adult: pd.DataFrame) -> pd.DataFrame:
    return adult.head(3000)[["age", "sex", "income"]]


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Any:
    def watch(at: int = 0) -> Watching:
        progress = Watching(at)
        for module in (synthesizer, molgen):
            monkeypatch.setattr(module, "progress_for", lambda show: progress)
        return progress

    monkeypatch.setenv(KEY, "0123456789abcdef0123")
    return watch


@pytest.mark.parametrize("model", ["dp-ar", "dp-gan"])
def test_no_more_noisy_steps_than_are_charged(
    rows: pd.DataFrame, tmp_path: Path, watching: Any, model: str
) -> None:
    schema = Schema.infer(rows)
    whole = SynthGen(model, **SETTINGS).fit(rows, schema=schema)
    kept = {"checkpoint_dir": tmp_path, "resume": True}
    made: list[int] = []
    for at in (5, 29, 59):
        progress = watching(at)
        with pytest.raises(Killed):
            SynthGen(model, **SETTINGS, **kept).fit(rows, schema=schema)
        made += progress.steps
    last = watching()
    resumed = SynthGen(model, **SETTINGS, **kept).fit(rows, schema=schema)
    made += last.steps
    # a step number is a share of the plan: none was taken twice
    assert len(made) == len(set(made)) and max(made) <= 60
    # 60 steps in 20 checkpoints: of three steps each, some were lost
    assert set(range(1, 61)) - set(made) == {6, 30, 60}
    assert resumed.privacy_ == whole.privacy_
    assert resumed.privacy_["entries"][-1]["times"] == 60
    assert resumed.privacy_["spent"]["epsilon_pld"] <= 4.0
    (warning,) = resumed.training_["warnings"]
    assert warning.startswith("resumed: 9 of 60 noisy steps were lost")
    assert len(resumed.sample(50)) == 50


def test_a_tampered_checkpoint_is_refused(
    rows: pd.DataFrame, tmp_path: Path, watching: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.numpy import load, save

    from synthgen.training.checkpoint import _seal

    schema = Schema.infer(rows)
    watching(20)
    with pytest.raises(Killed):
        SynthGen(**SETTINGS, checkpoint_dir=tmp_path).fit(rows, schema=schema)
    watching()
    path = tmp_path / "checkpoint.safetensors"
    sound = path.read_bytes()
    # who hides steps can compute a digest, but not the seal of a key that they do not have
    import json

    held = json.loads(sound[8 : 8 + int.from_bytes(sound[:8], "little")])["__metadata__"]
    text = held["document"].replace('"paid": 21', '"paid": 3')
    assert text != held["document"]
    for key in (None, b"guessed guessed guessed"):
        arrays = load(sound)
        path.write_bytes(save(arrays, {"document": text, "seal": _seal(text, arrays, key)}))
        with pytest.raises(InvalidInputError, match="changed, or not sealed") as caught:
            SynthGen(**SETTINGS, checkpoint_dir=tmp_path, resume=True).fit(rows, schema=schema)
        assert caught.value.exit_code == 4
    path.write_bytes(sound)
    other = SETTINGS | {"epsilon": 8.0}
    with pytest.raises(InvalidInputError, match="other epsilon: 4.0, not 8.0"):
        SynthGen(**other, checkpoint_dir=tmp_path, resume=True).fit(rows, schema=schema)
    monkeypatch.delenv(KEY)
    with pytest.raises(InvalidInputError, match=f"need a key in {KEY}"):
        SynthGen(**SETTINGS, checkpoint_dir=tmp_path, resume=True).fit(rows, schema=schema)


def test_a_key_must_be_long(
    rows: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, "short")
    with pytest.raises(InvalidInputError, match="5 characters; take 16 or more"):
        SynthGen(**SETTINGS, checkpoint_dir=tmp_path).fit(rows, schema=Schema.infer(rows))


def test_private_molecules_go_on_with_the_vocabulary_that_was_bought(
    qm9: pd.Series, tmp_path: Path, watching: Any
) -> None:
    settings: dict[str, Any] = {"epsilon": 20.0, "delta": 1e-4, "seed": 0, "max_steps": 40}
    kept = {"checkpoint_dir": tmp_path, "resume": True}
    for at in (3, 22):
        watching(at)
        with pytest.raises(Killed):
            MolGen(**settings, **kept).fit(qm9)
    watching()
    resumed = MolGen(**settings, **kept).fit(qm9)
    noisy = resumed.privacy_["entries"]
    assert [entry["what"] for entry in noisy].count("actions") == 1
    assert noisy[-1]["times"] == 40
    assert resumed.privacy_["spent"]["epsilon_pld"] <= 20.0
    (warning,) = resumed.training_["warnings"]
    assert warning.startswith("resumed: 4 of 40 noisy steps were lost")
    assert resumed.resumed_from_step_ == 20
    assert len(resumed.sample(20, seed=1)) == 20
    with pytest.raises(InvalidInputError, match="other epsilon: 20.0, not 10.0"):
        MolGen(**(settings | {"epsilon": 10.0}), **kept).fit(qm9)
