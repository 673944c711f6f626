"""``model="graphgan"``: fit, draw and load the generator of molecular graphs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch

from synthgen.molecular.actions import Vocabulary
from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import draw
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.warmstart import GraphGANConfig, WarmStart, batch_rows, sizes
from synthgen.seeds import Streams
from synthgen.training.loop import Budget, TrainingRecord, train
from synthgen.training.run import Run, StageClock, check_shapes, parse_options

_HELD_OUT_SHARE, _MAX_HELD_OUT = 0.05, 5_000
_EVALUATIONS = 60


class GraphGAN:
    """A trained generator of actions."""

    name: ClassVar[str] = "graphgan"

    def __init__(
        self, vocabulary: Vocabulary, options: GraphGANConfig, network: ActionNetwork
    ) -> None:
        self.vocabulary, self.options = vocabulary, options
        self.network = network.eval().requires_grad_(False)
        self.rules = Rules.of(vocabulary, network.bias.device)

    @classmethod
    def fit(
        cls,
        codes: np.ndarray,
        wishes: np.ndarray,
        molecule: np.ndarray,
        vocabulary: Vocabulary,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[GraphGAN, TrainingRecord]:
        """Train on molecules.

        Args:
            codes: (n, length) actions; a molecule may come in several orders of its atoms.
            wishes: (n, n_properties) float32 normal scores, NaN where unknown.
            molecule: (n,) which molecule a row is; its orders are held out together.
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
        clock = StageClock(time.monotonic(), run.deadline)
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
        return cls(vocabulary, config, network), record

    def draw(
        self,
        wanted: np.ndarray,
        known: np.ndarray,
        streams: Streams,
        progressed: Callable[[int], None] = lambda n: None,
    ) -> np.ndarray:
        """One molecule for each row of wishes: (n, length) codes; see `drawing.draw`."""
        return draw(self.network, self.rules, wanted, known, streams, progressed)

    def config(self) -> dict[str, Any]:
        """JSON-ready options the model was trained with."""
        return {**self.options.model_dump(), "dropout": self.network.sizes.dropout}

    def weights(self) -> dict[str, np.ndarray]:
        """Named arrays that, with config and vocabulary, are the model."""
        state = self.network.state_dict()
        return {f"network.{name}": value.cpu().numpy() for name, value in state.items()}

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
        expected = {f"network.{k}": tuple(v.shape) for k, v in network.state_dict().items()}
        check_shapes({k: v.shape for k, v in weights.items()}, expected)
        network = _network(vocabulary, options, n_properties, 0)
        network.load_state_dict(
            {k.removeprefix("network."): torch.from_numpy(weights[k].copy()) for k in expected}
        )
        return cls(vocabulary, options, network)


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
