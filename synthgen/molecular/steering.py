"""What a critic of whole molecules says of each action on the way to them.

A critic at its optimum tells w = p_real / p_drawn of a molecule (Goodfellow et al., 2014,
proposition 1). Of a molecule that is half built the mean over all ways on, E[w | state, action], is
by how much an action is taken too seldom: drawn by p(action | state) E[w | state, action], whole
molecules come with probability p_drawn w. So the critic guides every choice (discriminator
guidance, Kim et al., 2023; of sequences: Yang and Klein's future discriminators, 2021).

The mean is a regression on drawn molecules. A policy gradient learns from the same numbers, but
blames each action of a molecule for all of it; the regression takes the mean over the molecules
that share a state.
"""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import replay
from synthgen.molecular.network import ActionNetwork, Steering
from synthgen.molecular.warmstart import lengths, parts
from synthgen.training.device import fast_bfloat16

_PASSES, _RATE = 3, 1e-3
# molecules of a batch: fewer where few were drawn, so that a pass has steps enough
_FEWEST, _MOST, _STEPS = 16, 256, 64
# log odds of an action are at most this while they are learned
_MOST_ODDS = 6.0


class SteeringTrainer:
    """Teaches `Steering` the mean odds of what follows each action, one batch after another.

    What the network knew of earlier rounds stays: odds are of molecules as they are drawn now.

    Args:
        network: One that has a steering, which is changed in place.
        rules: Of its vocabulary.
        codes: (n, length) int16 drawn molecules.
        odds: (n,) p_real / p_drawn of each.
        rng: Of the order.
        share: Of the highest learning rate (AdamW), which falls to 0.
    """

    def __init__(
        self,
        network: ActionNetwork,
        rules: Rules,
        codes: np.ndarray,
        odds: np.ndarray,
        rng: np.random.Generator,
        share: float = 1.0,
    ) -> None:
        assert network.steering is not None
        self.network, self.rules, self.steering = network.eval(), rules, network.steering
        self.before = copy.deepcopy(self.steering).requires_grad_(False)
        self.codes, self.odds = codes, odds
        self.rng, self.learning_rate = rng, share * _RATE
        self.steering.requires_grad_(True)
        self.optimizer = torch.optim.AdamW(
            self.steering.parameters(), lr=self.learning_rate, weight_decay=0.05, fused=True
        )

    def run(self) -> float:
        """Several passes over the molecules; the mean loss of the last, less than 0 of what helps.

        Raises:
            KeyboardInterrupt: As it comes; the steering is then as it was.
        """
        batches = [batch for _ in range(_PASSES) for batch in self._pass()]
        losses = []
        try:
            for k, rows in enumerate(batches):
                for group in self.optimizer.param_groups:
                    group["lr"] = self.learning_rate * (1 - k / len(batches))
                losses.append(self.step(rows))
        except KeyboardInterrupt:
            self.undo()
            raise
        finally:
            self.steering.requires_grad_(False)
        return float(np.mean(losses[-max(1, len(batches) // _PASSES) :]))

    def undo(self) -> None:
        """Make the steering what it was."""
        self.steering.load_state_dict(self.before.state_dict())

    def _pass(self) -> list[np.ndarray]:
        """Molecules of about one length together, in random order."""
        about = lengths(self.codes) + 4 * self.rng.random(len(self.codes))
        order = np.argsort(about, kind="stable")
        size = int(np.clip(len(order) // _STEPS, _FEWEST, _MOST))
        batches = np.array_split(order, max(1, len(order) // size))
        return [batches[k] for k in self.rng.permutation(len(batches))]

    def step(self, rows: np.ndarray) -> float:
        """One step on some molecules; the loss over what no steering would have."""
        self.optimizer.zero_grad()
        length = lengths(self.codes[rows])
        total = 0.0
        for part in parts(length):
            of = rows[part]
            action = torch.as_tensor(self.codes[of, : length[part].max()].astype(np.int64))
            loss = self._loss(action.to(self.rules.kind.device), self.odds[of]) / len(rows)
            torch.autograd.backward(loss)
            total += float(loss.detach())
        self.optimizer.step()
        return total

    def _loss(self, action: Tensor, odds: np.ndarray) -> Tensor:
        """Sum over molecules of the mean over steps; least where exp(f) is E[w | state, action].

        Density-ratio matching under a Bregman divergence (Sugiyama et al., 2012, equation 13).
        """
        steps, _ = replay(action, self.rules)
        kind = action.device.type
        with torch.autocast(kind, torch.bfloat16, enabled=fast_bfloat16(action.device)):
            with torch.no_grad():
                hidden = self.network.hidden(steps)
                before = self._taken(self.before, hidden, action)
            found = self._taken(self.steering, hidden, action) - before
        w = torch.as_tensor(odds, dtype=torch.float32, device=action.device)[:, None]
        # the end is an action too; what follows it is not
        is_step = F.pad(action[:, :-1], (1, 0), value=1) != 0
        loss = (found.clamp(max=_MOST_ODDS).exp() - 1 - w * found) * is_step
        return (loss.sum(1) / is_step.sum(1)).sum()

    def _taken(self, steering: Steering, hidden: Tensor, action: Tensor) -> Tensor:
        told = steering(self.network.last(hidden))
        return torch.gather(told, 2, action[:, :, None]).squeeze(2)


def learnable(codes: np.ndarray, rules: Rules) -> np.ndarray:
    """Rows of molecules whose every action was the network's own choice, not a way to an end."""
    return np.flatnonzero(lengths(codes) <= rules.max_length)
