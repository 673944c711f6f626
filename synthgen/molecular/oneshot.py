"""``model="molgan"``: fit, draw and load the one-shot generator of dense graphs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch

from synthgen.errors import InvalidInputError, ModelFileError
from synthgen.molecular.dense import DenseVocabulary
from synthgen.molecular.examples import Examples
from synthgen.molecular.molgan import (
    Discriminator,
    MolGANConfig,
    MolGANGenerator,
    MolGANTrainer,
    Sizes,
    drawn,
    has_collapsed,
)
from synthgen.molecular.outcomes import Beside
from synthgen.molecular.representation import Molecules, Representation
from synthgen.seeds import Streams
from synthgen.training.loop import Budget, Metrics, TrainingRecord, train
from synthgen.training.run import Run, load_weights, parse_options

_JUDGED = 1_000
_CHUNK = 1_000
# raw draws, and the valid share among them below which a sample would take too long
_TRIED, _LEAST_VALID = 5_000, 0.001


class MolGAN:
    """A trained one-shot generator; its raw draws may be invalid."""

    name: ClassVar[str] = "molgan"
    vocabulary_class: ClassVar[type[DenseVocabulary]] = DenseVocabulary
    has_conditions: ClassVar[bool] = False
    kinds: ClassVar[tuple[str, ...]] = (Molecules.kind,)

    def __init__(
        self,
        representation: Representation,
        vocabulary: DenseVocabulary,
        options: MolGANConfig,
        network: MolGANGenerator,
    ) -> None:
        self.representation, self.vocabulary, self.options = representation, vocabulary, options
        self.network = network.eval().requires_grad_(False)

    @staticmethod
    def orders(n: int, held: Representation, options: dict[str, Any]) -> int:
        """None: the discriminator does not see the order of atoms."""
        parse_options(MolGANConfig, options)
        return 0

    @classmethod
    def fit(
        cls, examples: Examples, options: dict[str, Any], run: Run
    ) -> tuple[MolGAN, TrainingRecord]:
        """Train on molecules.

        Raises:
            InvalidInputError: If an option is unknown or out of range.
        """
        vocabulary, codes = examples.vocabulary, examples.codes
        config = parse_options(MolGANConfig, options)
        sizes = Sizes.of(vocabulary)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.streams.integer("weights"))
            networks = MolGANGenerator(sizes, config.noise_dim), Discriminator(sizes)
        for network in networks:
            network.to(run.device)
        generator = networks[0]
        least = config.least_uniqueness * _uniqueness(codes, run.streams)
        trainer = MolGANTrainer(
            config, networks, vocabulary, codes, run.streams, least,
            lambda: judged(generator, vocabulary, config, run.streams.child("judged")),
        )  # fmt: skip
        budget = Budget(
            max_steps=run.max_steps or config.max_steps or _planned_steps(len(codes), config),
            patience=config.patience,
            evaluate_every=config.evaluate_every,
            deadline=run.deadline,
            ending=lambda: (trainer.collapsed_at, "collapsed"),
        )
        stage = run.stage("training")
        best, record = train(trainer, budget, run.progress, lambda told: _watch(told, least), stage)
        generator.load_state_dict(best)
        return cls(examples.representation, vocabulary, config, generator), record

    def raw(self, n: int, streams: Streams) -> list[str | None]:
        """``n`` draws as they come: canonical SMILES, ``None`` where one is not valid."""
        codes = _codes(self.network, self.vocabulary, self.options, n, streams)
        return [self.vocabulary.smiles(row) for row in codes]

    def sample(
        self, n: int, wanted: np.ndarray, streams: Streams, beside: Beside | None = None
    ) -> list[str]:
        """``n`` valid molecules: draws that are not valid are drawn again.

        Raises:
            InvalidInputError: If hardly any draw is valid.
        """
        found: list[str] = []
        tried = 0
        while len(found) < n:
            size = int(np.clip((n - len(found)) * (tried + 1) / (len(found) + 1), 64, _CHUNK))
            found += [text for text in self.raw(size, streams.child(f"raw/{tried}")) if text]
            tried += size
            if tried >= _TRIED and len(found) < _LEAST_VALID * tried:
                raise InvalidInputError(
                    f"{len(found)} of {tried:,} raw draws of this {self.name} are valid molecules, "
                    f"too few to sample from; fit it longer or with another seed, or use "
                    f"model='auto', all of whose draws are valid"
                )
        return found[:n]

    def config(self) -> dict[str, Any]:
        """JSON-ready options the model was trained with."""
        return self.options.model_dump()

    def weights(self) -> dict[str, np.ndarray]:
        """Named arrays that, with config and vocabulary, are the model."""
        held = self.network.state_dict()
        return {f"network.{name}": value.cpu().numpy() for name, value in held.items()}

    @classmethod
    def load(
        cls,
        representation: Representation,
        vocabulary: DenseVocabulary,
        config: dict[str, Any],
        weights: dict[str, np.ndarray],
        n_properties: int,
    ) -> MolGAN:
        """Inverse of `config` and `weights`.

        Raises:
            ModelFileError: If they do not fit.
        """
        if n_properties:
            raise ModelFileError("encoding.json: properties, of which this model learns none")
        options = parse_options(MolGANConfig, config, stored=True)
        with torch.device("meta"):
            network = MolGANGenerator(Sizes.of(vocabulary), options.noise_dim)
        load_weights({"network.": network}, weights)
        return cls(representation, vocabulary, options, network)


def judged(
    network: MolGANGenerator, vocabulary: DenseVocabulary, config: MolGANConfig, streams: Streams
) -> Metrics:
    """How raw draws are: the shares of valid, and of different ones.

    ``validity`` of all draws, ``uniqueness`` of the valid ones (0 where there are none),
    ``variety`` of all draws, those that are not valid told apart by their graphs. ``score`` is the
    share of draws that are not a valid molecule which no earlier one is.
    """
    codes = _codes(network, vocabulary, config, _JUDGED, streams)
    found = [vocabulary.smiles(row) for row in codes]
    valid = [text for text in found if text]
    different = len(set(valid))
    others = {row.tobytes() for row, text in zip(codes, found, strict=True) if not text}
    return {
        "validity": len(valid) / len(codes),
        "uniqueness": different / max(len(valid), 1),
        "variety": (different + len(others)) / len(codes),
        "score": 1 - different / len(codes),
    }


def _codes(
    network: MolGANGenerator,
    vocabulary: DenseVocabulary,
    config: MolGANConfig,
    n: int,
    streams: Streams,
) -> np.ndarray:
    generator = streams.torch("drawn", network.nodes.weight.device)
    parts = [
        drawn(network, vocabulary, min(_CHUNK, n - start), config.noise_dim, generator)
        for start in range(0, n, _CHUNK)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, vocabulary.size), np.int64)


def _uniqueness(codes: np.ndarray, streams: Streams) -> float:
    """Share of different ones among as many molecules of the data as are judged."""
    chosen = streams.numpy("uniqueness").integers(len(codes), size=_JUDGED)
    return len(np.unique(codes[chosen], axis=0)) / _JUDGED


def _watch(history: Sequence[Metrics], least: float) -> list[str]:
    """A watchdog of mode collapse, in the manner of `synthgen.adversarial.watchdog`."""
    last = history[-1]
    if not has_collapsed(history, least):
        return []
    best = min(history, key=lambda entry: entry["score"])
    return [
        f"mode collapse: at step {last['step']:.0f} {last['variety']:.1%} of raw draws differ from "
        f"each other, of valid ones {last['uniqueness']:.1%}; below {least:.1%} training ends. The "
        f"weights of step {best['step']:.0f} are used ({best['validity']:.1%} valid, "
        f"{best['uniqueness']:.1%} of them different). Lower learning_rate, try another seed, or "
        "use model='auto', which does not collapse."
    ]


def _planned_steps(n: int, config: MolGANConfig) -> int:
    """Steps of a run without a time limit: about 30 passes, within bounds."""
    return int(np.clip(30 * n / (config.batch_size * config.critic_steps), 2_000, 20_000))
