"""``model="graphgan"``: fit, draw and load the generator of molecular graphs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from synthgen.adversarial.trees import systematic
from synthgen.chemistry import to_smiles
from synthgen.molecular.actions import Vocabulary
from synthgen.molecular.construction import Rules
from synthgen.molecular.critic import GraphCritic, Graphs, logits, train_critic
from synthgen.molecular.drawing import draw
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.warmstart import (
    GraphGANConfig,
    WarmStart,
    batch_rows,
    random_orders,
    sizes,
)
from synthgen.seeds import Streams
from synthgen.training.loop import Budget, TrainingRecord, train
from synthgen.training.run import Run, StageClock, check_shapes, parse_options

_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.05, 5_000
_EVALUATIONS = 60
# molecules that a critic learns from, and below which there are too few for one
_CRITIC_MOLECULES, _MIN_JUDGING = 50_000, 200
# of the time that a limit leaves, what the critic may take
_CRITIC_SHARE = 0.2
# weights up to e^2: with more, few molecules come often
_MAX_LOGIT = 2.0


class GraphGAN:
    """A trained generator of actions."""

    name: ClassVar[str] = "graphgan"
    vocabulary_class: ClassVar[type[Vocabulary]] = Vocabulary
    has_conditions: ClassVar[bool] = True

    def __init__(
        self,
        vocabulary: Vocabulary,
        options: GraphGANConfig,
        network: ActionNetwork,
        critic: GraphCritic | None = None,
    ) -> None:
        self.vocabulary, self.options, self.critic = vocabulary, options, critic
        self.network = network.eval().requires_grad_(False)
        self.rules = Rules.of(vocabulary, network.bias.device)

    @staticmethod
    def orders(n: int, options: dict[str, Any]) -> int:
        """Random orders of each of ``n`` molecules; see `random_orders`."""
        return random_orders(parse_options(GraphGANConfig, options), n)

    @classmethod
    def fit(
        cls,
        codes: np.ndarray,
        wishes: np.ndarray,
        molecule: np.ndarray,
        smiles: Sequence[str],
        vocabulary: Vocabulary,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[GraphGAN, TrainingRecord]:
        """Train on molecules.

        Args:
            codes: (n, length) actions; a molecule may come in several orders of its atoms.
            wishes: (n, n_properties) float32 normal scores, NaN where unknown.
            molecule: (n,) which molecule a row is; its orders are held out together.
            smiles: Of each molecule, canonical.
            vocabulary: Of the actions.
            options: See `GraphGANConfig`.
            run: The circumstances.

        Raises:
            InvalidInputError: If an option is unknown or out of range.
        """
        config = parse_options(GraphGANConfig, options)
        chosen = run.streams.numpy("held-out").permutation(int(molecule.max()) + 1)
        n_held_out = max(1, min(int(len(chosen) * _HELD_OUT_SHARE), _MAX_HELD_OUT))
        is_held_out = np.isin(molecule, chosen[:n_held_out])
        # of a molecule that is held out the canonical order is enough
        first = np.r_[True, molecule[1:] != molecule[:-1]]
        parts = [(codes[rows], wishes[rows]) for rows in (~is_held_out, is_held_out & first)]
        n = len(parts[0][0])
        steps = run.max_steps or config.max_steps or _planned_steps(n, batch_rows(config, n))
        later = _CRITIC_SHARE if config.critic != "none" else 0.0
        clock = StageClock(time.monotonic(), run.deadline, later)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.streams.integer("weights"))
            network = _network(vocabulary, config, wishes.shape[1], n)
        network.to(run.device)
        rules = Rules.of(vocabulary, run.device)
        train_part, held_out = parts
        trainer = WarmStart(
            config, network, rules, train_part, held_out, run.streams, steps, clock.used
        )
        run.progress.stage("training")
        budget = Budget(
            max_steps=steps,
            patience=steps,
            evaluate_every=int(np.clip(steps // _EVALUATIONS, 20, 200)),
            deadline=clock.deadline,
            ending=lambda: (trainer.schedule.total, trainer.schedule.reason),
        )
        best, record = train(trainer, budget, run.progress)
        network.load_state_dict(best)
        model = cls(vocabulary, config, network)
        if config.critic == "graph" and n_held_out >= _MIN_JUDGING:
            run.progress.stage("critic")
            model._fit_critic(
                [smiles[m] for m in chosen[n_held_out:][:_CRITIC_MOLECULES]],
                [smiles[m] for m in chosen[:n_held_out]],
                run,
            )
        return model, record

    def _fit_critic(self, learned: list[str], judging: list[str], run: Run) -> None:
        """A critic of drawn molecules against those that the network learned from.

        Of those the network knows too much: molecules that it does not know say when the critic has
        learned enough.
        """
        streams = run.streams.child("critic")
        nothing = np.zeros((len(learned) + len(judging), self.n_properties), np.float32)
        drawn = self._valid(nothing, nothing, streams.child("drawn"))
        if len(drawn) < 2 * _MIN_JUDGING:
            return
        n = min(len(judging), len(drawn) // 2)
        sides = [Graphs.of_smiles(part) for part in (learned, drawn[n:], judging, drawn[:n])]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.integer("weights"))
            critic = GraphCritic().to(run.device)
        limit = run.deadline
        train_critic(
            critic,
            (sides[0], sides[1]),
            (sides[2], sides[3]),
            streams,
            run.device,
            max_steps=self.options.critic_steps,
            in_time=lambda: limit is None or time.monotonic() < limit - 2,
        )
        self.critic = critic.eval().requires_grad_(False)

    @property
    def n_properties(self) -> int:
        """Properties that there are wishes for."""
        return len(self.network.wish) // 2

    @property
    def pool(self) -> float:
        """Molecules to draw for each one that is wanted."""
        return self.options.pool if self.critic is not None else 1.0

    def sample(self, n: int, wanted: np.ndarray, known: np.ndarray, streams: Streams) -> list[str]:
        """At most ``n`` valid molecules, canonical SMILES, let through by the critic.

        Args:
            n: Molecules wanted.
            wanted, known: (``pool`` * n, n_properties) a wish for each molecule of the pool.
            streams: Random streams.
        """
        drawn = self._valid(wanted, known, streams)
        if self.critic is None or len(drawn) <= n:
            return drawn[:n]
        found = logits(self.critic, Graphs.of_smiles(drawn), self.rules.kind.device)
        weight = np.exp(found.double().numpy().clip(-_MAX_LOGIT, _MAX_LOGIT))
        rng = streams.numpy("weighted")
        taken = rng.permutation(systematic(weight, n, rng))
        return [drawn[i] for i in taken]

    def _valid(self, wanted: np.ndarray, known: np.ndarray, streams: Streams) -> list[str]:
        """Canonical SMILES of a molecule for each wish; what did not end in time is left out."""
        codes = draw(self.network, self.rules, wanted, known, streams)
        graphs = (self.vocabulary.graph(row) for row in codes if 0 in row)
        return [text for graph in graphs if (text := to_smiles(graph))]

    def config(self) -> dict[str, Any]:
        """JSON-ready options the model was trained with."""
        return {**self.options.model_dump(), "dropout": self.network.sizes.dropout}

    def weights(self) -> dict[str, np.ndarray]:
        """Named arrays that, with config and vocabulary, are the model."""
        parts = {"network": self.network, "critic": self.critic}
        return {
            f"{part}.{name}": value.cpu().numpy()
            for part, held in parts.items()
            if held is not None
            for name, value in held.state_dict().items()
        }

    @classmethod
    def load(
        cls,
        vocabulary: Vocabulary,
        config: dict[str, Any],
        weights: dict[str, np.ndarray],
        n_properties: int,
    ) -> GraphGAN:
        """Inverse of `config` and `weights`.

        Raises:
            ModelFileError: If they do not fit.
        """
        options = parse_options(GraphGANConfig, config, stored=True)
        with torch.device("meta"):
            network = _network(vocabulary, options, n_properties, 0)
            has_critic = any(name.startswith("critic.") for name in weights)
            critic = GraphCritic() if has_critic else None
        parts: dict[str, nn.Module] = {"network": network}
        if critic is not None:
            parts["critic"] = critic
        expected = {
            f"{part}.{name}": tuple(value.shape)
            for part, held in parts.items()
            for name, value in held.state_dict().items()
        }
        check_shapes({name: array.shape for name, array in weights.items()}, expected)
        for part, held in parts.items():
            own = {
                name: torch.from_numpy(weights[f"{part}.{name}"].copy())
                for name in held.state_dict()
            }
            held.load_state_dict(own, assign=True)
            held.eval().requires_grad_(False)
        return cls(vocabulary, options, network, critic)


def _network(
    vocabulary: Vocabulary, config: GraphGANConfig, n_properties: int, n: int
) -> ActionNetwork:
    return ActionNetwork(
        len(vocabulary),
        len(vocabulary.atoms),
        n_properties,
        vocabulary.max_length,
        sizes(config, n),
    )


def _planned_steps(n: int, batch: int) -> int:
    """Steps of a run without a time limit: about 30 passes, within bounds."""
    return int(np.clip(30 * n / batch, 600, 20_000))
