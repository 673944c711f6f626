"""The training loop: steps under a budget, evaluations, early stop, and the best weights kept.

It knows nothing of tables or molecules: a `Trainer` makes the steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import torch

from synthgen.errors import BudgetError, InvalidInputError, SynthGenError, TrainingError
from synthgen.training.checkpoint import Stage
from synthgen.training.progress import Progress, about
from synthgen.training.state import State, put_back, state_of
from synthgen.training.strategy import Alone

Metrics = dict[str, float]
T = TypeVar("T")
# steps by which the time of all others is judged
_REHEARSED = 10
# times that a run whose losses are not finite is tried again, each at this share of the rate
_ROLLBACKS, _SLOWER = 5, 0.25


class Trainer(Protocol):
    """What the loop needs of a model in training; ``STATE`` as in `synthgen.training.state`."""

    STATE: ClassVar[tuple[str, ...]]

    def step(self) -> Metrics:
        """One optimizer step; returns its losses."""

    def evaluate(self) -> Metrics:
        """Metrics on held-out rows; ``score`` decides, lower is better."""

    def kept(self) -> dict[str, torch.Tensor]:
        """Weights to keep if this is the best evaluation so far."""

    def slow_down(self, factor: float) -> None:
        """Multiply all learning rates from here on."""


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
        ended_by: "steps", "converged", "time", "collapsed", "diverged" or "interrupted".
        history: One entry for each evaluation: step, mean losses since the last, metrics.
        warnings: What the watchdogs found, in words.
    """

    STATE: ClassVar[tuple[str, ...]] = ("steps", "best_step", "ended_by", "history", "warnings")

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
    stage: Stage | None = None,
    strategy: Alone | None = None,
) -> tuple[dict[str, torch.Tensor], TrainingRecord]:
    """Run ``trainer`` until the budget ends, it converges, it diverges or it is interrupted.

    Returns the kept weights of the best evaluation, and the record. ``watch`` reads the history
    after each evaluation and returns warnings ("name: text"), each shown and recorded once by name.
    After an evaluation the state is a good one: what losses that are not finite go back to, and
    what ``stage`` writes as a checkpoint when it is time for one. Of several processes the first
    decides by its clock for all.

    Raises:
        BudgetError: If not one step fits the time limit.
        TrainingError: If losses are not finite from the first on, at any rate.
        InvalidInputError: If the checkpoint does not fit the trainer.
    """
    stage = stage or Stage()
    game = _Run(trainer, budget, progress, watch, stage, strategy or Alone())
    if (outcome := stage.outcome()) is not None:
        return game.repeat(outcome)
    # a process may have ended after the last checkpoint of its run and before the outcome
    going = not game.is_over()
    while going:
        going = game.step(stopping=stage.interrupt.asked)
    return game.outcome()


