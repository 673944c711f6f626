"""The one-shot GAN: it learns, it meets conditions, and bad options are refused."""

from __future__ import annotations

import copy
import re

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.adversarial.losses import LOSSES
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import InvalidInputError, ModelFileError
from synthgen.sampling.request import Request
from synthgen.schema import Schema
from synthgen.seeds import Streams
from synthgen.tabular.oneshot import CTGAN, calibrate
from synthgen.training.loop import TrainingRecord
from synthgen.training.progress import Progress
from synthgen.training.run import Run


def toy(n: int = 4000) -> pd.DataFrame:
    """Three columns that depend on each other, and one rare class."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["common", "other", "rare"], n, p=[0.7, 0.27, 0.03])
    centre = pd.Series(kind).map({"common": 0.0, "other": 6.0, "rare": -6.0}).to_numpy()
    number = (centre + rng.normal(size=n)).round(3)
    sign = np.where(number + rng.normal(size=n) > 2, "high", "low")
    return pd.DataFrame({"kind": kind, "number": number, "sign": sign})


FRAME = toy()
ENCODER = TableEncoder.fit(FRAME, Schema.infer(FRAME))
TABLE = ENCODER.encode(FRAME, Streams(0))


def fit(max_steps: int, **options: object) -> tuple[CTGAN, TrainingRecord]:
    small = {
        "batch_size": 200,
        "width": 64,
        "critic_width": 64,
        "evaluate_every": max(1, max_steps // 3),
    }
    run = Run(Streams(1), torch.device("cpu"), Progress(), max_steps)
    return CTGAN.fit(TABLE, ENCODER, small | options, run)


def sample(model: CTGAN, n: int, request: Request | None = None, seed: int = 2) -> RankedTable:
    return model.sample(n, request or Request(3, {}, {}), Streams(seed))


@pytest.fixture(scope="module")
def trained() -> CTGAN:
    return fit(1500, penalty_strength=0.1)[0]


def test_learns_marginals_and_dependence(trained: CTGAN) -> None:
    frame = ENCODER.decode(sample(trained, 4000), Streams(3))
    for name in ("kind", "sign"):
        gap = frame[name].value_counts(normalize=True) - FRAME[name].value_counts(normalize=True)
        assert gap.abs().max() < 0.04
    means = frame.groupby("kind")["number"].mean()
    assert means["common"] == pytest.approx(0, abs=1.5)
    assert means["other"] == pytest.approx(6, abs=2.5)
    high = frame.assign(high=frame["sign"] == "high").groupby("kind")["high"].mean()
    assert high["other"] > high["common"] + 0.4


def test_conditions_are_met_in_every_row(trained: CTGAN) -> None:
    request = Request.of(ENCODER, {"kind": "rare", "sign": "low"})
    frame = ENCODER.decode(sample(trained, 500, request), Streams(3))
    assert (frame["kind"] == "rare").all() and (frame["sign"] == "low").all()
    assert frame["number"].mean() < -2, "other columns follow the condition"


def test_calibration_improves_the_marginals(trained: CTGAN) -> None:
    generator = copy.deepcopy(trained.generator)
    with torch.no_grad():
        for stage in generator.stages:
            stage.exit.bias += torch.randn(len(stage.exit.bias)) * 0.5
    model = CTGAN(ENCODER, trained.options, generator)
    free = np.full((8000, 3), -1, np.int32)
    raw, put_right = (
        model.draw(free, calibration, Streams(0))
        for calibration in (model.calibration, calibrate(model, Streams(1)))
    )

    def error(table: EncodedTable) -> float:
        return sum(
            float(
                np.abs(np.bincount(table.codes[:, j], minlength=c.n_codes) / 8000 - c.share).sum()
            )
            for j, c in enumerate(ENCODER.columns)
        )

    assert error(put_right) < error(raw) / 3


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_trains(loss: str) -> None:
    model, record = fit(30, loss=loss)
    assert record.steps == 30
    before, after = record.history[0], record.history[-1]
    assert all(np.isfinite(v) for v in after.values())
    assert after["score"] != before["score"]
    assert len(sample(model, 10)) == 10


@pytest.mark.parametrize(
    "options",
    [{"spectral_norm": True, "penalty": "none"}, {"hard": True}, {"pac": 1}, {"frequency": "true"}],
)
def test_every_switch_trains(options: dict[str, object]) -> None:
    _, record = fit(20, **options)
    assert record.steps == 20 and np.isfinite(record.history[-1]["score"])


def test_equal_seeds_give_equal_weights() -> None:
    first, second = (fit(20)[0].weights() for _ in range(2))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[k], second[k], equal_nan=True) for k in first)


def test_a_rate_far_too_high_is_noticed() -> None:
    _, record = fit(120, learning_rate=0.5, evaluate_every=10, patience=100)
    assert record.warnings, "a run that breaks down does not end in silence"


def test_weights_load_and_sample_the_same(trained: CTGAN) -> None:
    again = CTGAN.load(ENCODER, trained.config(), trained.weights())
    first, second = sample(trained, 100), sample(again, 100)
    np.testing.assert_array_equal(first.codes, second.codes)
    np.testing.assert_array_equal(first.ranks, second.ranks)


def test_weights_of_another_shape_are_refused(trained: CTGAN) -> None:
    weights = trained.weights()
    name = next(name for name in weights if name.endswith(".bias"))
    weights[name] = np.zeros(3, np.float32)
    with pytest.raises(ModelFileError, match=rf"{re.escape(name)} has shape \(3,\), expected"):
        CTGAN.load(ENCODER, trained.config(), weights)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"los": "hinge"}, "los: .*there is loss"),
        ({"loss": "hing"}, "loss: .*'minimax'"),
        ({"pac": 3, "batch_size": 500}, "multiple of pac"),
        ({"learning_rate": -1}, "learning_rate: .*greater than 0"),
    ],
)
def test_bad_options_are_named(options: dict[str, object], says: str) -> None:
    run = Run(Streams(1), torch.device("cpu"), Progress(), 1)
    with pytest.raises(InvalidInputError, match=says):
        CTGAN.fit(TABLE, ENCODER, options, run)
