"""The loop with a small real model: logistic regression by gradient descent."""

from __future__ import annotations

import math
import time

import pytest
import torch
from torch import nn

from synthgen.errors import BudgetError, TrainingError
from synthgen.training.loop import Budget, Metrics, train
from synthgen.training.progress import Progress
from synthgen.training.state import lower_rates


class Regression:
    """Learns y = 2 x."""

    STATE = ("layer", "optimizer")

    def __init__(self, rate: float = 0.1, pause_s: float = 0.0) -> None:
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(256, 1, generator=generator)
        self.layer = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.layer.weight)
        self.optimizer = torch.optim.SGD(self.layer.parameters(), lr=rate)
        self.pause_s = pause_s

    def loss(self) -> torch.Tensor:
        return ((self.layer(self.x) - 2 * self.x) ** 2).mean()

    def step(self) -> Metrics:
        time.sleep(self.pause_s)
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        return {"loss": float(loss.detach())}

    def evaluate(self) -> Metrics:
        return {"score": float(self.loss().detach())}

    def kept(self) -> dict[str, torch.Tensor]:
        return self.layer.state_dict()

    def slow_down(self, factor: float) -> None:
        lower_rates(self.optimizer, factor)


def budget(**changes: object) -> Budget:
    values: dict[str, object] = {"max_steps": 60, "patience": 5, "evaluate_every": 10}
    return Budget(**(values | changes))  # type: ignore[arg-type]


def test_ends_by_steps_with_a_history() -> None:
    best, record = train(Regression(), budget(), Progress())
    assert (record.steps, record.best_step, record.ended_by) == (60, 60, "steps")
    assert [e["step"] for e in record.history] == [10, 20, 30, 40, 50, 60]
    assert record.history[0]["loss"] > record.history[-1]["loss"]
    assert float(best["weight"]) == pytest.approx(2, abs=0.01)


def test_converges_by_patience() -> None:
    _, record = train(Regression(rate=0.0), budget(max_steps=10_000, patience=3), Progress())
    assert (record.ended_by, record.best_step, record.steps) == ("converged", 10, 40)


class Scripted(Regression):
    """Regression whose evaluations give scores from a list."""

    def __init__(self, scores: list[float]) -> None:
        super().__init__()
        self.scores = iter(scores)

    def evaluate(self) -> Metrics:
        return {"score": next(self.scores)}


def test_of_scores_that_differ_by_noise_the_last_is_kept() -> None:
    scores = [3.0, 1.0, 1.04, 1.2, 1.03, 1.4, 1.3]
    limits = budget(max_steps=7, evaluate_every=1, patience=5, tolerance=0.05)
    _, record = train(Scripted(scores), limits, Progress())
    assert (record.best_step, record.ended_by, record.steps) == (5, "converged", 7)
    _, exact = train(Scripted(scores), budget(max_steps=7, evaluate_every=1), Progress())
    assert exact.best_step == 2


def test_the_deadline_is_kept_and_the_model_is_usable() -> None:
    start = time.monotonic()
    limits = budget(max_steps=10**6, deadline=start + 0.6, reserve_s=lambda: 0.1)
    best, record = train(Regression(pause_s=0.01), limits, Progress())
    assert time.monotonic() - start < 0.6
    assert record.ended_by == "time" and record.to_dict()["budget_exhausted"]
    assert math.isfinite(float(best["weight"])) and record.history


def test_best_weights_are_kept_when_the_run_diverges() -> None:
    best, record = train(Regression(rate=3.0), budget(max_steps=500, evaluate_every=1), Progress())
    assert record.ended_by in ("diverged", "converged")
    assert float(best["weight"]) == pytest.approx(float(best["weight"]))
    assert record.best_step == 1


def test_a_rate_too_high_is_lowered_from_the_last_good_state() -> None:
    # steps of 1.5 overshoot, 200 of them overflow; a quarter of that converges
    limits = budget(max_steps=400, evaluate_every=200, patience=10)
    best, record = train(Regression(rate=1.5), limits, Progress())
    assert (record.ended_by, record.steps) == ("steps", 400)
    assert float(best["weight"]) == pytest.approx(2, abs=1e-3)
    (warning,) = record.warnings
    assert warning.startswith("rolled back: the losses are not finite at step ")
    assert "went back to step 0 and on from there at 0.25 of its learning rate" in warning
    again = train(Regression(rate=1.5), limits, Progress())[1]
    assert again.to_dict() == record.to_dict()


def test_each_rollback_lowers_the_rate_further_until_it_gives_up() -> None:
    limits = budget(max_steps=400, evaluate_every=200)
    _, record = train(Regression(rate=300.0), limits, Progress())
    rates = [warning.split(" at ")[-1] for warning in record.warnings]
    assert rates[:3] == [f"{0.25**k:.2g} of its learning rate" for k in (1, 2, 3)]
    assert (record.ended_by, record.steps) == ("steps", 400)
    with pytest.raises(TrainingError, match="before anything usable was learned"):
        train(Regression(rate=1e9), limits, Progress())


def test_losses_that_are_never_finite_are_an_error() -> None:
    trainer = Regression()
    trainer.x[0] = float("inf")
    with pytest.raises(TrainingError, match="not finite at step 1"):
        train(trainer, budget(), Progress())


def test_no_room_for_a_step_is_a_budget_error() -> None:
    with pytest.raises(BudgetError, match="before a single training step"):
        train(Regression(), budget(max_steps=0), Progress())


def test_equal_runs_have_equal_records() -> None:
    first, second = (train(Regression(), budget(), Progress())[1] for _ in range(2))
    assert first.to_dict() == second.to_dict()


def test_a_warning_is_given_once() -> None:
    shown: list[str] = []

    class Listening(Progress):
        def warned(self, warning: str) -> None:
            shown.append(warning)

    _, record = train(
        Regression(), budget(), Listening(), lambda h: [f"slow: {h[-1]['score']:.3f} is high"]
    )
    assert len(record.warnings) == len(shown) == 1
