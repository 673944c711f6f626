"""The action network: what comes next, given a molecule under construction.

A causal transformer (Vaswani et al., 2017; normalization first: Xiong et al., 2020) over the steps
of a construction. Step t sees the action before it, and the state of the path (see `Construction`):
the kinds of the nearest atoms of the path and the bonds that are left of them. So it need not
count valences, nor look for the atom that it has gone back to. From what it makes of a step,
`Prospects` tell what properties the molecule will have, and `Steering` what a critic will say.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.molecular.attention import Block, Cache, Sizes
from synthgen.molecular.prospects import Prospects
from synthgen.molecular.steps import MOST_FREE, NEAR, Steps


class ActionNetwork(nn.Module):
    """See the module.

    Shape:
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
        self.prospects = (
            Prospects(n_properties, n_atoms, n_actions, sizes) if n_properties else None
        )
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.norm = nn.LayerNorm(h)
        self.head = nn.Parameter(torch.zeros(h, n_actions))
        self.bias = nn.Parameter(torch.zeros(n_actions))
        self.steering: Steering | None = None

    @override
    def forward(self, steps: Steps, cache: Cache | None = None) -> Tensor:
        return self.logits(self.hidden(steps, cache))

    def hidden(self, steps: Steps, cache: Cache | None = None) -> Tensor:
        """What each layer makes of steps, beside each other (n, length, layers * width)."""
        length = steps.before.shape[1]
        x = F.embedding(steps.before, self.action)
        x = x + F.embedding_bag(self._path_index(steps).flatten(0, 1), self.path, mode="sum").view(
            x.shape
        )
        x = x + self.position[steps.first : steps.first + length]
        found = []
        for k, block in enumerate(self.blocks):
            x = block(x, None if cache is None else cache.layer(k))
            found.append(x)
        return torch.cat(found, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        """Of all actions (n, length, n_actions)."""
        last = self.last(hidden)
        out: Tensor = (last @ self.head).float() + self.bias
        return out if self.steering is None else out + self.steering(last)

    def last(self, hidden: Tensor) -> Tensor:
        """What the last layer makes of steps, normalized (n, length, width)."""
        out: Tensor = self.norm(hidden[..., -self.sizes.width :])
        return out

    def steer(self) -> None:
        """Get a steering, which says nothing yet."""
        steering = Steering(self.sizes.width, len(self.bias))
        self.steering = steering.to(self.bias.device).eval().requires_grad_(False)

    @property
    def n_properties(self) -> int:
        """Properties whose prospects are learned."""
        return 0 if self.prospects is None else self.prospects.n_properties

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


class Steering(nn.Module):
    """Log odds (n, length, n_actions) of actions; see `synthgen.molecular.steering`.

    Shape:
        last: (n, length, width) what the last layer of the network makes of steps.
    """

    def __init__(self, width: int, n_actions: int) -> None:
        super().__init__()
        self.inside, self.middle = nn.Linear(width, width), nn.Linear(width, width)
        self.out = nn.Linear(width, n_actions)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @override
    def forward(self, last: Tensor) -> Tensor:
        x = F.silu(self.inside(last))
        out: Tensor = self.out(x + F.silu(self.middle(x)))
        return out.float()
