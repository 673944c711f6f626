"""``model="dp-graph"``, molecules with epsilon: DP-SGD on the likelihood of actions.

A molecule is one record, and one loss: the likelihood of the actions that build it, in canonical
order. The network is a multilayer perceptron of the state of the construction, all that later
actions may bond to, and no attention: few weights, in plain layers, learn most under noise. Words
of the vocabulary are bought; what uses others, or is longer than the bought length, is left out
without a word about which molecules that were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.errors import InvalidInputError
from synthgen.molecular.actions import END, Action, Vocabulary
from synthgen.molecular.attention import Cache, Sizes
from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import replay
from synthgen.molecular.examples import Examples
from synthgen.molecular.model import GraphGAN
from synthgen.molecular.representation import Representation
from synthgen.molecular.steps import MOST_FREE, NEAR, Steps
from synthgen.molecular.warmstart import GraphGANConfig, lengths
from synthgen.privacy.ledger import PrivateTable
from synthgen.training.loop import TrainingRecord
from synthgen.training.private import DescentConfig, train_privately
from synthgen.training.run import Run, load_weights, parse_options

# parts of the budget
COUNT_SHARE, WORDS_SHARE, LENGTH_SHARE = 0.005, 0.04, 0.01
# different actions by which a molecule counts for the vocabulary, and actions it may have
_MOST_WORDS, _MOST_ACTIONS = 16, 400
# of the molecules, those that the bought length leaves out
_LONGER = 0.005


class DPGraphConfig(DescentConfig):
    """Options of ``model="dp-graph"``, beside those of `DescentConfig`.

    Attributes:
        hidden: Units of both layers.
    """

    steps: int = Field(600, ge=1)
    sampling_rate: float = Field(0.02, gt=0, le=1)
    learning_rate: float = Field(5e-3, gt=0)
    hidden: int = Field(128, ge=1, le=2048)


@dataclass(frozen=True)
class Sequences:
    """Molecules as actions, to be taken by index."""

    actions: Sequence[list[Action]]

    def __len__(self) -> int:
        return len(self.actions)

    def take(self, rows: np.ndarray) -> Sequences:
        """The given molecules (k,)."""
        return Sequences([self.actions[i] for i in rows])


@dataclass(frozen=True)
class Codes:
    """Molecules as codes (n, length) int16, to be taken by row."""

    codes: np.ndarray

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: np.ndarray) -> Codes:
        """The given molecules (k,)."""
        return Codes(self.codes[rows])


def buy_vocabulary(table: PrivateTable[Sequences], n: float) -> Vocabulary:
    """The actions that many molecules take, and how many one takes at most.

    Raises:
        InvalidInputError: If the budget is too small for any.
    """

    def words(held: Sequences) -> dict[Any, int]:
        # the same choice whatever the other molecules are
        distinct = (sorted(set(s), key=repr)[:_MOST_WORDS] for s in held.actions)
        return dict(Counter(word for own in distinct for word in own))

    known = set(table.levels("actions", words, WORDS_SHARE, 1.0, most=_MOST_WORDS))

    def length(held: Sequences) -> np.ndarray:
        return np.array([min(len(s), _MOST_ACTIONS) for s in held.actions], np.int64)

    counts = table.histogram("lengths", length, _MOST_ACTIONS + 1, LENGTH_SHARE)
    noise = table.sigma(LENGTH_SHARE, 1)
    counts = np.where(counts > 3 * noise, counts, 0.0)
    above = counts[::-1].cumsum()[::-1]
    longest = int(np.flatnonzero(above > _LONGER * n).max(initial=0))
    if longest < 2 or len(known) < 3:
        raise InvalidInputError(
            "the budget is too small for a vocabulary: no action is in molecules enough to stand "
            "out of the noise; raise epsilon, or take more molecules"
        )
    return Vocabulary.made(known, longest)


def encoded(held: Sequences, vocabulary: Vocabulary) -> Codes:
    """Codes of the molecules that the vocabulary has words for."""
    known = set(vocabulary.actions)
    kept = [s for s in held.actions if len(s) <= vocabulary.max_length and known.issuperset(s)]
    return Codes(vocabulary.encode([[s] for s in kept])[1])


class StateNetwork(nn.Module):
    """Logits (n, length, n_actions) of actions given the state of the path and the last action."""

    prospects: ClassVar[None] = None
    n_properties: ClassVar[int] = 0

    def __init__(self, vocabulary: Vocabulary, hidden: int) -> None:
        super().__init__()
        self.sizes = Sizes(hidden, 1, 1)
        self.n_actions, self.n_atoms = len(vocabulary), len(vocabulary.atoms)
        self.max_length = vocabulary.max_length
        path = NEAR * (self.n_atoms + 1 + MOST_FREE + 2)
        self.inside = nn.Linear(self.n_actions + path + 1, hidden)
        self.middle = nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, self.n_actions)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @property
    def bias(self) -> Tensor:
        """That of the output."""
        return self.out.bias

    def for_products(self, dtype: torch.dtype) -> StateNetwork:
        """Itself: it is small."""
        return self

    @override
    def forward(self, steps: Steps, cache: Cache | None = None) -> Tensor:
        free = steps.free.clamp(max=MOST_FREE + 1)
        length = steps.before.shape[1]
        place = torch.arange(steps.first, steps.first + length, device=free.device).float()
        told = [
            F.one_hot(steps.before, self.n_actions).float(),
            F.one_hot(steps.atom, self.n_atoms + 1).float().flatten(2),
            F.one_hot(free, MOST_FREE + 2).float().flatten(2),
            (place / self.max_length).expand(len(free), -1)[:, :, None],
        ]
        x = torch.tanh(self.inside(torch.cat(told, 2)))
        out: Tensor = self.out(x + torch.tanh(self.middle(x)))
        return out.float()


class DPGraph(GraphGAN):
    """A generator of molecules trained with differential privacy."""

    name: ClassVar[str] = "dp-graph"
    has_conditions: ClassVar[bool] = False

    @staticmethod
    def orders(n: int, held: Representation, options: dict[str, Any]) -> int:
        """None: a molecule is one record, in one order."""
        return 0

    @classmethod
    def fit(
        cls, examples: Examples, options: dict[str, Any], run: Run
    ) -> tuple[GraphGAN, TrainingRecord]:
        """Refused: see `fit_private`."""
        raise InvalidInputError(
            f"model {cls.name} is trained with differential privacy: give epsilon and delta"
        )

    @classmethod
    def fit_private(
        cls,
        table: PrivateTable[Sequences],
        held: Representation,
        vocabulary: Vocabulary,
        n: float,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[DPGraph, TrainingRecord]:
        """Train with all that is left of the ledger's budget.

        Args:
            table: Molecules, each once.
            held: What they are.
            vocabulary: Bought.
            n: Their noisy number.
            options: Options of the model.
            run: The circumstances.

        Raises:
            InvalidInputError: If an option is unknown, or the budget is too small.
            BudgetError: If the time limit leaves no room for a step.
        """
        config = parse_options(DPGraphConfig, options)
        rows = table.mapped(lambda sequences: encoded(sequences, vocabulary))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.streams.integer("weights"))
            network = StateNetwork(vocabulary, config.hidden)
        rules = Rules.of(vocabulary, torch.device("cpu"))
        made_up = Codes(np.zeros((config.expected(n), vocabulary.max_length), np.int16))

        def losses(module: nn.Module, part: Codes) -> Tensor:
            return -log_likelihood(module, rules, part.codes)

        config, record = train_privately(
            network,
            losses,
            lambda: _cost(network, made_up).sum(),
            rows,
            n,
            config,
            run,
            what="gradients of the likelihood",
        )
        return cls._of(held, vocabulary, config, network), record

    @classmethod
    def _of(
        cls,
        held: Representation,
        vocabulary: Vocabulary,
        config: DPGraphConfig,
        network: StateNetwork,
    ) -> DPGraph:
        base = parse_options(GraphGANConfig, {})
        found = cls(held, vocabulary, base, network)  # type: ignore[arg-type]
        found.own_options = config
        return found

    own_options: DPGraphConfig

    @override
    def config(self) -> dict[str, Any]:
        return self.own_options.model_dump()

    @override
    def weights(self) -> dict[str, np.ndarray]:
        return {name: value.cpu().numpy() for name, value in self.network.state_dict().items()}

    @classmethod
    @override
    def load(
        cls,
        representation: Representation,
        vocabulary: Vocabulary,
        config: dict[str, Any],
        weights: dict[str, np.ndarray],
        n_properties: int,
    ) -> DPGraph:
        options = parse_options(DPGraphConfig, config, stored=True)
        network = StateNetwork(vocabulary, options.hidden)
        load_weights({"": network}, weights)
        return cls._of(representation, vocabulary, options, network)


def log_likelihood(network: nn.Module, rules: Rules, codes: np.ndarray) -> Tensor:
    """Log probability (n,) of building molecules by these actions (n, length)."""
    longest = int(lengths(codes).max(initial=1))
    action = torch.as_tensor(codes[:, :longest].astype(np.int64))
    steps, may = replay(action, rules)
    log = network(steps).masked_fill(~may, -torch.inf).log_softmax(-1)
    chosen: Tensor = log.gather(2, action.unsqueeze(2)).squeeze(2)
    return chosen.sum(1)


def _cost(network: StateNetwork, rows: Codes) -> Tensor:
    """What takes as long as the loss of as many molecules: no molecule has to be sound for it."""
    n, length = rows.codes.shape
    nothing = torch.full((n, length), END)
    path = torch.zeros(n, length, NEAR, dtype=torch.long)
    logits: Tensor = network(Steps(nothing, path, path))
    return logits.logsumexp(-1).sum(1)
