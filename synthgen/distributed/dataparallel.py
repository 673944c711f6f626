"""Data-parallel training: every process computes the gradients of its part of each batch."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import distributed
from typing_extensions import override

from synthgen.training.strategy import Alone


class DataParallel(Alone):
    """Averages over the processes of an initialized `torch.distributed` group (gloo or NCCL).

    The parts of a batch are equally large but for one row, so that the mean of their mean
    gradients is that of the batch (Li et al., *PyTorch Distributed*, 2020, section 3).
    """

    def __init__(self) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self.device = torch.device("cuda" if distributed.get_backend() == "nccl" else "cpu")

    @override
    def average(self, parameters: Iterable[torch.nn.Parameter], loss: torch.Tensor) -> torch.Tensor:
        held = {p: p.grad for p in parameters if p.grad is not None}
        # in one message: at each, the faster process waits for the slower
        flat = torch.cat([one.flatten() for one in (*held.values(), loss)])
        distributed.all_reduce(flat)
        flat /= self.size
        *parts, mean = torch.split(flat, [one.numel() for one in (*held, loss)])
        for parameter, part in zip(held, parts, strict=True):
            # a view: nothing is copied back
            parameter.grad = part.view_as(parameter)
        return mean.view_as(loss)

    @override
    def total(self, values: torch.Tensor) -> torch.Tensor:
        summed = values.to(self.device, copy=True)
        distributed.all_reduce(summed)
        return summed.to(values.device)

    @override
    def agreed(self, value: float) -> float:
        held = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(held, 0)
        return float(held)
