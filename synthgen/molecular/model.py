"""``model="graphgan"``: fit, draw and load the generator of molecular graphs."""

from __future__ import annotations

import copy
import time
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from synthgen.adversarial.trees import systematic
from synthgen.errors import ConditionError, InvalidInputError, ModelFileError
from synthgen.molecular.actions import Vocabulary
from synthgen.molecular.adversary import Adversary
from synthgen.molecular.construction import Rules
from synthgen.molecular.critic import CriticTrainer, GraphCritic, Graphs, logits
from synthgen.molecular.decoding import Decoded, decode
from synthgen.molecular.drawing import Draws, draw
from synthgen.molecular.examples import Examples
from synthgen.molecular.fragments import Fragment
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.odds import Odds
from synthgen.molecular.outcomes import Beside
from synthgen.molecular.representation import KINDS, Molecules, Representation
from synthgen.molecular.stages import against, split, warm_start
from synthgen.molecular.tally import contributions
from synthgen.molecular.warmstart import (
    GraphGANConfig,
    log_likelihoods,
    random_orders,
    sizes,
)
from synthgen.seeds import Streams
from synthgen.training.loop import TrainingRecord
from synthgen.training.run import Run, StageClock, load_weights, parse_options

# molecules held out below which there are too few to judge a critic
_MIN_JUDGING = 200
# molecules below which a critic that goes on learning would know them by heart
_MIN_ADVERSARIAL = 10_000
# of the time that a limit leaves, what the adversarial stage and the critic's last lesson may take
_ADVERSARY_SHARE, _CRITIC_SHARE = 0.2, 0.15
# of the time for that lesson the share of drawing; molecules that tell how fast it goes
_DRAWING_SHARE, _TIMED = 0.5, 1024
# weights up to e^2: with more, few molecules come often
_MAX_LOGIT = 2.0
# of conditions: molecules to choose from for each one; those on columns beside weigh up to e^3
_CHOICE, _MAX_ODDS = 3, 3.0
_NO_ADVERSARY = (
    "the generator was not trained against the critic: the time left would not do; give more time, "
    "or set adversary=none"
)
_NO_CRITIC = (
    "there is no critic to choose among draws: the time was over, or too few draws were molecules; "
    "give more time, or set critic=none"
)


