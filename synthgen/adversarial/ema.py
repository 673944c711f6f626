"""Exponential moving average of a generator's weights: smoother samples at no training cost.

Source: Yazici et al., *The Unusual Effectiveness of Averaging in GAN Training* (2019), section 3.1.
"""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

M = TypeVar("M", bound=nn.Module)


class EMA(Generic[M]):
    """Keeps ``average``, a copy of ``module`` whose weights follow it slowly.

    Args:
        module: The module that is trained.
        decay: Weight of the past; early on the average is a plain mean, so that it does not
            remember the initial weights.
    """

    STATE = ("average", "n_updates")

    def __init__(self, module: M, decay: float) -> None:
        self.average = copy.deepcopy(module).requires_grad_(False).eval()
        self.decay = decay
        self.n_updates = 0

    @torch.no_grad()
    def update(self, module: M) -> None:
        """Move the average towards ``module``."""
        self.n_updates += 1
        decay = min(self.decay, 1 - 10 / (self.n_updates + 10))
        for mean, value in zip(self.average.parameters(), module.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)
        for kept, buffer in zip(self.average.buffers(), module.buffers(), strict=True):
            kept.copy_(buffer)
