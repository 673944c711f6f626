"""The training loop: steps under a budget, evaluations, early stop, and the best weights kept.

It knows nothing of tables or molecules: a `Trainer` makes the steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch

from synthgen.errors import BudgetError, TrainingError
from synthgen.training.progress import Progress, about

Metrics = dict[str, float]
# steps by which the time of all others is judged
_REHEARSED = 10


class Trainer(Protocol):
    """What the loop needs of a model in training."""

    def step(self) -> Metrics:
        """One optimizer step; returns its losses."""

    def evaluate(self) -> Metrics:
        """Metrics on held-out rows; ``score`` decides, lower is better."""

    def kept(self) -> dict[str, torch.Tensor]:
        """Weights to keep if this is the best evaluation so far."""


@dataclass(frozen=True)
class Budget:
    """When training ends.

    Attributes:
        max_steps: Last step at the latest.
        patience: Evaluations without a better score after which training has converged.
        evaluate_every: Steps between evaluations.
        deadline: Value of ``time.monotonic()`` at which a model has to be ready, or ``None``.
        reserve_s: Gives the seconds needed after the last step, evaluation excluded.
        tolerance: Share by which a score may exceed the best one and still be no worse: below the
            noise of held-out rows the weights trained longest are kept.
        ending: Gives the step at which the trainer's own schedule ends and why ("time" where the
            clock decided it, "converged", "collapsed"), step 0 while that is open.
    """

    max_steps: int
    patience: int
    evaluate_every: int
    deadline: float | None = None
    reserve_s: Callable[[], float] = lambda: 0.0
    tolerance: float = 0.0
    ending: Callable[[], tuple[int, str]] = lambda: (0, "")


@dataclass
class TrainingRecord:
    """What happened in a run; free of timings, so that equal runs have equal records.

    Attributes:
        steps: Steps made.
        best_step: Step whose weights were kept.
        ended_by: "steps", "converged", "time", "collapsed" or "diverged".
        history: One entry for each evaluation: step, mean losses since the last, metrics.
        warnings: What the watchdogs found, in words.
    """

    steps: int = 0
    best_step: int = 0
    ended_by: str = "steps"
    history: list[dict[str, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def follow(self, later: TrainingRecord) -> None:
        """Add the history and the warnings of a later stage, whose steps are of another kind."""
        self.history += [
            {k: v for k, v in entry.items() if k != "score"} | {"step": self.steps + entry["step"]}
            for entry in later.history
        ]
        self.warnings += later.warnings

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {
            "steps": self.steps,
            "best_step": self.best_step,
            "ended_by": self.ended_by,
            "budget_exhausted": self.ended_by == "time",
            "history": self.history,
            "warnings": self.warnings,
        }


def train(
    trainer: Trainer,
    budget: Budget,
    progress: Progress,
    watch: Callable[[list[Metrics]], list[str]] = lambda history: [],
) -> tuple[dict[str, torch.Tensor], TrainingRecord]:
    """Run ``trainer`` until the budget ends, it converges or it diverges.

    Returns the kept weights of the best evaluation, and the record. ``watch`` reads the history
    after each evaluation and returns warnings ("name: text"), each shown and recorded once by name.

    Raises:
        BudgetError: If not one step fits the time limit.
        TrainingError: If the very first losses are not finite.
    """
    record, best, since = TrainingRecord(), _Best(budget.tolerance), _Mean()
    clock = _Clock(budget)
    rehearsed = min(_REHEARSED, budget.max_steps)
    for step in range(1, budget.max_steps + 1):
        losses = trainer.step()
        if not all(math.isfinite(value) for value in losses.values()):
            record.ended_by = "diverged"
            _diverged(record, step, best)
            break
        record.steps = step
        since.add(losses)
        clock.stepped()
        if step == rehearsed:
            left = about(clock.left(step))
            progress.told(f"Training takes about {left} at most: {budget.max_steps:,} steps")
        last = step == budget.max_steps
        out_of_time = clock.out_of_time()
        end, reason = budget.ending()
        ended = 0 < end <= step < budget.max_steps
        if step % budget.evaluate_every == 0 or last or out_of_time or ended:
            entry = {"step": float(step)} | since.take() | clock.timed(trainer.evaluate)
            record.history.append(entry)
            best.offer(step, entry["score"], len(record.history), trainer.kept)
            _warn(record, progress, watch)
            progress.evaluated(entry)
        progress.stepped(step, budget.max_steps)
        if out_of_time or ended:
            record.ended_by = "time" if out_of_time else reason
            break
        if len(record.history) - best.improved >= budget.patience:
            record.ended_by = "converged"
            break
    if best.weights is None:
        raise BudgetError(
            "the time limit ended before a single training step; allow more time, "
            "or fit on fewer rows or columns"
        )
    record.best_step = best.step
    return best.weights, record


class _Best:
    """The last weights whose score is no worse than the lowest so far."""

    def __init__(self, tolerance: float) -> None:
        self.tolerance, self.score = tolerance, math.inf
        self.step = self.improved = 0  # the evaluation that last gave a lower score
        self.weights: dict[str, torch.Tensor] | None = None

    def offer(
        self, step: int, score: float, evaluation: int, kept: Callable[[], dict[str, torch.Tensor]]
    ) -> None:
        if score < self.score:
            self.score, self.improved = score, evaluation
        elif self.weights is not None and score >= self.score + self.tolerance * abs(self.score):
            return
        self.step = step
        self.weights = {name: value.detach().clone() for name, value in kept().items()}


class _Mean:
    """Running mean of losses between evaluations."""

    def __init__(self) -> None:
        self.sums: Metrics = {}
        self.n = 0

    def add(self, losses: Metrics) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.n += 1

    def take(self) -> Metrics:
        means = {name: value / self.n for name, value in self.sums.items()}
        self.sums, self.n = {}, 0
        return means


class _Clock:
    """Leaves room for one more step, an evaluation and what follows before the deadline."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.last = time.monotonic()
        self.step_s = self.evaluate_s = 0.0
        self.taken: list[float] = []

    def stepped(self) -> None:
        now = time.monotonic()
        if len(self.taken) < _REHEARSED:
            self.taken.append(now - self.last)
        self.step_s, self.last = max(0.9 * self.step_s, now - self.last), now

    def left(self, step: int) -> float:
        """Seconds that the steps after ``step`` take at most, judged by the first ones."""
        typical = sorted(self.taken)[len(self.taken) // 2]
        left = (self.budget.max_steps - step) * typical
        if self.budget.deadline is None:
            return left
        return min(left, max(self.budget.deadline - time.monotonic(), 0.0))

    def timed(self, evaluate: Callable[[], Metrics]) -> Metrics:
        start = time.monotonic()
        metrics = evaluate()
        self.last = time.monotonic()
        self.evaluate_s = max(self.evaluate_s, self.last - start)
        return metrics

    def out_of_time(self) -> bool:
        if self.budget.deadline is None:
            return False
        needed = self.step_s + self.evaluate_s + self.budget.reserve_s()
        return time.monotonic() + needed >= self.budget.deadline


def _warn(
    record: TrainingRecord, progress: Progress, watch: Callable[[list[Metrics]], list[str]]
) -> None:
    told = {warning.partition(":")[0] for warning in record.warnings}
    for warning in watch(record.history):
        if warning.partition(":")[0] not in told:
            record.warnings.append(warning)
            progress.warned(warning)


def _diverged(record: TrainingRecord, step: int, best: _Best) -> None:
    if best.weights is None:
        raise TrainingError(
            f"the losses are not finite at step {step}, before anything usable was learned; "
            "lower learning_rate, or choose another loss"
        )
    record.warnings.append(
        f"divergence: the losses are not finite at step {step}; training stopped and the weights "
        f"of step {best.step} are used. Lower learning_rate or raise penalty_strength."
    )
