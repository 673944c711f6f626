"""How many processes train one model: the identity for one, averages over all for several.

All processes hold the same rows, the same weights and the same random streams, and take the same
decisions. What they share is the work: each computes the gradients of its part of every batch.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch


class Alone:
    """One process; what several do differently is overridden by `synthgen.distributed`.

    Attributes:
        rank, size: Which of how many processes this is.
    """

    rank: int = 0
    size: int = 1

    @property
    def part(self) -> slice:
        """The rows of a batch that are this process's part."""
        return slice(self.rank, None, self.size)

    def average(self, parameters: Iterable[torch.nn.Parameter], loss: torch.Tensor) -> torch.Tensor:
        """Make the gradients those of the whole batch; returns its mean loss, of that of a part."""
        return loss

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum over all processes."""
        return values

    def agreed(self, value: float) -> float:
        """What the first process says: clocks differ, decisions must not."""
        return value
