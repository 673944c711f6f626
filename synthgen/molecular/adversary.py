"""The adversarial stage: the generator learns from the critic what its likelihood missed.

A round draws molecules, teaches the critic to tell them from real ones, and moves the generator
along the policy gradient (Williams, 1992) of a reward, the critic's logit: at the critic's optimum
log p_real / p_drawn, whose mean over draws is minus the reverse Kullback-Leibler divergence
(Nowozin et al., 2016, table 1), where likelihood lowers the forward one. The likelihood of real
molecules, trained on beside, keeps the generator where the warm start brought it. Such gradients
are mostly noise, which a falling rate averages out.

A graph is made of choices, so nothing flows back through a drawn one; rewards need no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from synthgen.adversarial.ema import EMA
from synthgen.molecular.critic import CriticTrainer, Graphs, logits
from synthgen.molecular.decoding import decode
from synthgen.molecular.drawing import draw
from synthgen.molecular.examples import Examples
from synthgen.molecular.warmstart import WarmStart, clip_gradients, lengths, log_likelihood, parts
from synthgen.seeds import Streams
from synthgen.training.loop import Metrics
from synthgen.training.schedule import Schedule

# molecules drawn in a round
_DRAWN = 4096
# rounds whose molecules the critic learns from, and its steps in the first round and in others
_REMEMBERED, _FIRST_STEPS, _STEPS = 3, 100, 30
_BATCH = 512
# a reward within these bounds lets no molecule rule a batch
_MOST_REWARD = 2.0
# decay of the average of weights, over about 30 steps
_AVERAGED = 0.97
# of what was unique in the first round, the share below which the generator has collapsed
_COLLAPSED = 0.9


class Adversary:
    """Rounds of adversarial training; one is a step of the training loop.

    Args:
        warm: The warm start, whose molecules go on.
        examples: What it learned from.
        critic: Trained along.
        real: The molecules that the critic learns from.
        streams: Random streams.
        schedule: Of the learning rate, a step for each round.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "warm", "critic", "rng", "schedule", "remembered", "optimizer", "average", "unique",
    )  # fmt: skip

    def __init__(
        self,
        warm: WarmStart,
        examples: Examples,
        critic: CriticTrainer,
        real: Graphs,
        streams: Streams,
        schedule: Schedule,
    ) -> None:
        self.warm, self.network = warm, warm.network
        self.representation, self.vocabulary = examples.representation, examples.vocabulary
        self.critic, self.real = critic, real
        self.streams, self.rng = streams, streams.numpy("policy")
        self.schedule = schedule
        self.seen: list[Graphs] = []
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=warm.config.policy_rate,
            betas=(0.9, 0.98),
            weight_decay=0.0,
            fused=True,
        )
        self.average = EMA(self.network, _AVERAGED)
        self.unique: list[float] = []

    @property
    def rounds(self) -> int:
        """Rounds so far."""
        return self.schedule.n_steps

    @property
    def remembered(self) -> list[dict[str, Any]]:
        """Drawn molecules that the critic learns from, as arrays."""
        return [vars(graphs) for graphs in self.seen]

    @remembered.setter
    def remembered(self, held: list[dict[str, Any]]) -> None:
        self.seen = [Graphs(**graphs) for graphs in held]

    def step(self) -> Metrics:
        """One round; what the critic lost, and the mean of its logits."""
        self.network.eval()
        streams = self.streams.child(f"round/{self.rounds}")
        codes = draw(self.network, self.warm.rules, _DRAWN, streams).codes
        self.schedule.due()
        for group in self.optimizer.param_groups:
            group["lr"] = self.warm.config.policy_rate * self.schedule.rate()
        self.schedule.stepped()
        found = decode(
            codes,
            self.vocabulary,
            self.representation,
            relations=True,
            jobs=torch.get_num_threads(),
        )
        graphs = Graphs.of(found.relations, self.representation)
        self.seen = [*self.seen[1 - _REMEMBERED :], graphs.take(found.of_row)]
        self.unique.append(len(np.unique(found.of_row)) / max(len(found.of_row), 1))
        loss = self._teach(_STEPS if self.rounds > 1 else _FIRST_STEPS)
        logit = logits(self.critic.critic, graphs, self.warm.device).numpy()[found.of_row]
        reward = logit.clip(-_MOST_REWARD, _MOST_REWARD)
        # the advantage over the mean; 0 of what is not valid
        advantage = np.zeros(len(codes), np.float32)
        advantage[found.rows] = reward - reward.mean()
        self._improve(codes, advantage)
        return {"critic": loss, "logit": float(logit.mean())}

    def _teach(self, steps: int) -> float:
        losses = [
            self.critic.step((self.real, self.seen[int(self.rng.integers(len(self.seen)))]))
            for _ in range(steps)
        ]
        return float(np.mean(losses))

    def _improve(self, codes: np.ndarray, advantage: np.ndarray) -> None:
        """One pass over the drawn molecules, each batch beside one of real molecules."""
        length = lengths(codes)
        # what had to be brought to an end is not the network's own choice
        own = np.flatnonzero(length <= self.vocabulary.max_length)
        # molecules of about one length together
        order = own[np.argsort(length[own] + 4 * self.rng.random(len(own)), kind="stable")]
        batches = [order[k : k + _BATCH] for k in range(0, len(order) - _BATCH + 1, _BATCH)]
        for k in self.rng.permutation(len(batches)):
            rows = batches[k]
            self.optimizer.zero_grad()
            self._policy_gradient(codes[rows], advantage[rows])
            # of as many real molecules as drawn ones
            several = max(1, len(rows) // self.warm.batch_size)
            for _ in range(several):
                self.warm.backward(self.warm.config.anchor / several)
            clip_gradients(self.network)
            self.optimizer.step()
            self.average.update(self.network)

    def _policy_gradient(self, codes: np.ndarray, advantage: np.ndarray) -> None:
        """Add the gradient of minus the mean reward of some molecules."""
        self.network.eval()
        length = lengths(codes)
        for part in parts(length):
            action = torch.as_tensor(codes[part, : length[part].max()].astype(np.int64))
            action = action.to(self.warm.device)
            found, _ = log_likelihood(self.network, self.warm.rules, action)
            weight = torch.as_tensor(advantage[part], device=found.device)
            torch.autograd.backward(-(weight * found).sum() / len(codes))

    def evaluate(self) -> Metrics:
        """Minus the rounds, so that the last one is kept; 0 where the generator has collapsed.

        Likelihood of held-out molecules says nothing of what the critic taught.
        """
        diversity = self.unique[-1] / max(self.unique[0], 1e-9)
        score = 0.0 if diversity < _COLLAPSED else -float(self.rounds)
        return {"score": score, "diversity": diversity}

    def kept(self) -> dict[str, Tensor]:
        """The mean of the last weights."""
        return self.average.average.state_dict()

    def slow_down(self, factor: float) -> None:
        """Multiply the rate of the policy gradients."""
        self.schedule.slow_down(factor)


def watch(history: Sequence[Metrics]) -> list[str]:
    """A warning where the last round had collapsed."""
    if history[-1]["diversity"] >= _COLLAPSED:
        return []
    return [
        f"mode collapse: drawn molecules are {history[-1]['diversity']:.0%} as often unique as "
        "before the adversarial stage; the weights from before it are kept. Raise anchor, lower "
        "policy_rate, or set adversary=none."
    ]
