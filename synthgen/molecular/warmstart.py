"""The warm start: maximum likelihood of the actions that build the molecules.

Actions that chemistry forbids have no probability, so nothing has to be learned about them. Beside
the actions, the likelihood of the molecules' properties given each step is learned (`Prospects`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from synthgen.molecular.attention import Sizes
from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import replay
from synthgen.molecular.network import ActionNetwork
from synthgen.seeds import Streams
from synthgen.training.device import fast_bfloat16
from synthgen.training.loop import Metrics
from synthgen.training.muon import Muon
from synthgen.training.schedule import Schedule

# batches that are sorted by length together
_SORTED = 32
# pairs of steps that attention holds at once: beyond, a batch goes through in parts
_PAIRS = 4_000_000
# molecules of a batch that is evaluated
_EVALUATED = 1024
# actions of a batch
_BATCH_ACTIONS = 4_000
# share of the molecules of a batch whose properties are learned
_TOLD = 0.5
# molecules below which random orders of their atoms help
_SMALL = 50_000


class GraphGANConfig(BaseModel):
    """Options of ``model="graphgan"``.

    Attributes:
        width, layers, heads: Sizes of the action network.
        dropout: Share of a layer's units that a molecule trains without; ``None`` fits it to the
            number of molecules.
        batch_size: Molecules in a batch; ``None`` fits it to their number.
        learning_rate: Highest (Muon).
        weight_decay: Of matrices.
        orders: Random orders of the atoms that a molecule is learned in beside the canonical one;
            ``None`` takes more of them the fewer molecules there are.
        max_steps: Steps of the warm start; ``None`` fits them to the number of molecules.
        patience: Evaluations without a better likelihood after which the learning rate falls.
        adversary: How the generator learns from a critic: by "steering", or "none".
        adversary_rounds: Rounds of the adversarial stage; ``None`` takes one.
        adversary_drawn: Molecules drawn in a round; ``None`` takes as many as real ones, 20,000 at
            most, fewer where time is short.
        critic: How molecules are weighted at sampling: by a "graph" critic, or "none".
        critic_steps: Steps that it is trained for at most.
        critic_drawn: Molecules drawn for it to learn from and to be judged by; ``None`` takes as
            many as real ones, fewer where time is short.
        pool: Molecules drawn for each one that the critic lets through.
        guidance: Power of the likelihood of what is wanted; 1 is Bayes' theorem; see `draw`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = Field(256, ge=16, le=2048)
    layers: int = Field(4, ge=1, le=24)
    heads: int = Field(8, ge=1)
    dropout: float | None = Field(None, ge=0, lt=1)
    batch_size: int | None = Field(None, ge=2)
    learning_rate: float = Field(4e-3, gt=0)
    weight_decay: float = Field(0.05, ge=0)
    orders: int | None = Field(None, ge=0, le=100)
    max_steps: int | None = Field(None, ge=1)
    patience: int = Field(3, ge=1)
    adversary: Literal["steering", "none"] = "steering"
    adversary_rounds: int | None = Field(None, ge=1)
    adversary_drawn: int | None = Field(None, ge=1)
    critic: Literal["graph", "none"] = "graph"
    critic_steps: int = Field(1500, ge=1)
    critic_drawn: int | None = Field(None, ge=1)
    pool: float = Field(2.0, ge=1, le=16)
    guidance: float = Field(1.5, ge=0, le=8)


