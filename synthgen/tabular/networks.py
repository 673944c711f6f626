"""Generator and critic of the one-shot conditional GAN."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm
from typing_extensions import override

from synthgen.tabular.layout import Layout, Part

_TILE = 32


Draw = Callable[[Part, Tensor, Tensor], Tensor]


class Generator(nn.Module):
    """(noise, condition) -> a row, one part of its columns after the other.

    A residual multilayer perceptron with an exit for each part. The columns of a part are drawn
    independently of each other, given the noise and what the earlier parts came out as. It
    normalizes by row (LayerNorm), not by batch: a row never depends on the other rows of its
    batch, in training or in sampling.

    Shape:
        noise: (n, noise_dim); condition: (n, n_slots) one-hot blocks, all 0 where free, or
            ``None`` where all rows are free.
        draw: (part, logits (n, n_part_slots), values before tanh (n, n_part_values)) -> what the
            later parts see of it (n, n_part_slots + n_part_values).
    """

    def __init__(self, layout: Layout, noise_dim: int, width: int, depth: int) -> None:
        super().__init__()
        self.noise_dim, self.parts = noise_dim, layout.parts
        self.noise = nn.Linear(noise_dim, width)
        self.condition = _from_codes(layout.n_slots, 1, width)
        sizes = [part.n_slots + part.n_values for part in self.parts]
        self.stages = nn.ModuleList(
            _Stage(width, depth, before, size)
            for before, size in zip([None, *self.parts], sizes, strict=False)
        )

    @override
    def forward(self, noise: Tensor, condition: Tensor | None, draw: Draw) -> None:
        h = self.noise(noise)
        if condition is not None:
            h = h + self.condition(condition)
        active, seen = F.relu(h), None
        for part, stage in zip(self.parts, self.stages, strict=True):
            h, active, out = stage(h, active, seen)
            n = part.n_slots
            seen = draw(part, out[:, :n], out[:, n : n + part.n_values])


class _Stage(nn.Module):
    """Residual blocks and an exit: (h, its active units, the part before) -> (h, active, out)."""

    def __init__(self, width: int, depth: int, before: Part | None, n_out: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width, None if i else before) for i in range(depth))
        # matrix products of whole tiles take half the time
        self.exit = nn.Linear(width, -(-n_out // _TILE) * _TILE)

    @override
    def forward(
        self, h: Tensor, active: Tensor, seen: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        for block in self.blocks:
            h = h + block(active, seen)
            active = F.relu_(_normalize(h))
        return h, active, self.exit(active)


def _from_codes(n_features: int, n_held: int, width: int) -> nn.Linear:
    """A layer on one-hot blocks, ``n_held`` of whose entries are 1: its outputs start as large as
    those of a layer on noise, whereas PyTorch's start would count all the zeros as well.
    """
    layer = nn.Linear(n_features, width, bias=False)
    nn.init.normal_(layer.weight, std=(3 * n_held) ** -0.5)
    return layer


def _normalize(h: Tensor) -> Tensor:
    """LayerNorm without gain and shift, which the linear layer that follows would absorb."""
    return F.layer_norm(h, h.shape[1:])


class _Block(nn.Module):
    """A residual step from the active units, and from what the part before came out as."""

    def __init__(self, width: int, before: Part | None) -> None:
        super().__init__()
        self.inner = nn.Linear(width, width)
        self.seen = (
            _from_codes(before.n_slots + before.n_values, len(before.columns), width)
            if before
            else None
        )
        self.outer = nn.Linear(width, width)

    @override
    def forward(self, active: Tensor, seen: Tensor | None) -> Tensor:
        x = self.inner(active)
        if self.seen is not None and seen is not None:
            x = x + self.seen(seen)
        step: Tensor = self.outer(F.relu_(x))
        return step


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
    logits: Tensor, part: Part, temperature: float, generator: torch.Generator
) -> Tensor:
    """Gumbel-softmax over every block of a part: (n, n_part_slots), padded logits and result.

    y_k = softmax((logit_k + g_k) / temperature) with g Gumbel noise: Jang et al. (2017), eq. 2.
    """
    u = torch.rand(logits.shape, generator=generator, device=logits.device)
    noise = u.clamp_(min=1e-20).log_().neg_().log_()
    perturbed = (logits - noise) / temperature
    blocks = [block.softmax(dim=2).flatten(1) for block in blocks_of(perturbed, part)]
    return torch.cat(blocks, dim=1)


def harden(soft: Tensor, part: Part) -> Tensor:
    """One-hot of the largest entry of each block of a part, with the gradient of ``soft``."""
    blocks = []
    for block in blocks_of(soft, part):
        hard = torch.zeros_like(block).scatter_(2, block.argmax(dim=2, keepdim=True), 1.0)
        blocks.append(hard.flatten(1))
    return torch.cat(blocks, dim=1) - soft.detach() + soft


def blocks_of(slots: Tensor, part: Part) -> Iterator[Tensor]:
    """The blocks (n, n_group_columns, width) of each group in a part's slots (n, n_part_slots)."""
    for group in part.groups:
        first = group.start - part.slots.start
        block = slots[:, first : first + group.width * len(group.columns)]
        yield block.reshape(len(slots), -1, group.width)
