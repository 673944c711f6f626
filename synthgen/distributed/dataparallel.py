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
    def average(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        grads = [p.grad for p in parameters if p.grad is not None]
        # in one message: each has its price
        flat = torch.cat([grad.flatten() for grad in grads])
        distributed.all_reduce(flat)
        flat /= self.size
        for grad, part in zip(
            grads, torch.split(flat, [grad.numel() for grad in grads]), strict=True
        ):
            grad.copy_(part.view_as(grad))

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
