"""How many noisy steps there are: fixed before the first, by made-up rows and never by the data."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from synthgen.errors import BudgetError
from synthgen.training.run import Run

_TIMED = 3
# per-sample gradients take about as long again as a pass forth and back
_PER_SAMPLE = 2.5
# of the time that is left, what training may plan with
_TIME_SHARE = 0.8


def steps_in_time(loss: Callable[[], Tensor], network: nn.Module, run: Run) -> int:
    """Steps that the time limit allows.

    Args:
        loss: That of a batch of made-up rows.
        network: Its gradients are cleared again.
        run: Knows the limit.

    Raises:
        BudgetError: If there is no room for one.
    """
    if run.deadline is None:
        return 10**9
    run.progress.stage("timing steps on made-up rows")
    start = time.monotonic()
    for _ in range(_TIMED):
        torch.autograd.backward(loss())
        network.zero_grad(set_to_none=True)
    step_s = _PER_SAMPLE * (time.monotonic() - start) / _TIMED
    left = _TIME_SHARE * (run.deadline - time.monotonic())
    if left < step_s:
        raise BudgetError(
            "the time limit leaves no room for a step of private training; allow more time"
        )
    return int(left / step_s)
