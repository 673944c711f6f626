"""Muon: momentum whose matrices are made orthogonal (Jordan et al., *Muon*, 2024).

A gradient's few large singular directions drown the others; a step along the nearest orthogonal
matrix moves all of them alike. Steps have the root mean square that AdamW's have, so one learning
rate serves both (Liu et al., *Muon is scalable for LLM training*, 2025, equation 4). What is no
matrix between layers - embeddings, the head, biases, norms - takes AdamW's steps (Loshchilov and
Hutter, 2019).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

_MOMENTUM, _BETAS, _EPSILON = 0.95, (0.9, 0.98), 1e-8
# the quintic whose repetition brings singular values near 1 fastest (Jordan et al., 2024)
_QUINTIC, _REPEATED = (3.4445, -4.7750, 2.0315), 5
# root mean square of AdamW's steps, by experience
_STEP = 0.2


class Muon(torch.optim.Optimizer):
    """Muon for ``matrices`` of shape (out, in), AdamW for ``others``.

    Args:
        matrices: Of layers between layers.
        others: All other parameters; those with more than one axis decay too.
        lr: Learning rate.
        weight_decay: Share of the learning rate by which matrices shrink at each step.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        others: Iterable[Tensor],
        lr: float,
        weight_decay: float = 0.0,
    ) -> None:
        others = list(others)
        groups = [
            {"params": list(matrices), "orthogonal": True},
            {"params": [p for p in others if p.dim() > 1], "orthogonal": False},
            {"params": [p for p in others if p.dim() <= 1], "orthogonal": False},
        ]
        groups[2]["weight_decay"] = 0.0
        kept = [group for group in groups if group["params"]]
        super().__init__(kept, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step along the gradients."""
        for group in self.param_groups:
            found = [p for p in group["params"] if p.grad is not None]
            for p in found:
                p.mul_(1 - group["lr"] * group["weight_decay"])
            if group["orthogonal"]:
                self._orthogonal_steps(found, group["lr"])
            else:
                for p in found:
                    self._adam_step(p, group["lr"])

    def _orthogonal_steps(self, matrices: list[Tensor], lr: float) -> None:
        """All matrices of one shape at once."""
        by_shape: dict[torch.Size, list[Tensor]] = {}
        for p in matrices:
            by_shape.setdefault(p.shape, []).append(p)
        for shape, alike in by_shape.items():
            moves = orthogonal(torch.stack([self._momentum(p) for p in alike]))
            for p, move in zip(alike, moves, strict=True):
                p.add_(move, alpha=-lr * _STEP * max(shape) ** 0.5)

    def _momentum(self, p: Tensor) -> Tensor:
        """Nesterov's: the mean of gradients as the next one will find it."""
        assert p.grad is not None
        state = self.state[p]
        if not state:
            state["mean"] = torch.zeros_like(p)
        state["mean"].lerp_(p.grad, 1 - _MOMENTUM)
        return p.grad.lerp(state["mean"], _MOMENTUM)

    def _adam_step(self, p: Tensor, lr: float) -> None:
        assert p.grad is not None
        state = self.state[p]
        if not state:
            state["step"] = torch.zeros(())
            state["mean"], state["square"] = torch.zeros_like(p), torch.zeros_like(p)
        state["step"] += 1
        n = float(state["step"])
        state["mean"].lerp_(p.grad, 1 - _BETAS[0])
        state["square"].mul_(_BETAS[1]).addcmul_(p.grad, p.grad, value=1 - _BETAS[1])
        scale = (state["square"] / (1 - _BETAS[1] ** n)).sqrt_().add_(_EPSILON)
        p.addcdiv_(state["mean"], scale, value=-lr / (1 - _BETAS[0] ** n))


def orthogonal(matrices: Tensor) -> Tensor:
    """Roughly the nearest (semi-)orthogonal matrices to ``matrices`` (n, rows, columns).

    Newton-Schulz iteration; singular values end up between about .7 and 1.2.
    """
    a, b, c = _QUINTIC
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_REPEATED):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    found: Tensor = x.mT if tall else x
    return found
