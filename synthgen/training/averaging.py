"""The mean of the weights of the second half of a run: of noisy steps it is better than the last.

After Polyak and Juditsky, *Acceleration of Stochastic Approximation by Averaging* (1992).
"""

from __future__ import annotations

import torch
from torch import nn


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
        """Make the mean the network's weights."""
        if self.n:
            self.network.load_state_dict(self.mean)
