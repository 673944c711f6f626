"""Layers of causal attention, and what they remember of molecules drawn step by step."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override


@dataclass(frozen=True)
class Sizes:
    """Widths of the network: of a step, its layers, its heads of attention."""

    width: int
    layers: int
    heads: int
    dropout: float = 0.0


class Block(nn.Module):
    """Attention to the steps before, then a multilayer perceptron."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        h = sizes.width
        self.heads, self.dropout = sizes.heads, sizes.dropout
        self.norm_1, self.norm_2 = nn.LayerNorm(h), nn.LayerNorm(h)
        self.qkv = nn.Linear(h, 3 * h, bias=False)
        self.out = nn.Linear(h, h, bias=False)
        self.up, self.down = nn.Linear(h, 4 * h), nn.Linear(4 * h, h)

    @override
    def forward(self, x: Tensor, cache: LayerCache | None = None) -> Tensor:
        n, length, h = x.shape
        q, k, v = (
            part.reshape(n, length, self.heads, -1).transpose(1, 2)
            for part in self.qkv(self.norm_1(x)).chunk(3, dim=-1)
        )
        # for one query the fused kernel is the fastest; see `attention` for many
        seen = (
            attention(q, k, v)
            if cache is None
            else F.scaled_dot_product_attention(q, *cache.with_(k, v))
        )
        x = x + self._thinned(self.out(seen.transpose(1, 2).reshape(n, length, h)))
        return x + self._thinned(self.down(F.silu(self.up(self.norm_2(x)))))

    def _thinned(self, x: Tensor) -> Tensor:
        """Dropout of whole units of a molecule: a mask as large as the batch costs too much."""
        if not (self.training and self.dropout):
            return x
        kept = torch.rand(len(x), 1, x.shape[2], device=x.device) >= self.dropout
        return x * (kept / (1 - self.dropout)).to(x.dtype)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Scaled dot-product attention (n, heads, length, width per head) to the steps before.

    Written out: for so short sequences the fused kernel's way back takes ten times as long on CPUs.
    """
    score = (q @ k.transpose(2, 3)).float() / math.sqrt(q.shape[3])
    later = torch.ones(score.shape[2:], dtype=torch.bool, device=q.device).triu(1)
    score = score.masked_fill(later, -torch.inf)
    return score.softmax(-1).to(v.dtype) @ v


class LayerCache:
    """Keys and values (step, place, key or value, head, width of a head) of the steps so far.

    Steps come first: a new one is written beside those before it, which stay where they are.
    """

    def __init__(self, places: int, length: int) -> None:
        self.places, self.length = places, length
        self.done = 0
        self.held: Tensor | None = None

    def with_(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """All keys and values, those of a new step (n, heads, 1, width) included."""
        n, heads, _, width = k.shape
        if self.held is None:
            self.held = k.new_empty(self.length, self.places, 2, heads, width)
        self.held[self.done, :n, 0], self.held[self.done, :n, 1] = k[:, :, 0], v[:, :, 0]
        self.done += 1
        k, v = self.held[: self.done, :n].permute(2, 1, 3, 0, 4)
        return k, v

    def copy(self, source: Tensor, target: Tensor) -> None:
        """What is in places ``source`` in places ``target`` too."""
        if self.held is not None:
            self.held[: self.done].index_copy_(
                1, target, self.held[: self.done].index_select(1, source)
            )


class Cache:
    """What a network remembers of molecules, each in its place, while it draws step by step."""

    def __init__(self, layers: int, places: int, length: int) -> None:
        self.layers = [LayerCache(places, length) for _ in range(layers)]

    def layer(self, k: int) -> LayerCache:
        """Of one layer."""
        return self.layers[k]

    def copy(self, source: Tensor, target: Tensor) -> None:
        """What is in places ``source`` in places ``target`` too."""
        for layer in self.layers:
            layer.copy(source, target)
