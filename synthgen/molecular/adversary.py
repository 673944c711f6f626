"""The adversarial stage: the generator learns from the critic what its likelihood missed.

A round draws molecules, teaches the critic to tell them from real ones, and lets the steering of
the network learn the critic's odds of what follows each action; see `synthgen.molecular.steering`.
A graph is made of choices, so no gradient flows back through a drawn one; odds need none.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from synthgen.molecular.construction import Rules
from synthgen.molecular.critic import CriticTrainer, Graphs, logits
from synthgen.molecular.decoding import Decoded, decode
from synthgen.molecular.drawing import draw
from synthgen.molecular.examples import Examples
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.steering import SteeringTrainer, learnable
from synthgen.molecular.warmstart import GraphGANConfig
from synthgen.seeds import Streams
from synthgen.training.loop import Metrics

# molecules drawn in a round, at most and at least; more help little, of fewer little can be learned
_DRAWN, _FEWEST = 20_000, 1_000
# molecules drawn for each step of the critic in a round, and its fewest and most steps
_PER_STEP, _FEWEST_STEPS, _MOST_STEPS = 40, 50, 1_000
# share of drawn molecules that judge the critic, at most
_JUDGING = 0.2
# bounds of the log odds: few molecules shall not rule all others
_LOG_ODDS = (-3.0, 2.0)
# a critic whose log loss is not below that of a coin by this has nothing to teach
_LEARNED = 0.002
# molecules that tell how diverse the generator is; of what was unique before, the share below which
# it has collapsed
_LOOKED_AT, _COLLAPSED = 1024, 0.9
# molecules and critic steps that tell how long a round will take; share of the time to plan for
_TIMED, _TIMED_STEPS, _SPARE = 512, 3, 0.8


class Adversary:
    """Rounds of adversarial training; one is a step of the training loop.

    Args:
        network: The generator, after its warm start; gets a steering.
        rules: Of its vocabulary.
        examples: What it learned from.
        critic: Trained along.
        learned, judging: Real molecules that the critic learns from, and such as the generator does
            not know, by which it stops.
        streams: Random streams.

    Attributes:
        drawn: Molecules of a round; see `planned`.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "network", "critic", "rounds", "rate", "before", "after", "ended",
    )  # fmt: skip

    def __init__(
        self,
        network: ActionNetwork,
        rules: Rules,
        examples: Examples,
        critic: CriticTrainer,
        learned: Graphs,
        judging: Graphs,
        streams: Streams,
    ) -> None:
        self.network, self.rules = network.eval(), rules
        self.representation, self.vocabulary = examples.representation, examples.vocabulary
        self.critic, self.learned, self.judging = critic, learned, judging
        self.streams, self.drawn = streams, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.integer("steering"))
            network.steer()
        self.rounds, self.rate = 0, 1.0
        self.before = self.after = 1.0
        self.ended = ""

    def step(self) -> Metrics:
        """One round; the loss of the critic, and of the steering, less than 0 of what helps."""
        streams = self.streams.child(f"round/{self.rounds}")
        codes, found = self._drawn(self.drawn, streams)
        if not self.rounds:
            self.before = _unique(found, _LOOKED_AT)
        self.rounds += 1
        graphs = Graphs.of(found.relations, self.representation).take(found.of_row)
        n = min(len(self.judging), int(_JUDGING * len(graphs)))
        parts = graphs.take(np.arange(n, len(graphs))), graphs.take(np.arange(n))
        steps = int(np.clip(self.drawn // _PER_STEP, _FEWEST_STEPS, _MOST_STEPS))
        loss, _ = self.critic.until_learned(
            (self.learned, parts[0]), (self.judging.take(np.arange(n)), parts[1]), steps
        )
        if loss > math.log(2) - _LEARNED:
            self.ended, self.after = "converged", self.before
            return {"critic": loss, "steering": 0.0}
        logit = logits(self.critic.critic, graphs, self.rules.kind.device).double().numpy()
        # what is not valid is not real
        odds = np.zeros(len(codes))
        odds[found.rows] = np.exp(logit.clip(*_LOG_ODDS))
        odds /= odds.mean()
        own = learnable(codes, self.rules)
        trainer = SteeringTrainer(
            self.network, self.rules, codes[own], odds[own], streams.numpy("steering"), self.rate
        )
        gained = trainer.run()
        _, found = self._drawn(_LOOKED_AT, streams.child("after"))
        self.after = _unique(found, _LOOKED_AT)
        if self.after < _COLLAPSED * self.before:
            self.ended = "collapsed"
            trainer.undo()
        return {"critic": loss, "steering": gained}

    def _drawn(self, n: int, streams: Streams) -> tuple[np.ndarray, Decoded]:
        codes = draw(self.network, self.rules, n, streams).codes
        jobs = torch.get_num_threads()
        return codes, decode(codes, self.vocabulary, self.representation, relations=True, jobs=jobs)

    def planned(self, config: GraphGANConfig, deadline: float | None) -> GraphGANConfig:
        """``config`` with the size of a round, such that all rounds end by the deadline.

        A value of ``time.monotonic()``. Where too few molecules can be drawn until then, it has no
        rounds.
        """
        drawn, rounds = config.adversary_drawn, config.adversary_rounds or 1
        if drawn is None:
            drawn = min(_DRAWN, len(self.learned))
            if deadline is not None:
                each = self._seconds() * rounds
                left = _SPARE * max(deadline - time.monotonic(), 0.0)
                drawn = min(drawn, int(left / each))
        self.drawn = drawn
        has_time = drawn >= _FEWEST or config.adversary_drawn is not None
        told = {"adversary_drawn": drawn, "adversary_rounds": rounds}
        return config.model_copy(update=told if has_time else {"adversary": "none"})

    def _seconds(self) -> float:
        """About how long a round takes for each molecule: all it does a little, leaving nothing."""
        critic, streams = copy.deepcopy(self.critic), self.streams.child("timed")
        start = time.monotonic()
        codes, found = self._drawn(_TIMED, streams)
        drawn = time.monotonic()
        graphs = Graphs.of(found.relations, self.representation)
        if len(graphs):
            for _ in range(_TIMED_STEPS):
                critic.step((self.learned, graphs))
        taught = time.monotonic()
        own, rng = learnable(codes, self.rules), streams.numpy("steering")
        SteeringTrainer(self.network, self.rules, codes[own], np.ones(len(own)), rng, 0.0).run()
        steered = (time.monotonic() - taught) / max(len(own), 1)
        return (drawn - start) / _TIMED + (taught - drawn) / (_TIMED_STEPS * _PER_STEP) + steered

    def evaluate(self) -> Metrics:
        """Minus the rounds, so that the last one is kept.

        Likelihood of held-out molecules says nothing of what the critic taught.
        """
        return {
            "score": -float(self.rounds),
            "diversity": self.after / max(self.before, 1e-9),
        }

    def kept(self) -> dict[str, Tensor]:
        """The weights as they are."""
        return {name: held.clone() for name, held in self.network.state_dict().items()}

    def slow_down(self, factor: float) -> None:
        """Multiply the rate at which the steering learns."""
        self.rate *= factor


def _unique(found: Decoded, n: int) -> float:
    """Share of different molecules among the first ``n`` valid ones."""
    some = found.of_row[:n]
    return len(np.unique(some)) / max(len(some), 1)


def watch(history: Sequence[Metrics]) -> list[str]:
    """A warning where the last round had collapsed."""
    if history[-1]["diversity"] >= _COLLAPSED:
        return []
    return [
        f"mode collapse: drawn molecules are {history[-1]['diversity']:.0%} as often unique as "
        "before the adversarial stage; the weights from before it are kept. Draw more molecules in "
        "a round (adversary_drawn), or set adversary=none."
    ]
