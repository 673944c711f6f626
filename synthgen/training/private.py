"""A private training as all models do it: planned, charged as a whole, and averaged.

How many noisy steps there are is fixed before the first, by made-up rows and never by the data. Of
noisy steps the mean of the weights is better than the last (Polyak and Juditsky, *Acceleration of
Stochastic Approximation by Averaging*, 1992).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from synthgen.errors import BudgetError
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import PrivateTable
from synthgen.training.checkpoint import Stage
from synthgen.training.dpsgd import private_descent
from synthgen.training.loop import TrainingRecord
from synthgen.training.run import Run
from synthgen.training.state import State, put_back, state_of

_TIMED = 3
# per-sample gradients take about as long again as a pass forth and back
_PER_SAMPLE = 2.5
# of the time that is left, what training may plan with
_TIME_SHARE = 0.8
# checkpoints of a run: what a killed process loses is the steps between two
_CHECKPOINTS = 20


class DescentConfig(BaseModel):
    """Options of every private training.

    Attributes:
        steps: Noisy steps; a time limit allows fewer.
        sampling_rate: With which a record is in a batch.
        clip: Largest norm of a record's gradient.
        learning_rate: Of Adam, on noisy gradients.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(400, ge=1)
    sampling_rate: float = Field(0.06, gt=0, le=1)
    clip: float = Field(1.0, gt=0)
    learning_rate: float = Field(0.01, gt=0)

    def expected(self, n: float) -> int:
        """Records of a batch of ``n``, at least 1."""
        return max(int(self.sampling_rate * n), 1)


Config = TypeVar("Config", bound=DescentConfig)


class Game(Protocol):
    """What goes on beside noisy steps, on their results alone."""

    STATE: ClassVar[tuple[str, ...]]

    def stepped(self, step: int) -> None:
        """A noisy step was made."""


def train_privately(
    network: nn.Module,
    losses: Callable[[nn.Module, Any], Tensor],
    cost: Callable[[], Tensor],
    rows: PrivateTable[Any],
    n: float,
    config: Config,
    run: Run,
    *,
    what: str,
    betas: tuple[float, float] = (0.9, 0.999),
    game: Game | None = None,
) -> tuple[Config, TrainingRecord]:
    """Spend what is left of a ledger on noisy steps; ``network`` ends as the mean of its weights.

    Args:
        network: Of layers that Opacus has per-sample gradients for.
        losses: Loss (n,) of each record of a batch, of that record alone.
        cost: A loss that takes as long as that of an expected batch, of no real record.
        rows: Private records.
        n: Their noisy number.
        config: Options; returned with the steps that there were.
        run: The circumstances.
        what: Name of the entry in the ledger.
        betas: Of Adam.
        game: What goes on beside it; the last weights are then kept in place of their mean.

    Raises:
        InvalidInputError: If the budget is too small.
        BudgetError: If the time limit leaves no room for a step.
    """
    stage = run.stage("training")
    held = stage.resumed()
    if held is None:
        steps = min(run.max_steps or config.steps, _steps_in_time(cost, network, run))
    else:
        steps = held["steps"]
    config = config.model_copy(update={"steps": steps})
    # a plan is a function of what was bought before, so a resumed run finds the same noise
    spent = rows.ledger.left(lambda noise: Gaussian(noise, config.sampling_rate, steps))
    optimizer = torch.optim.Adam(
        network.parameters(), lr=config.learning_rate, betas=betas, eps=1e-10
    )
    learning = _Learning(network, optimizer, Average(network, steps), game)
    kept = _Kept(stage, learning, steps)
    kept.resume(held)
    record = TrainingRecord(kept.done, kept.done, warnings=kept.warnings())

    def after(step: int) -> bool:
        if game is None:
            learning.average.add(step)
        else:
            game.stepped(step)
        run.progress.stepped(step, steps)
        kept.stepped(step, stopping=run.interrupt.asked)
        record.steps = record.best_step = step
        return not run.interrupt.asked

    private_descent(
        network,
        losses,
        rows,
        spent,
        what=what,
        clip=config.clip,
        optimizer=optimizer,
        expected_rows=max(config.sampling_rate * n, 1.0),
        stepped=after,
        done=kept.done,
    )
    learning.average.put_back()
    record.history = [{"step": float(record.steps)}]
    return config, record


