"""A fit that ends in the middle and is resumed gives the bytes of one that never ended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import synthgen.molecular.adversary as adversary
import synthgen.molecular.model as graphgan
from synthgen import MolGen, SynthGen, molgen, synthesizer
from synthgen.errors import InvalidInputError
from synthgen.training.checkpoint import Stage
from synthgen.training.progress import Progress

ARGAN = {"hidden": 16, "token": 8, "batch_size": 100, "evaluate_every": 5}
CTGAN = {"width": 16, "critic_width": 16, "batch_size": 100, "evaluate_every": 5}
GRAPH = {
    "width": 32,
    "layers": 1,
    "heads": 2,
    "adversary_rounds": 2,
    "adversary_drawn": 600,
    "critic_steps": 50,
    "orders": 1,
}
MOLGAN = {"evaluate_every": 5}


class Killed(BaseException):
    """Ends the process as far as the fit is concerned."""


class Killing(Progress):
    """Kills at the given steps of stages."""

    def __init__(self, at: dict[str, int]) -> None:
        self.at, self.name, self.seen = at, "", []

    def stage(self, name: str) -> None:
        self.name = name
        if self.at.get(name) == 0:
            raise Killed

    def stepped(self, step: int, max_steps: int) -> None:
        self.seen.append((self.name, step))
        if self.at.get(self.name) == step:
            raise Killed


@pytest.fixture
def killing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Killing]:
    def kill(**at: int) -> Killing:
        progress = Killing(at)
        for module in (synthesizer, molgen):
            monkeypatch.setattr(module, "progress_for", lambda show: progress)
        return progress

    return kill


def saved(model: Any, path: Path) -> bytes:
    model.save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("settings", "at"),
    [
        ({"model_options": ARGAN, "max_steps": 40}, {"training": 13}),
        ({"model_options": ARGAN, "max_steps": 40}, {"training": 38}),
        ({"model_options": ARGAN, "max_steps": 40}, {"critic": 0}),
        ({"model": "ctgan", "model_options": CTGAN, "max_steps": 20}, {"training": 12}),
        (
            {
                "model": "ctgan", "max_steps": 20,
                "model_options": CTGAN | {"loss": "hinge", "spectral_norm": True, "pac": 2},
            },
            {"training": 17},
        ),
        ({"model": "ctgan", "model_options": CTGAN, "max_steps": 20}, {"calibrating": 0}),
    ],
)  # fmt: skip
def test_tables(
    adult: pd.DataFrame, tmp_path: Path, killing: Callable[..., Killing],
    settings: dict[str, Any], at: dict[str, int],
) -> None:  # fmt: skip
    rows = adult.head(3500)
    whole = saved(SynthGen(seed=3, **settings).fit(rows), tmp_path / "whole")
    kept = {"checkpoint_dir": tmp_path / "state", "checkpoint_every_s": 1e-9}
    killing(**at)
    with pytest.raises(Killed):
        SynthGen(seed=3, **settings, **kept).fit(rows)
    again = killing()
    resumed = SynthGen(**settings, **kept, resume=True).fit(rows)
    ((_, step),) = at.items()
    done = step // 5 * 5 if step else settings["max_steps"]
    assert resumed.resumed_from_step_ == done
    assert ("training", done) not in again.seen
    assert saved(resumed, tmp_path / "resumed") == whole


def test_killed_between_the_last_checkpoint_and_the_end(
    adult: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that has converged takes no further step when it is resumed."""
    rows, options = adult.head(500), ARGAN | {"patience": 1, "late_dropout": 0.0}
    for model, settings in (
        ("argan", {"model_options": options, "max_steps": 2000}),
        ("ctgan", {"model": "ctgan", "model_options": CTGAN | {"patience": 2}, "max_steps": 500}),
    ):
        fitted = SynthGen(seed=3, **settings).fit(rows)
        assert fitted.training_["ended_by"] == "converged"
        whole = saved(fitted, tmp_path / "whole")
        kept = {"checkpoint_dir": tmp_path / model, "checkpoint_every_s": 1e-9}

        def killed(*outcome: object) -> None:
            raise Killed

        with monkeypatch.context() as patched, pytest.raises(Killed):
            patched.setattr(Stage, "finished", killed)
            SynthGen(seed=3, **settings, **kept).fit(rows)
        resumed = SynthGen(**settings, **kept, resume=True).fit(rows)
        assert resumed.resumed_from_step_ == fitted.training_["steps"]
        assert saved(resumed, tmp_path / "resumed") == whole


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both adversaries of molecules, also of few ones, and in less time."""
    monkeypatch.setattr(graphgan, "_MIN_ADVERSARIAL", 100)
    monkeypatch.setattr(graphgan, "_MIN_JUDGING", 10)
    monkeypatch.setattr(adversary, "_FEWEST_STEPS", 5)
    monkeypatch.setattr(adversary, "_LEARNED", -1.0)


def test_molecules_killed_once_in_each_stage(
    qm9: pd.Series, tmp_path: Path, killing: Callable[..., Killing], quick: None
) -> None:
    settings: dict[str, Any] = {"model_options": GRAPH, "max_steps": 30, "properties": []}
    molecules = qm9.head(300)
    whole = saved(MolGen(seed=3, **settings).fit(molecules), tmp_path / "whole")
    kept = {"checkpoint_dir": tmp_path / "state", "checkpoint_every_s": 1e-9, "resume": True}
    for at in ({"training": 23}, {"adversary": 0}, {"adversary": 2}, {"critic": 0}):
        killing(**at)
        with pytest.raises(Killed):
            MolGen(seed=3, **settings, **kept).fit(molecules)
    again = killing()
    resumed = MolGen(**settings, **kept).fit(molecules)
    assert resumed.resumed_from_step_ == 32
    assert not {"training", "adversary"} & {stage for stage, _ in again.seen}
    assert saved(resumed, tmp_path / "resumed") == whole


def test_molgan(qm9: pd.Series, tmp_path: Path, killing: Callable[..., Killing]) -> None:
    settings: dict[str, Any] = {"model": "molgan", "model_options": MOLGAN, "max_steps": 15}
    whole = saved(MolGen(seed=3, **settings).fit(qm9.head(300)), tmp_path / "whole")
    kept = {"checkpoint_dir": tmp_path / "state", "checkpoint_every_s": 1e-9}
    killing(training=12)
    with pytest.raises(Killed):
        MolGen(seed=3, **settings, **kept).fit(qm9.head(300))
    killing()
    resumed = MolGen(**settings, **kept, resume=True).fit(qm9.head(300))
    assert resumed.resumed_from_step_ == 10
    assert saved(resumed, tmp_path / "resumed") == whole


@pytest.fixture
def broken(
    adult: pd.DataFrame, tmp_path: Path, killing: Callable[..., Killing]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """A run that ended in the middle: its rows and settings."""
    settings: dict[str, Any] = {
        "model_options": ARGAN, "max_steps": 20, "seed": 3,
        "checkpoint_dir": tmp_path / "state", "checkpoint_every_s": 1e-9,
    }  # fmt: skip
    killing(training=12)
    with pytest.raises(Killed):
        SynthGen(**settings).fit(adult.head(500))
    killing()
    return adult.head(500), settings


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"seed": 4}, "seed 3, not 4"),
        ({"max_steps": 30}, "other max_steps: 20, not 30"),
        ({"model": "ctgan", "model_options": None}, "other model: 'argan', not 'ctgan'"),
        ({"model_options": ARGAN | {"hidden": 32}}, "other options"),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(
    broken: tuple[pd.DataFrame, dict[str, Any]], changed: dict[str, Any], named: str
) -> None:
    rows, settings = broken
    path = Path(settings["checkpoint_dir"]) / "checkpoint.safetensors"
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match=f"checkpoint of another run .{named}") as caught:
        SynthGen(**settings | changed, resume=True).fit(rows)
    assert caught.value.exit_code == 4
    assert path.read_bytes() == before


def test_a_checkpoint_of_other_data_is_refused(
    broken: tuple[pd.DataFrame, dict[str, Any]],
) -> None:
    rows, settings = broken
    # the same values in another order: all marginals, and so the encoding, are the same
    other = rows.sample(frac=1, random_state=0).reset_index(drop=True)
    with pytest.raises(InvalidInputError, match="checkpoint of another run"):
        SynthGen(**settings, resume=True).fit(other)


def test_nothing_is_written_over(broken: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    rows, settings = broken
    with pytest.raises(InvalidInputError, match="there is a checkpoint already"):
        SynthGen(**settings).fit(rows)
    with pytest.raises(InvalidInputError, match="resume needs checkpoint_dir"):
        SynthGen(resume=True).fit(rows)


def test_a_checkpoint_holds_no_row(broken: tuple[pd.DataFrame, dict[str, Any]]) -> None:
    rows, settings = broken
    body = (Path(settings["checkpoint_dir"]) / "checkpoint.safetensors").read_bytes()
    length = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + length])["__metadata__"]["document"]
    for name in ("occupation", "native-country", "education", "marital-status"):
        for value in rows[name].unique():
            assert len(value) < 4 or value not in header
    # nothing is as long as the table but the order in which it is gone through
    from safetensors.numpy import load

    long = [a for a in load(body).values() if a.ndim == 2 and len(a) >= 400 and a.shape[1] >= 10]
    numbers = rows.select_dtypes("number").to_numpy(np.float64)
    for array in long:
        found = np.isin(numbers, array.astype(np.float64)).all(axis=1)
        assert not found.any()


@pytest.mark.parametrize("place", ["document", "array", "end"])
def test_a_damaged_checkpoint_is_refused(
    broken: tuple[pd.DataFrame, dict[str, Any]], place: str
) -> None:
    rows, settings = broken
    path = Path(settings["checkpoint_dir"]) / "checkpoint.safetensors"
    body = bytearray(path.read_bytes())
    if place == "end":
        del body[-100:]
    elif place == "array":
        body[-100] ^= 1
    else:
        at = body.index(b"seed") + 8
        body[at] = body[at] ^ 1
    path.write_bytes(bytes(body))
    with pytest.raises(InvalidInputError, match="damaged") as caught:
        SynthGen(**settings, resume=True).fit(rows)
    assert "\n" not in str(caught.value)


def test_a_key_seals_and_another_does_not_open(
    adult: pd.DataFrame, tmp_path: Path, killing: Callable[..., Killing],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings: dict[str, Any] = {
        "model_options": ARGAN, "max_steps": 20, "seed": 3,
        "checkpoint_dir": tmp_path / "state", "checkpoint_every_s": 1e-9,
    }  # fmt: skip
    monkeypatch.setenv("SYNTHGEN_CHECKPOINT_KEY", "a key of some length")
    killing(training=12)
    with pytest.raises(Killed):
        SynthGen(**settings).fit(adult.head(500))
    killing()
    for key in ("another key of length", ""):
        monkeypatch.setenv("SYNTHGEN_CHECKPOINT_KEY", key)
        with pytest.raises(InvalidInputError, match="changed, or not sealed"):
            SynthGen(**settings, resume=True).fit(adult.head(500))
    monkeypatch.setenv("SYNTHGEN_CHECKPOINT_KEY", "a key of some length")
    assert SynthGen(**settings, resume=True).fit(adult.head(500)).resumed_from_step_ == 10
