"""A private training as all models do it: planned, charged as a whole, and averaged.

How many noisy steps there are is fixed before the first, by made-up rows and never by the data. Of
noisy steps the mean of the weights is better than the last (Polyak and Juditsky, *Acceleration of
Stochastic Approximation by Averaging*, 1992).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from synthgen.errors import BudgetError
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import PrivateTable
from synthgen.training.dpsgd import private_descent
from synthgen.training.loop import TrainingRecord
from synthgen.training.run import Run

_TIMED = 3
# per-sample gradients take about as long again as a pass forth and back
_PER_SAMPLE = 2.5
# of the time that is left, what training may plan with
_TIME_SHARE = 0.8


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
    stepped: Callable[[int], None] | None = None,
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
        stepped: Called after each step; the last weights are then kept in place of their mean.

    Raises:
        InvalidInputError: If the budget is too small.
        BudgetError: If the time limit leaves no room for a step.
    """
    steps = min(run.max_steps or config.steps, _steps_in_time(cost, network, run))
    config = config.model_copy(update={"steps": steps})
    spent = rows.ledger.left(lambda noise: Gaussian(noise, config.sampling_rate, steps))
    average = Average(network, steps)
    run.progress.stage("training")

    def after(step: int) -> None:
        if stepped is None:
            average.add(step)
        else:
            stepped(step)
        run.progress.stepped(step, steps)

    private_descent(
        network,
        losses,
        rows,
        spent,
        what=what,
        clip=config.clip,
        optimizer=torch.optim.Adam(
            network.parameters(), lr=config.learning_rate, betas=betas, eps=1e-10
        ),
        expected_rows=max(config.sampling_rate * n, 1.0),
        stepped=after,
    )
    average.put_back()
    return config, TrainingRecord(steps, steps, "steps", [{"step": float(steps)}])


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
