"""The action network: what comes next, given a molecule under construction and what is wanted.

A causal transformer (Vaswani et al., 2017; normalization first: Xiong et al., 2020) over the steps
of a construction. Step t sees the action before it, and the state of the path (see `Construction`):
the kinds of the nearest atoms of the path and the bonds that are left of them. So it need not
count valences, nor look for the atom that it has gone back to. What is wanted, and how much of it
the atoms so far have brought, is added to every step (see `Wishes`).
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

# atoms of the path that a step sees, and numbers of bonds that are told apart
NEAR, MOST_FREE = 10, 8
# a score is told in waves (Tancik et al., 2020) whose lengths halve, the longest over all scores;
# what is built so far can be much further from the middle than whole molecules are
_WAVES, _LONGEST, _LONGEST_PART = 5, 8.0, 32.0
# what a layer's output varies by, where its input varies by 1, before silu halves it
_GAIN = 1.5


@dataclass(frozen=True)
class Sizes:
    """Widths of the network: of a step, its layers, its heads of attention."""

    width: int
    layers: int
    heads: int
    dropout: float = 0.0


@dataclass(frozen=True)
class Steps:
    """What the network sees of steps.

    Shape:
        before: (n, length) int64 the action before each, 0 at the start.
        atom: (n, length, NEAR) int64 kinds of the path's atoms, the current one first.
        free: (n, length, NEAR) int64 bonds left of them, from 1; 0 beyond the path.
        first: Number of the first step.
        reached: (n, n_properties) score of what was built before the first step; ``None`` at the
            start. See `Tally`.
    """

    before: Tensor
    atom: Tensor
    free: Tensor
    first: int = 0
    reached: Tensor | None = None


class ActionNetwork(nn.Module):
    """See the module.

    Shape:
        wanted: (n, n_properties) normal scores; known: (n, n_properties) 1 where one is wanted.
        logits: (n, length, n_actions), of all actions: what is not allowed is masked outside.
    """

    def __init__(
        self, n_actions: int, n_atoms: int, n_properties: int, length: int, sizes: Sizes
    ) -> None:
        super().__init__()
        self.sizes = sizes
        h = sizes.width
        self.n_atoms = n_atoms
        self.action = nn.Parameter(torch.randn(n_actions, h) * 0.5)
        kinds = NEAR * (n_atoms + 1 + MOST_FREE + 2)
        self.path = nn.Parameter(torch.randn(kinds, h) / math.sqrt(2 * NEAR))
        self.position = nn.Parameter(torch.randn(length, h) * 0.1)
        self.wishes = Wishes(n_properties, n_atoms, n_actions, h) if n_properties else None
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(h)
        self.head = nn.Parameter(torch.zeros(h, n_actions))
        self.bias = nn.Parameter(torch.zeros(n_actions))

    @override
    def forward(
        self, steps: Steps, wanted: Tensor, known: Tensor, cache: Cache | None = None
    ) -> Tensor:
        length = steps.before.shape[1]
        x = F.embedding(steps.before, self.action)
        x = x + F.embedding_bag(self._path_index(steps).flatten(0, 1), self.path, mode="sum").view(
            x.shape
        )
        x = x + self.position[steps.first : steps.first + length]
        if self.wishes is not None:
            x = x + self.wishes(wanted, known, steps)
        for k, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layer(k))
        out: Tensor = (self.norm(x) @ self.head).float() + self.bias
        return out

    @property
    def n_properties(self) -> int:
        """Properties that there are wishes for."""
        return 0 if self.wishes is None else self.wishes.n_properties

    def for_products(self, dtype: torch.dtype) -> ActionNetwork:
        """A copy with the weights of matrix products in ``dtype``.

        Autocast gives the same results, but converts frozen weights anew at every step.
        """
        found = copy.deepcopy(self)
        for module in found.modules():
            if isinstance(module, nn.Linear):
                module.to(dtype)
        found.head = nn.Parameter(found.head.to(dtype), requires_grad=False)
        return found

    def _path_index(self, steps: Steps) -> Tensor:
        """(n, length, 2 NEAR) rows of ``path``: one for each near atom, one for its bonds."""
        place = torch.arange(NEAR, device=steps.atom.device)
        free = NEAR * (self.n_atoms + 1) + place * (MOST_FREE + 2)
        atom = place * (self.n_atoms + 1) + steps.atom
        return torch.cat([atom, free + steps.free.clamp(max=MOST_FREE + 1)], dim=2)


class Wishes(nn.Module):
    """What is wanted of a molecule, and what is left of that at each step: (n, length, width).

    A wish alone asks the layers to count what was built before they can follow it, which takes
    them many passes to learn; what is left of it says nearly at once what has to come.
    """

    def __init__(self, n_properties: int, n_atoms: int, n_actions: int, width: int) -> None:
        super().__init__()
        self.n_properties = n_properties
        self.tally = Tally(n_properties, n_atoms, n_actions)
        self.whole = Waves(n_properties, width, _LONGEST)
        self.left = Waves(n_properties, width, _LONGEST_PART)

    @override
    def forward(self, wanted: Tensor, known: Tensor, steps: Steps) -> Tensor:
        left = wanted[:, None] - self.tally(steps)
        out: Tensor = self.whole(wanted, known)[:, None] + self.left(
            left, known[:, None].expand_as(left)
        )
        return out


class Tally(nn.Module):
    """Normal scores (n, length, n_properties) that what was built before each step comes to.

    An estimate: the sum of what each action brings where it is taken; see `contributions`.

    Shape:
        begin: (n_properties,) of nothing.
        brings: (n_atoms + 1, n_actions, n_properties) by the kind of the current atom and action.
    """

    begin: Tensor
    brings: Tensor

    def __init__(self, n_properties: int, n_atoms: int, n_actions: int) -> None:
        super().__init__()
        self.register_buffer("begin", torch.zeros(n_properties))
        self.register_buffer("brings", torch.zeros(n_atoms + 1, n_actions, n_properties))

    @override
    def forward(self, steps: Steps) -> Tensor:
        n, length = steps.before.shape
        start = self.begin.expand(n, -1) if steps.reached is None else steps.reached
        if length == 1:
            return start[:, None]
        gained = self.brings[steps.atom[:, :-1, 0], steps.before[:, 1:]].cumsum(1)
        return torch.cat([start[:, None], start[:, None] + gained], 1)

    def keep(self, begin: np.ndarray, brings: np.ndarray) -> None:
        """Take over what was learned."""
        self.begin.copy_(torch.as_tensor(begin))
        self.brings.copy_(torch.as_tensor(brings))

    def after(self, reached: Tensor, atom: Tensor, action: Tensor) -> Tensor:
        """Of ``reached`` (n, n_properties), after an action (n,) at a kind of atom (n,)."""
        return reached + self.brings[atom, action]


class Waves(nn.Module):
    """Numbers (..., k), and 1 where one is told, as vectors (..., width).

    Close numbers differ in the short waves, far ones in the long: a perceptron of the numbers alone
    tells neighbours apart only after a long training.
    """

    def __init__(self, k: int, width: int, longest: float) -> None:
        super().__init__()
        self.longest = longest
        self.inside = nn.Linear((2 + 2 * _WAVES) * k, width)
        self.middle = nn.Linear(width, width)
        self.out = nn.Linear(width, width)
        # heard from the first step on, like the other embeddings: from zeros, or PyTorch's small
        # weights, a wish takes thousands of steps to be heard
        told = 1 + _WAVES  # mean square of what a number tells
        for layer, fan_in in ((self.inside, told), (self.middle, width), (self.out, width)):
            nn.init.normal_(layer.weight, std=_GAIN / math.sqrt(fan_in))

    @override
    def forward(self, numbers: Tensor, is_told: Tensor) -> Tensor:
        frequency = 2 * math.pi / self.longest * 2.0 ** torch.arange(_WAVES, device=numbers.device)
        angle = numbers[..., None] * frequency
        plain = numbers[..., None] * (_LONGEST / self.longest)
        told = torch.cat([plain, angle.sin(), angle.cos()], -1) * is_told[..., None]
        x = torch.cat([told.flatten(-2), is_told], -1)
        out: Tensor = self.out(F.silu(self.middle(F.silu(self.inside(x)))))
        return out


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
