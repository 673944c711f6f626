"""The models of molecules by name, and what each offers to `MolGen`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np

from synthgen.molecular.actions import Action, Alphabet
from synthgen.molecular.examples import Examples
from synthgen.molecular.model import GraphGAN
from synthgen.molecular.oneshot import MolGAN
from synthgen.molecular.outcomes import Beside
from synthgen.molecular.private import DPGraph
from synthgen.molecular.representation import Representation
from synthgen.seeds import Streams
from synthgen.training.loop import TrainingRecord
from synthgen.training.run import Run, find, find_private


class MoleculeVocabulary(Protocol):
    """The words that a model writes molecules in."""

    @classmethod
    def of(cls, sequences: Sequence[list[Action]], held: Alphabet) -> tuple[Any, dict[int, str]]:
        """The vocabulary of molecules, and those it leaves out: index -> the reason."""

    def encode(self, molecules: Sequence[list[list[Action]]]) -> tuple[np.ndarray, np.ndarray]:
        """Which molecule (n,) each row is, and its codes (n, length)."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""

    @classmethod
    def from_dict(cls, found: dict[str, Any], held: Alphabet) -> Any:
        """Inverse of `to_dict`; raises `ModelFileError` if it is none."""


class MoleculeModel(Protocol):
    """A trained generator of molecules.

    Attributes:
        vocabulary_class: What it writes molecules in.
        kinds: Of representations that it can build.
        has_conditions: Whether it learns properties and draws under conditions on them.
    """

    name: ClassVar[str]
    vocabulary_class: ClassVar[type[Any]]
    kinds: ClassVar[tuple[str, ...]]
    has_conditions: ClassVar[bool]
    representation: Representation
    vocabulary: Any

    @staticmethod
    def orders(n: int, held: Representation, options: dict[str, Any]) -> int:
        """Random orders of each of ``n`` molecules to learn from, beside the canonical one.

        Raises:
            InvalidInputError: If an option is unknown or out of range.
        """

    @classmethod
    def fit(
        cls, examples: Examples, options: dict[str, Any], run: Run
    ) -> tuple[MoleculeModel, TrainingRecord]:
        """Train on molecules with options of the model, by name.

        Raises:
            InvalidInputError: If an option is unknown or out of range.
        """

    def sample(
        self, n: int, wanted: np.ndarray, streams: Streams, beside: Beside | None = None
    ) -> list[str]:
        """At most ``n`` valid molecules, canonical SMILES.

        Between the normal scores ``wanted`` (n_properties, 2), NaN where nothing is; ``beside``
        says how likely columns beside the molecules are to be so.
        """

    def config(self) -> dict[str, Any]:
        """JSON-ready options the model was trained with."""

    def weights(self) -> dict[str, np.ndarray]:
        """Named arrays that, with config and vocabulary, are the model."""

    @classmethod
    def load(
        cls,
        representation: Representation,
        vocabulary: Any,
        config: dict[str, Any],
        weights: dict[str, np.ndarray],
        n_properties: int,
    ) -> MoleculeModel:
        """Inverse of `config` and `weights`; raises `ModelFileError` if they do not fit."""


MODELS: dict[str, type[MoleculeModel]] = {
    GraphGAN.name: GraphGAN,
    MolGAN.name: MolGAN,
    DPGraph.name: DPGraph,
}
DEFAULT_MODEL = GraphGAN.name


def find_model(name: str) -> type[MoleculeModel]:
    """The model called ``name``; "auto" is the default one."""
    return find(name, MODELS, DEFAULT_MODEL)


def find_private_model(name: str) -> type[DPGraph]:
    """The model called ``name``, trained with differential privacy; "auto" is the default one."""
    return find_private(name, MODELS, {DPGraph.name: DPGraph}, DPGraph.name)
