"""What properties a molecule under construction will have, given the next action.

Conditions need no other network: by Bayes' theorem p(action | state, property) is proportional to
p(action | state) p(property | state, action), and a fit learns the second factor beside the first,
of every molecule (Yang and Klein, *FUDGE: controlled text generation with future discriminators*,
2021). It reads the network of actions and leaves it as it is: what molecules are likely does not
suffer from what is asked of some. Each property is a mixture of normal densities of its normal
score, so that labels and whole numbers, whose scores are few, are told as well as what is
continuous.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.molecular.attention import Block, LayerCache, Sizes
from synthgen.molecular.steps import Steps

# densities of a mixture, and numbers that an action is told by
_DENSITIES, _RANK = 3, 12
# standard deviations are at least the first, log ones between the others; where the first densities
# stand; the share of a score that is as likely as in the data whatever the molecule
_LEAST_DEVIATION, _LOG_DEVIATION, _APART, _ANYTHING = 0.05, (-5.0, 1.0), 0.5, 0.01
# below this a probability is taken from the tail that is nearer
_TAIL = 5.0


@dataclass(frozen=True)
class Mixture:
    """Mixtures (...) of normal densities, of normal scores.

    Shape:
        log_weight, mean, deviation: (..., 3).
    """

    log_weight: Tensor
    mean: Tensor
    deviation: Tensor

    def log_density(self, score: Tensor) -> Tensor:
        """Of scores (...)."""
        z = (score[..., None] - self.mean) / self.deviation
        found = (self.log_weight + _log_normal(z) - self.deviation.log()).logsumexp(-1)
        return _or_anything(found, _log_normal(score))

    def log_mass(self, low: Tensor, high: Tensor) -> Tensor:
        """Log probability of scores between ``low`` and ``high`` (...), which may be infinite."""
        ends = ((end[..., None] - self.mean) / self.deviation for end in (low, high))
        found = (self.log_weight + _log_between(*ends)).logsumexp(-1)
        return _or_anything(found, _log_between(low, high))


def _or_anything(log: Tensor, of_all: Tensor) -> Tensor:
    return torch.logaddexp(log + math.log(1 - _ANYTHING), of_all + math.log(_ANYTHING))


def _log_normal(z: Tensor) -> Tensor:
    return -0.5 * (z.square() + math.log(2 * math.pi))


def _log_between(low: Tensor, high: Tensor) -> Tensor:
    """Log probability of a standard normal number between two."""
    # of what lies above the middle the mirror image, whose difference is exact
    flipped = low > 0
    low, high = torch.where(flipped, -high, low), torch.where(flipped, -low, high)
    inside = torch.special.ndtr(high) - torch.special.ndtr(low)
    found = inside.clamp_min(1e-30).log()
    return torch.where(high < -_TAIL, torch.special.log_ndtr(high), found)


class Prospects(nn.Module):
    """p(properties | state, action), the state as a network of actions sees it.

    Shape:
        hidden: (n, length, layers * width) of the network.
        steps: What it saw.
    """

    def __init__(self, n_properties: int, n_atoms: int, n_actions: int, sizes: Sizes) -> None:
        super().__init__()
        self.n_properties = n_properties
        self.tally = Tally(n_properties, n_atoms, n_actions)
        width = sizes.width
        self.norm = nn.LayerNorm(sizes.layers * width)
        self.inside = nn.Linear(sizes.layers * width + n_properties, width)
        self.block = Block(sizes)
        self.block_norm = nn.LayerNorm(width)
        self.middle = nn.Linear(width + n_properties, width)
        self.last = nn.Linear(width, width)
        # weight, mean and deviation of each density: those of all actions, and what one changes
        told = n_properties * 3 * _DENSITIES
        self.out = nn.Parameter(torch.randn(width, told * (1 + _RANK)) * 0.02)
        self.action = nn.Parameter(torch.randn(n_actions, _RANK) / math.sqrt(_RANK))
        self.bias = nn.Parameter(torch.zeros(n_properties, 3, _DENSITIES))
        with torch.no_grad():
            self.bias[:, 1] = torch.linspace(-_APART, _APART, _DENSITIES)

    def taken(self, hidden: Tensor, steps: Steps, action: Tensor) -> Mixture:
        """Mixtures (n, length, n_properties), given the actions (n, length) that were taken."""
        reached = self.tally(steps)
        after = reached + self.tally.brings[steps.atom[:, :, 0], action]
        plain, by_action = self._told(hidden, reached)
        told = plain + (by_action @ self.action[action][..., None, :, None]).squeeze(-1)
        return self._mixture(told, after)

    def every(self, hidden: Tensor, steps: Steps, places: Tensor, cache: LayerCache) -> Mixture:
        """Mixtures (n, n_actions, k) of properties at ``places`` (k,), after any one next step."""
        reached = self.tally(steps)
        after = reached[:, 0, None] + self.tally.brings[steps.atom[:, 0, 0]]
        told = self._told(hidden, reached, cache, places)
        plain, by_action = (part[:, 0] for part in told)
        each = plain[:, None] + torch.einsum("nktr,ar->nakt", by_action, self.action)
        return self._mixture(each, after[:, :, places], places)

    def _told(
        self,
        hidden: Tensor,
        reached: Tensor,
        cache: LayerCache | None = None,
        places: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Of all actions (n, length, k, 9), and by action (..., 9, 12), of some properties."""
        reached = reached.to(hidden.dtype)
        x = self.block(self.inside(torch.cat([self.norm(hidden), reached], -1)), cache)
        x = F.silu(self.middle(torch.cat([self.block_norm(x), reached], -1)))
        x = x + F.silu(self.last(x))
        out = self.out.view(len(self.out), self.n_properties, -1)
        out = (out if places is None else out[:, places]).flatten(1)
        found = (x @ out.to(x.dtype)).float()
        by = found.view(*found.shape[:2], -1, 3 * _DENSITIES, 1 + _RANK)
        return by[..., 0], by[..., 1:]

    def _mixture(self, told: Tensor, after: Tensor, places: Tensor | None = None) -> Mixture:
        bias = self.bias if places is None else self.bias[places]
        weight, mean, deviation = (told.view(*told.shape[:-1], 3, _DENSITIES) + bias).unbind(-2)
        deviation = deviation.clamp(*_LOG_DEVIATION).exp() + _LEAST_DEVIATION
        return Mixture(weight.log_softmax(-1), after[..., None] + mean, deviation)


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