class GraphGAN:
    """A trained generator of actions."""

    name: ClassVar[str] = "graphgan"
    vocabulary_class: ClassVar[type[Vocabulary]] = Vocabulary
    has_conditions: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = KINDS

    def __init__(
        self,
        representation: Representation,
        vocabulary: Vocabulary,
        options: GraphGANConfig,
        network: ActionNetwork,
        critic: GraphCritic | None = None,
    ) -> None:
        self.representation, self.vocabulary = representation, vocabulary
        self.options, self.critic = options, critic
        self.network = network.eval().requires_grad_(False)
        self.rules = Rules.of(vocabulary, network.bias.device)
        self.fragment: Fragment | None = None
        self.odds: Odds | None = None

    @staticmethod
    def orders(n: int, held: Representation, options: dict[str, Any]) -> int:
        """Random orders of each of ``n`` molecules; see `random_orders`."""
        config = parse_options(GraphGANConfig, options)
        if config.orders and not held.reorders:
            raise InvalidInputError(
                f"orders={config.orders}: {held.kind} have one order; leave it out"
            )
        return random_orders(config, n) if held.reorders else 0

    @classmethod
    def fit(
        cls, examples: Examples, options: dict[str, Any], run: Run
    ) -> tuple[GraphGAN, TrainingRecord]:
        """Train on molecules, the orders of one molecule held out together.

        Raises:
            InvalidInputError: If an option is unknown or out of range.
        """
        config = parse_options(GraphGANConfig, options)
        held = examples.representation
        parts = split(examples, run.streams.numpy("held-out"))
        n = len(parts.train[0])
        has_critic = config.critic == "graph" and len(parts.judging) >= _MIN_JUDGING
        has_adversary = config.adversary == "steering" and len(parts.learned) >= _MIN_ADVERSARIAL
        shares = (_ADVERSARY_SHARE * has_adversary, _CRITIC_SHARE * has_critic)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.streams.integer("weights"))
            network = _network(examples.vocabulary, config, examples.scores.shape[1], n)
            critic = GraphCritic(held)
        network.to(run.device)
        rules = Rules.of(examples.vocabulary, run.device)
        if network.prospects is not None:
            rng = run.streams.numpy("tally")
            found = contributions(*parts.train, rules, len(examples.vocabulary.atoms), rng)
            network.prospects.tally.keep(*found)
        record = warm_start(config, network, rules, parts, sum(shares), run)
        trainer = CriticTrainer(critic.to(run.device), run.streams.child("critic"), run.device)
        if (has_critic or has_adversary) and not run.interrupt.asked:
            graphs = Graphs.of_texts(parts.learned, held), Graphs.of_texts(parts.judging, held)
        if has_adversary and not run.interrupt.asked:
            stage = run.stage("adversary")
            clock = StageClock(stage.start, run.deadline, shares[1] / sum(shares))
            streams = run.streams.child("adversary")
            adversary = Adversary(network, rules, examples, trainer, *graphs, streams)
            config = adversary.planned(config, clock.deadline)
            if config.adversary == "none":
                network.steering = None
                record.warnings.append(_NO_ADVERSARY)
            else:
                with run.interrupt.optional():
                    against(adversary, config.adversary_rounds or 1, stage, run, record)
        model = cls(held, examples.vocabulary, config, network)
        # cheap beside the training: a run that is resumed learns it again, to the same bytes
        if has_critic and not run.interrupt.asked:
            run.progress.stage("critic")
            with run.interrupt.optional():
                # where a molecule is learned in several orders, that of a draw is one of many
                codes = parts.held_out[0] if len(examples.codes) == len(examples.texts) else None
                model._fit_critic(trainer, *graphs, codes, run)
            if model.critic is None:
                record.warnings.append(_NO_CRITIC)
        return model, record

    def _fit_critic(
        self,
        trainer: CriticTrainer,
        learned: Graphs,
        judging: Graphs,
        codes: np.ndarray | None,
        run: Run,
    ) -> None:
        """A critic of drawn molecules against those that the network learned from.

        Of those the network knows too much: molecules that it does not know say when the critic has
        learned enough; from their ``codes``, where given, the `Odds` are learned.
        """
        streams = run.streams.child("critic/drawn")
        n = self.options.critic_drawn or len(learned) + len(judging)
        if self.options.critic_drawn is None and run.deadline is not None:
            n = min(n, self._in_time(run.deadline, run.streams.child("critic/timed")))
        if n < 2 * _MIN_JUDGING:
            return
        self.options = self.options.model_copy(update={"critic_drawn": n})
        found, draws = self._decoded(n, streams, relations=True)
        drawn = self._graphs(found).take(found.of_row)
        if len(drawn) < 2 * _MIN_JUDGING:
            return
        n = min(len(judging), len(drawn) // 2)
        judged = drawn.take(np.arange(n))
        _, steps = trainer.until_learned(
            (learned, drawn.take(np.arange(n, len(drawn)))),
            (judging, judged),
            self.options.critic_steps,
            run.deadline,
        )
        self.options = self.options.model_copy(update={"critic_steps": steps})
        self.critic = trainer.critic.eval().requires_grad_(False)
        if codes is not None:
            self.odds = Odds.of(
                (self._logits(judging), log_likelihoods(self.network, self.rules, codes)),
                (self._logits(judged), draws.log_likelihood[:n]),
            )

    def _in_time(self, deadline: float, streams: Streams) -> int:
        """Molecules that can be drawn in a share of the time until the deadline."""
        started = time.monotonic()
        self._decoded(_TIMED, streams, relations=True)
        took = time.monotonic() - started
        return int(_TIMED * max(_DRAWING_SHARE * (deadline - time.monotonic()), 0.0) / took)

    def holding(self, fragment: object) -> GraphGAN:
        """This generator, of molecules that all hold a fragment, a SMILES.

        Raises:
            ConditionError: If it is not valid, or holds what the molecules learned from do not.
        """
        if self.representation.kind != Molecules.kind:
            raise ConditionError(f"fragment: {self.representation.kind} have none")
        found = copy.copy(self)
        found.fragment = Fragment.of(fragment, self.vocabulary, self.rules.kind.device)
        return found

    @property
    def n_properties(self) -> int:
        """Properties that conditions can be on."""
        return self.network.n_properties

    def sample(
        self, n: int, wanted: np.ndarray, streams: Streams, beside: Beside | None = None
    ) -> list[str]:
        """At most ``n`` valid molecules, canonical texts, let through by the critic.

        Args:
            n: Molecules wanted.
            wanted: (n_properties, 2) between which normal scores; NaN where nothing is wanted.
            streams: Random streams.
            beside: What is asked of columns that do not follow from the molecule.
        """
        is_wanted = ~np.isnan(wanted).any(axis=1)
        pool = 1.0 if self.critic is None else self.options.pool
        pool *= _CHOICE if is_wanted.any() else 1
        drawn, draws = self._decoded(
            int(np.ceil(pool * n)), streams, wanted, relations=self.critic is not None
        )
        rows = drawn.of_row
        weight = np.zeros(len(rows))
        if self.critic is not None:
            weight = self._logits(self._graphs(drawn))[rows]
            if self.odds is not None and self.fragment is None and not is_wanted.any():
                weight = self.odds(weight, draws.log_likelihood)
            weight = weight.clip(-_MAX_LOGIT, _MAX_LOGIT)
        if is_wanted.any():
            weight += self._as_wanted(drawn, draws, is_wanted, beside)
        if len(rows) > n:
            rng = streams.numpy("weighted")
            rows = rows[rng.permutation(systematic(np.exp(weight), n, rng))]
        return [drawn.texts[i] for i in rows[:n]]

    def _as_wanted(
        self, drawn: Decoded, draws: Draws, is_wanted: np.ndarray, beside: Beside | None
    ) -> np.ndarray:
        """Log weights (n,) of molecules drawn by conditions (Rubin's importance resampling, 1988).

        What the network expects of a whole molecule is more than it could know on the way. Columns
        beside say more than that: in its place counts what they say, over what it expected.
        """
        expected = self.options.guidance * draws.expected
        if beside is None:
            return np.asarray(expected.sum(1))
        is_beside = beside.is_asked[is_wanted]
        said = np.log(beside.chance(drawn.texts) + 1e-9)[drawn.of_row]
        odds = said - expected[:, is_beside].sum(1)
        return np.asarray(expected[:, ~is_beside].sum(1) + odds.clip(-_MAX_ODDS, _MAX_ODDS))

    def _decoded(
        self, n: int, streams: Streams, wanted: np.ndarray | None = None, *, relations: bool
    ) -> tuple[Decoded, Draws]:
        """``n`` molecules, and how they were drawn, of each that is valid.

        What did not end in time is left out.
        """
        drawn = draw(
            self.network, self.rules, n, streams, wanted, self.fragment, self.options.guidance
        )
        found = decode(
            drawn.codes,
            self.vocabulary,
            self.representation,
            relations=relations,
            jobs=torch.get_num_threads(),
        )
        return found, drawn.take(found.rows)

    def _logits(self, graphs: Graphs) -> np.ndarray:
        assert self.critic is not None
        found = logits(self.critic, graphs, self.rules.kind.device)
        return np.asarray(found.double().numpy())

    def _graphs(self, drawn: Decoded) -> Graphs:
        return Graphs.of(drawn.relations, self.representation)

    def config(self) -> dict[str, Any]:
        """JSON-ready options the model was trained with."""
        return {**self.options.model_dump(), "dropout": self.network.sizes.dropout}

    def weights(self) -> dict[str, np.ndarray]:
        """Named arrays that, with config and vocabulary, are the model."""
        parts = {"network": self.network, "critic": self.critic}
        arrays = {
            f"{part}.{name}": value.cpu().numpy()
            for part, held in parts.items()
            if held is not None
            for name, value in held.state_dict().items()
        }
        odds = {} if self.odds is None else {"odds": self.odds.coefficients}
        return arrays | odds

    @classmethod
    def load(
        cls,
        representation: Representation,
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
            if any(name.startswith("network.steering.") for name in weights):
                network.steer()
            has_critic = any(name.startswith("critic.") for name in weights)
            critic = GraphCritic(representation) if has_critic else None
        parts: dict[str, nn.Module] = {"network.": network}
        if critic is not None:
            parts["critic."] = critic
        load_weights(parts, weights, {"odds": (4,)} if "odds" in weights else {})
        for held in parts.values():
            held.eval().requires_grad_(False)
        model = cls(representation, vocabulary, options, network, critic)
        try:
            model.odds = Odds(weights["odds"]) if "odds" in weights else None
        except ValueError as error:
            raise ModelFileError(f"weights.safetensors: {error}; it is damaged") from None
        return model


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
