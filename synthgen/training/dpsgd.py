"""DP-SGD (Abadi et al., *Deep Learning with Differential Privacy*, 2016, algorithm 1) by Opacus.

Poisson batches, gradients clipped row by row, Gaussian noise, a number of steps that is fixed and
charged before the first. Nothing of a batch leaves but the noisy gradient: no loss, no norm.
Gradients are floats, so the guarantee is that of real numbers up to their rounding (Mironov, *On
Significance of the Least Significant Bits*, 2012).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from synthgen.errors import MissingExtraError, TrainingError
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import PrivateTable
from synthgen.privacy.mechanisms import torch_entropy

PHYSICAL_ROWS = 1024


def private_descent(
    network: nn.Module,
    losses: Callable[[nn.Module, Any], Tensor],
    rows: PrivateTable[Any],
    spent: Gaussian,
    *,
    what: str,
    clip: float,
    optimizer: torch.optim.Optimizer,
    expected_rows: float,
    stepped: Callable[[int], object] = lambda step: True,
    done: int = 0,
) -> None:
    """Train ``network`` for ``spent.times`` noisy steps.

    Args:
        network: Of layers that Opacus has per-sample gradients for.
        losses: Loss (n,) of each row of a batch, of that row alone.
        rows: Private rows, whose batches are charged as ``spent``.
        spent: Noise, sampling rate and steps.
        what: Name of the entry in the ledger.
        clip: Largest norm of a row's gradient.
        optimizer: Of the network's parameters.
        expected_rows: Of a batch, a public number: the noisy sum is divided by it.
        stepped: Called after each step; sees noisy weights only. ``False`` ends training.
        done: Steps of an earlier process, charged here too.

    Raises:
        MissingExtraError: Without Opacus.
        TrainingError: If a layer has no per-sample gradients.
    """
    # a unit's rows may be in one batch, each with a gradient of the largest norm
    wrapped, private = _wrapped(network, optimizer, spent.noise_multiplier * rows.most, clip)

    def mean(held: Any) -> None:
        for parameter in held.params:
            parameter.grad /= expected_rows

    private.attach_step_hook(mean)
    try:
        for step, parts in enumerate(rows.batches(spent, what, PHYSICAL_ROWS, done), done + 1):
            wrapped.train()
            for k, part in enumerate(parts):
                private.signal_skip_step(do_skip=k + 1 < len(parts))
                with warnings.catch_warnings():
                    # of inputs, which need no gradient
                    warnings.filterwarnings("ignore", "Full backward hook is firing")
                    torch.autograd.backward(losses(wrapped, part).sum())
                private.step()
                private.zero_grad()
            # what follows has no rows of its own to be clipped
            wrapped.eval()
            wrapped.disable_hooks()
            going = stepped(step)
            wrapped.enable_hooks()
            if going is False:
                break
    finally:
        wrapped.remove_hooks()


def _wrapped(
    network: nn.Module, optimizer: torch.optim.Optimizer, noise: float, clip: float
) -> tuple[Any, Any]:
    try:
        from opacus import GradSampleModule
        from opacus.optimizers import DPOptimizer
        from opacus.validators import ModuleValidator
    except ImportError:
        raise MissingExtraError(
            "differential privacy needs the extra 'privacy': pip install 'synthgen[privacy]'"
        ) from None
    if errors := ModuleValidator.validate(network.train(), strict=False):
        raise TrainingError(f"not trainable with differential privacy: {errors[0]}")
    wrapped = GradSampleModule(network, loss_reduction="sum")
    device = next(network.parameters()).device
    private = DPOptimizer(
        optimizer,
        noise_multiplier=noise,
        max_grad_norm=clip,
        expected_batch_size=None,
        loss_reduction="sum",
        generator=torch_entropy(device),
    )
    return wrapped, private