class _Run:
    """One run of a trainer."""

    STATE = ("trainer", "record", "best", "rollbacks")

    def __init__(
        self,
        trainer: Trainer,
        budget: Budget,
        progress: Progress,
        watch: Callable[[list[Metrics]], list[str]],
        stage: Stage,
        strategy: Alone,
    ) -> None:
        self.trainer, self.budget, self.progress = trainer, budget, progress
        self.watch, self.stage, self.strategy = watch, stage, strategy
        self.record, self.best, self.since = TrainingRecord(), _Best(budget.tolerance), _Mean()
        self.rollbacks = self.again = 0
        held = stage.resumed()
        if held is not None and stage.outcome() is None:
            self._put_back(held)
            stage.resumed_from(self.record.steps)
            progress.told(f"Resumed from step {self.record.steps:,}")
        self.good = state_of(self)
        self.written = True
        self.clock = _Clock(budget)
        self.rehearsed = min(self.record.steps + _REHEARSED, budget.max_steps)

    def step(self, *, stopping: bool) -> bool:
        """One step, and what is due after it; whether there is another."""
        losses = self.trainer.step()
        step = self.record.steps + 1
        if not all(math.isfinite(value) for value in losses.values()):
            return self._roll_back(step)
        self.record.steps = step
        self.since.add(losses)
        self.clock.stepped()
        self._tell_time(step)
        last = step == self.budget.max_steps
        due = step % self.budget.evaluate_every == 0 or last or self._ends_by_schedule()
        why = self._agreed(stopping=stopping and not last)
        if (due or why) and not self.clock.timed("evaluate", lambda: self._evaluated(step)):
            return self._roll_back(step)
        if due:
            self.clock.timed("keep", self._keep)
        self.progress.stepped(step, self.budget.max_steps)
        if why:
            self.record.ended_by = why
        return not why and not self.is_over()

    def _agreed(self, *, stopping: bool) -> str:
        """Why the run ends here, against its plan: what the first process says, or nothing."""
        own = 1 if stopping else 2 if self.clock.out_of_time() else 0
        return ("", "interrupted", "time")[int(self.strategy.agreed(own))]

    def is_over(self) -> bool:
        """Whether the run ends here whatever the clock says; the record is told why."""
        if self._ends_by_schedule():
            self.record.ended_by = self.budget.ending()[1]
        elif len(self.record.history) - self.best.improved >= self.budget.patience:
            self.record.ended_by = "converged"
        return self.record.ended_by != "steps" or self.record.steps == self.budget.max_steps

    def _ends_by_schedule(self) -> bool:
        end, _ = self.budget.ending()
        return 0 < end <= self.record.steps < self.budget.max_steps

    def outcome(self) -> tuple[dict[str, torch.Tensor], TrainingRecord]:
        """The best weights and the record, kept beside the checkpoints too."""
        if self.best.weights is None:
            raise BudgetError(
                "the time limit ended before a single training step; allow more time, "
                "or fit on fewer rows or columns"
            )
        self.record.best_step = self.best.step
        if self.record.ended_by == "interrupted":
            self._write(self.good, always=not self.written)
        else:
            outcome = {"weights": self.best.weights, "record": state_of(self.record)}
            self._guarded(lambda: self.stage.finished(outcome, state_of(self.trainer)))
        return self.best.weights, self.record

    def repeat(self, outcome: State) -> tuple[dict[str, torch.Tensor], TrainingRecord]:
        """The outcome of an earlier process, with the trainer as it was then."""
        record = TrainingRecord(**outcome["record"])
        if (held := self.stage.resumed()) is not None:
            put_back(self.trainer, held)
        self.stage.resumed_from(record.steps)
        return outcome["weights"], record

    def _tell_time(self, step: int) -> None:
        if step == self.rehearsed:
            left = about(self.clock.left(step))
            self.progress.told(
                f"Training takes about {left} at most: {self.budget.max_steps:,} steps"
            )

    def _evaluated(self, step: int) -> bool:
        """Evaluate; whether the score is a number."""
        metrics = self.trainer.evaluate()
        if not math.isfinite(metrics["score"]):
            return False
        entry = {"step": float(step)} | self.since.take() | metrics
        self.record.history.append(entry)
        self.best.offer(step, entry["score"], len(self.record.history), self.trainer.kept)
        _warn(self.record, self.progress, self.watch)
        self.progress.evaluated(entry)
        return True

    def _keep(self) -> None:
        """This state is a good one."""
        self.good, self.again, self.written = state_of(self), 0, False
        self._write(self.good, always=False)

    def _write(self, good: State, *, always: bool) -> None:
        if always or self.stage.due():
            self._guarded(lambda: self.stage.write(good))

    def _guarded(self, write: Callable[[], None]) -> None:
        """Write; a full disk is no reason to lose a run that goes well."""
        try:
            write()
            self.written = True
        except SynthGenError as error:
            self.progress.warned(f"no checkpoint: {error}; training goes on")

    def _roll_back(self, step: int) -> bool:
        """Go back to the last good state, at a lower rate; whether to go on."""
        self.rollbacks += 1
        if self.rollbacks > _ROLLBACKS:
            self.record.ended_by = "diverged"
            _diverged(self.record, step, self.best)
            return False
        tried, self.again = self.rollbacks, self.again + 1
        warnings, again = self.record.warnings, self.again
        self._put_back(self.good)
        self.rollbacks, self.record.warnings, self.since = tried, warnings, _Mean()
        self.trainer.slow_down(_SLOWER**again)
        warning = (
            f"rolled back: the losses are not finite at step {step:,}; training went back to step "
            f"{self.record.steps:,} and on from there at {_SLOWER**again:.2g} of its learning rate"
        )
        self.record.warnings.append(warning)
        self.progress.warned(warning)
        return True

    def _put_back(self, state: State) -> None:
        try:
            put_back(self, state)
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError) as error:
            detail = " ".join(str(error).split())[:120]
            raise InvalidInputError(f"the checkpoint does not fit the model: {detail}") from None


class _Best:
    """The last weights whose score is no worse than the lowest so far."""

    STATE = ("score", "step", "improved", "weights")

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
        self.step_s, self.aside_s = 0.0, {"evaluate": 0.0, "keep": 0.0}
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

    def timed(self, what: str, work: Callable[[], T]) -> T:
        """Do what is no step; the longest time of each kind counts."""
        start = time.monotonic()
        found = work()
        self.last = time.monotonic()
        self.aside_s[what] = max(self.aside_s[what], self.last - start)
        return found

    def out_of_time(self) -> bool:
        if self.budget.deadline is None:
            return False
        needed = self.step_s + sum(self.aside_s.values()) + self.budget.reserve_s()
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
