"""Generator and critic of the one-shot conditional GAN."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm
from typing_extensions import override

from synthgen.tabular.layout import Group, Layout

_TILE = 32


class Generator(nn.Module):
    """(noise, condition) -> logits of every code and, before tanh, the value inside every mode.

    A residual multilayer perceptron. It normalizes by row (LayerNorm), not by batch: a row never
    depends on the other rows of its batch, in training or in sampling.

    Shape:
        noise: (n, noise_dim); condition: (n, n_slots) one-hot blocks, all 0 where free, or
            ``None`` where all rows are free.
        logits: (n, n_slots); values: (n, n_values).
    """

    def __init__(self, layout: Layout, noise_dim: int, width: int, depth: int) -> None:
        super().__init__()
        self.noise = nn.Linear(noise_dim, width)
        self.condition = nn.Linear(layout.n_slots, width, bias=False)
        self.blocks = nn.ModuleList(_Residual(width) for _ in range(depth))
        self.n_slots, self.noise_dim = layout.n_slots, noise_dim
        self.n_outputs = layout.n_slots + len(layout.value_slots)
        # matrix products of whole tiles take half the time
        self.last = nn.Linear(width, -(-self.n_outputs // _TILE) * _TILE)

    @override
    def forward(self, noise: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor]:
        h = self.noise(noise)
        if condition is not None:
            h = h + self.condition(condition)
        for block in self.blocks:
            h = block(h)
        out = self.last(F.relu_(_normalize(h)))
        return out[:, : self.n_slots], out[:, self.n_slots : self.n_outputs]


def _normalize(h: Tensor) -> Tensor:
    """LayerNorm without gain and shift, which the linear layer that follows would absorb."""
    return F.layer_norm(h, h.shape[1:])


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)

    @override
    def forward(self, h: Tensor) -> Tensor:
        step: Tensor = self.outer(F.relu_(self.inner(F.relu_(_normalize(h)))))
        return h + step


class Critic(nn.Module):
    """Scores ``pac`` rows at once: (n, n_features) -> (n / pac,).

    Rows are projected one by one with shared weights before they are packed, so the size of the
    first layer does not grow with ``pac``. Packing: Lin et al., *PacGAN* (2018).
    """

    def __init__(
        self, n_features: int, width: int, depth: int, pac: int, spectral: bool = False
    ) -> None:
        super().__init__()
        self.pac = pac
        wrap = spectral_norm if spectral else (lambda layer: layer)
        self.row = wrap(nn.Linear(n_features, width))
        widths = [pac * width, *[width] * depth]
        self.hidden = nn.ModuleList(wrap(nn.Linear(a, b)) for a, b in pairwise(widths))
        self.score = wrap(nn.Linear(width, 1))

    @override
    def forward(self, rows: Tensor) -> Tensor:
        h = F.leaky_relu(self.row(rows), 0.2)
        h = h.reshape(len(rows) // self.pac, -1)
        for layer in self.hidden:
            h = F.leaky_relu(layer(h), 0.2)
        score: Tensor = self.score(h)
        return score.squeeze(1)


def soft_codes(
    logits: Tensor, layout: Layout, temperature: float, generator: torch.Generator
) -> Tensor:
    """Gumbel-softmax over every column's block: (n, n_slots) logits -> (n, n_slots).

    y_k = softmax((logit_k + g_k) / temperature) with g Gumbel noise: Jang et al. (2017), eq. 2.
    """
    u = torch.rand(logits.shape, generator=generator, device=logits.device)
    noise = u.clamp_(min=1e-20).log_().neg_().log_()
    perturbed = (logits - noise) / temperature
    perturbed = perturbed + torch.as_tensor(layout.padding, device=logits.device)
    blocks = []
    for group in layout.groups:
        block = _blocks(perturbed, group)
        blocks.append(block.softmax(dim=2).flatten(1))
    return torch.cat(blocks, dim=1)


def _blocks(slots: Tensor, group: Group) -> Tensor:
    """The blocks of a group's columns: (n, n_slots) -> (n, n_group_columns, width)."""
    return slots[:, group.start : group.stop].reshape(len(slots), -1, group.width)


def harden(soft: Tensor, layout: Layout) -> Tensor:
    """One-hot of the largest entry of each block, with the gradient of ``soft``."""
    blocks = []
    for group in layout.groups:
        block = _blocks(soft, group)
        hard = torch.zeros_like(block).scatter_(2, block.argmax(dim=2, keepdim=True), 1.0)
        blocks.append(hard.flatten(1))
    return torch.cat(blocks, dim=1) - soft.detach() + soft