class _Learning:
    """What noisy steps change."""

    def __init__(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, average: Average, game: Any
    ) -> None:
        self.network, self.optimizer, self.average, self.game = network, optimizer, average, game

    STATE = ("network", "optimizer", "average", "game")


class _Kept:
    """Checkpoints of noisy steps, each of which pays for the steps up to the next one.

    No state of the noise is stored, so steps after a checkpoint cannot be repeated: others in their
    place would be more steps than the ledger holds. A resumed run leaves out as many as the
    earlier process may have taken, so that all of them together are those that are charged.
    """

    def __init__(self, stage: Stage, learning: _Learning, steps: int) -> None:
        self.stage, self.learning, self.steps = stage, learning, steps
        self.every = max(steps // _CHECKPOINTS, 1)
        self.done = self.lost = 0

    def resume(self, held: State | None) -> None:
        """Go on behind what a checkpoint pays for; pay for the next steps before the first."""
        if held is not None:
            put_back(self.learning, held["learning"])
            self.stage.resumed_from(held["step"])
            self.lost = held["lost"] + held["paid"] - held["step"]
            self.done = held["paid"]
        self._write(self.done, min(self.done + self.every, self.steps))

    def stepped(self, step: int, *, stopping: bool) -> None:
        """A step was made: pay for the next ones when those are used up."""
        if stopping:
            self._write(step, step)
        elif (step - self.done) % self.every == 0 or step == self.steps:
            self._write(step, min(step + self.every, self.steps))

    def warnings(self) -> list[str]:
        """Steps that are charged and of no use."""
        if not self.lost:
            return []
        return [
            f"resumed: {self.lost:,} of {self.steps:,} noisy steps were lost after a checkpoint; "
            "they are charged"
        ]

    def _write(self, step: int, paid: int) -> None:
        if self.stage.checkpoints.path is not None:
            self.stage.write(
                {
                    "steps": self.steps,
                    "step": step,
                    "paid": paid,
                    "lost": self.lost,
                    "learning": state_of(self.learning),
                }
            )


def _steps_in_time(cost: Callable[[], Tensor], network: nn.Module, run: Run) -> int:
    """Steps that the time limit allows."""
    if run.deadline is None:
        return 10**9
    run.progress.stage("timing steps on made-up rows")
    start = time.monotonic()
    for _ in range(_TIMED):
        torch.autograd.backward(cost())
        network.zero_grad(set_to_none=True)
    step_s = _PER_SAMPLE * (time.monotonic() - start) / _TIMED
    left = _TIME_SHARE * (run.deadline - time.monotonic())
    if left < step_s:
        raise BudgetError(
            "the time limit leaves no room for a step of private training; allow more time"
        )
    return int(left / step_s)


class Average:
    """Mean of a network's weights after the first half of ``steps``."""

    STATE = ("n", "mean")

    def __init__(self, network: nn.Module, steps: int) -> None:
        self.network, self.first, self.n = network, steps // 2, 0
        self.mean = {k: torch.zeros_like(v) for k, v in network.state_dict().items()}

    def add(self, step: int) -> None:
        """Take the weights after a step."""
        if step <= self.first:
            return
        self.n += 1
        for name, value in self.network.state_dict().items():
            self.mean[name] += (value.detach() - self.mean[name]) / self.n

    def put_back(self) -> None:
        """Make the mean the network's weights, if there is one."""
        if self.n:
            self.network.load_state_dict(self.mean)