def batch_rows(config: GraphGANConfig, codes: np.ndarray) -> int:
    """Molecules of a batch: fewer of a small set, so that an epoch is several steps.

    Of a large set as many as have about `_BATCH_ACTIONS` actions. In the time that a CPU has, many
    small steps bring more than few large ones.
    """
    n = len(codes)
    if config.batch_size or not n:
        return min(n, config.batch_size or n)
    room = int(_BATCH_ACTIONS / lengths(codes).mean())
    return min(n, max(n // 16, 32), max(room, 32))


def random_orders(config: GraphGANConfig, n: int) -> int:
    """Random orders of each of ``n`` molecules: few molecules are soon known by heart."""
    if config.orders is not None:
        return config.orders
    orders = min(_SMALL // max(n, 1), 20)
    return orders if orders > 1 else 0


def sizes(config: GraphGANConfig, n: int) -> Sizes:
    """Widths, and dropout for sets that the network could learn by heart."""
    dropout = config.dropout
    if dropout is None:
        dropout = 0.0 if n >= 50_000 else 0.1 if n >= 10_000 else 0.25
    return Sizes(config.width, config.layers, config.heads, dropout)


class WarmStart:
    """Likelihood training, one step after another.

    Shape:
        codes: (n, length) int16, `END` (0) after the end.
        scores: (n, n_properties) float32 normal scores, NaN where unknown.
        batches: (k, batch) rows of the batches that are left of a pass.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "network", "optimizer", "schedule", "rng", "batches", "best", "best_loss", "waited",
    )  # fmt: skip

    def __init__(
        self,
        config: GraphGANConfig,
        network: ActionNetwork,
        rules: Rules,
        train: tuple[np.ndarray, np.ndarray],
        held_out: tuple[np.ndarray, np.ndarray],
        streams: Streams,
        max_steps: int,
        time_used: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.config, self.network, self.rules = config, network, rules
        self.codes, self.scores = train
        self.held_out = held_out
        self.device = rules.kind.device
        self.rng = streams.numpy("rows")
        self.length = lengths(self.codes)
        self.batch_size = batch_rows(config, self.codes)
        self.schedule = Schedule(max_steps, time_used)
        self.batches = np.zeros((0, self.batch_size), np.int64)
        layers = [network.blocks, *([network.prospects] if network.prospects is not None else [])]
        inner = [
            module.weight
            for part in layers
            for module in part.modules()
            if isinstance(module, nn.Linear)
        ]
        known = {id(p) for p in inner}
        self.optimizer = Muon(
            inner,
            [p for p in network.parameters() if id(p) not in known],
            config.learning_rate,
            config.weight_decay,
        )
        self.best = copy.deepcopy(network.state_dict())
        self.best_loss, self.waited = float("inf"), 0

    def step(self) -> Metrics:
        """One step of gradient descent; its loss in nats a molecule."""
        if self.schedule.due():
            self._restore()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * self.schedule.rate()
        self.schedule.stepped()
        self.optimizer.zero_grad()
        total = self.backward()
        clip_gradients(self.network)
        self.optimizer.step()
        return {"loss": total}

    def _next_rows(self) -> np.ndarray:
        """The next batch of a shuffled pass: molecules of about one length."""
        if not len(self.batches):
            self.batches = self._pass()
        rows, self.batches = self.batches[0], self.batches[1:]
        return np.asarray(rows)

    def _pass(self) -> np.ndarray:
        order, size = self.rng.permutation(len(self.codes)), self.batch_size
        order = order[: len(order) // size * size]
        batches = []
        for start in range(0, len(order), size * _SORTED):
            chunk = order[start : start + size * _SORTED]
            chunk = chunk[np.argsort(self.length[chunk], kind="stable")]
            batches += [chunk[k : k + size] for k in range(0, len(chunk), size)]
        return np.stack(batches)[self.rng.permutation(len(batches))]

    def backward(self) -> float:
        """Add the gradient of the next batch's mean negative log likelihood; returns that.

        Of actions alone: that of properties, of which the gradient is added too, is not returned.
        """
        rows = self._next_rows()
        is_told = self.rng.random(len(rows)) < _TOLD
        self.network.train()
        total = 0.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self.rng.integers(2**62)))
            for part in parts(self.length[rows]):
                of = rows[part]
                codes = self.codes[of, : self.length[of].max()].astype(np.int64)
                scores = np.where(is_told[part, None], self.scores[of], np.nan)
                loss, told = (
                    -found.sum() / len(rows)
                    for found in log_likelihood(
                        self.network,
                        self.rules,
                        torch.as_tensor(codes, device=self.device),
                        torch.as_tensor(scores, device=self.device),
                    )
                )
                torch.autograd.backward(loss + told)
                total += float(loss.detach())
        return total

    def _restore(self) -> None:
        """Go back to the best weights."""
        if np.isfinite(self.best_loss):
            self.network.load_state_dict(self.best)

    def evaluate(self) -> Metrics:
        """Loss of held-out molecules, in nats a molecule."""
        loss = -float(log_likelihoods(self.network, self.rules, self.held_out[0]).mean())
        improved = loss < self.best_loss
        self.waited = 0 if improved else self.waited + 1
        if improved:
            self.best_loss = loss
            self.best = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        if self.schedule.descent_from is None and self.waited >= self.config.patience:
            self.schedule.converged()
            self._restore()
        return {"score": loss}

    def kept(self) -> dict[str, Tensor]:
        """The weights as they are."""
        return self.network.state_dict()

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate from here on."""
        self.schedule.slow_down(factor)


def log_likelihood(
    network: ActionNetwork, rules: Rules, action: Tensor, scores: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Log probability (n,) of building molecules by these actions (n, length).

    Also that of their properties' ``scores`` (n, n_properties), NaN where unknown, after each
    action: (n,), the sum over steps of the mean over properties. It has no gradient in what tells
    the actions.
    """
    steps, may = replay(action, rules)
    device = action.device
    with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
        hidden = network.hidden(steps)
        logits = network.logits(hidden)
    log = logits.masked_fill(~may, -torch.inf).log_softmax(-1)
    # after the end there is nothing to choose: END alone is allowed, with probability 1
    found = log.gather(2, action.unsqueeze(2)).squeeze(2).sum(1)
    of_properties = torch.zeros_like(found)
    if network.prospects is None or scores is None:
        return found, of_properties
    rows = torch.nonzero(scores.isfinite().any(1)).flatten()
    if len(rows):
        steps, action, scores = steps.take(rows), action[rows], scores[rows, None]
        with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
            told = network.prospects.taken(hidden[rows].detach(), steps, action)
        density = told.log_density(scores.nan_to_num()) * scores.isfinite()
        is_step = nn.functional.pad(action[:, :-1], (1, 0), value=1) != 0
        of_properties = of_properties.index_add(0, rows, (density.mean(2) * is_step).sum(1))
    return found, of_properties


def clip_gradients(network: ActionNetwork) -> None:
    """Of the network of actions and of what reads it, each by itself."""
    told = [] if network.prospects is None else list(network.prospects.parameters())
    own = {id(p) for p in told}
    for part in (told, [p for p in network.parameters() if id(p) not in own]):
        nn.utils.clip_grad_norm_(part, 1.0)


@torch.no_grad()
def log_likelihoods(network: ActionNetwork, rules: Rules, codes: np.ndarray) -> np.ndarray:
    """Log probability (n,) float64 of building many molecules."""
    network.eval()
    length = lengths(codes)
    order = np.argsort(length, kind="stable")
    found = np.zeros(len(codes))
    for start in range(0, len(codes), _EVALUATED):
        chunk = order[start : start + _EVALUATED]
        for part in parts(length[chunk]):
            rows = chunk[part]
            action = codes[rows, : length[rows].max()].astype(np.int64)
            at = torch.as_tensor(action, device=rules.kind.device)
            log, _ = log_likelihood(network, rules, at)
            found[rows] = log.double().cpu().numpy()
    return found


def parts(length: np.ndarray) -> list[np.ndarray]:
    """Indices of rows of these lengths in parts that attention has room for, mostly one."""
    rows = max(1, _PAIRS // int(length.max()) ** 2)
    return np.array_split(np.arange(len(length)), -(-len(length) // rows))


def lengths(codes: np.ndarray) -> np.ndarray:
    """Actions of each molecule, `END` included."""
    return np.asarray(np.minimum((codes != 0).sum(1) + 1, codes.shape[1]))
