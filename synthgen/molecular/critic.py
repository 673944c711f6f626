"""The critic: a relational graph network that tells drawn molecules from real ones.

It sees a molecule as chemists do, whatever the order in which it was built: atoms with their
element, charge, hydrogens, aromaticity, chirality and ring, and bonds of several kinds. A layer
adds to every atom what its neighbours tell it along each kind of bond (Schlichtkrull et al., 2018,
equation 2),

    x_i += B silu(A_0 norm(x_i) + sum_r sum_{j in N_r(i)} A_r norm(x_j)),

and the logit is read from the sum, the mean and the maximum over atoms. At its optimum, trained on
as many real as drawn molecules, it is log p_real / p_drawn (Goodfellow et al., 2014, proposition
1): its exponential is the weight that turns drawn molecules into real ones.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.chemistry import Edges, Nodes
from synthgen.molecular.odds import log_odds
from synthgen.molecular.representation import Representation
from synthgen.seeds import Streams
from synthgen.threads import in_batches
from synthgen.training.device import fast_bfloat16

_WIDTH, _LAYERS = 128, 4
_BATCH = 512
_EVALUATE_EVERY, _PATIENCE = 50, 6
# of the time that is left, what steps are planned for
_SPARE = 0.9


@dataclass(frozen=True)
class Graphs:
    """Many molecules as one graph.

    Shape:
        nodes: (n_nodes, n_fields) int64, all fields numbered through.
        source, target, relation: (n_edges,) int64; what the source says the target hears.
        first: (n + 1,) int64 where each molecule's nodes begin; ``edge`` the same of edges.
        relations: Kinds of edges.
    """

    nodes: np.ndarray
    source: np.ndarray
    target: np.ndarray
    relation: np.ndarray
    first: np.ndarray
    edge: np.ndarray
    relations: int

    def __len__(self) -> int:
        return len(self.first) - 1

    @classmethod
    def of(cls, found: Sequence[tuple[Nodes, Edges]], held: Representation) -> Graphs:
        """Of nodes and edges as the representation gives them."""
        fields = len(held.node_fields)
        sizes = np.array([len(nodes) // fields for nodes, _ in found], np.int64)
        bonds = np.array([len(edges) // 3 for _, edges in found], np.int64)
        start = np.r_[0, np.cumsum(held.node_fields)[:-1]]
        nodes = _flat(nodes for nodes, _ in found).reshape(-1, fields)
        edges = _flat(edges for _, edges in found).reshape(-1, 3)
        first = np.r_[0, sizes.cumsum()]
        # numbers within a molecule: a batch of any of them is put together from slices
        source, target, relation = edges.T
        edge = np.r_[0, bonds.cumsum()]
        return cls(nodes + start, source, target, relation, first, edge, held.relations)

    @classmethod
    def of_texts(cls, texts: Sequence[str], held: Representation) -> Graphs:
        """Of canonical texts."""
        return cls.of([held.relational(text) for text in texts], held)

    def take(self, rows: np.ndarray) -> Graphs:
        """Some molecules."""
        sizes, bonds = np.diff(self.first)[rows], np.diff(self.edge)[rows]
        nodes, edges = _ranges(self.first[rows], sizes), _ranges(self.edge[rows], bonds)
        held = (self.source[edges], self.target[edges], self.relation[edges])
        first, edge = np.r_[0, sizes.cumsum()], np.r_[0, bonds.cumsum()]
        return Graphs(self.nodes[nodes], *held, first, edge, self.relations)

    def batch(self, rows: np.ndarray) -> Batch:
        """Some molecules, put together."""
        sizes, bonds = np.diff(self.first)[rows], np.diff(self.edge)[rows]
        nodes, edges = _ranges(self.first[rows], sizes), _ranges(self.edge[rows], bonds)
        offset = np.repeat(np.r_[0, sizes.cumsum()[:-1]], bonds)
        told = (self.source[edges] + offset) * self.relations + self.relation[edges]
        return Batch(
            torch.from_numpy(self.nodes[nodes]),
            torch.from_numpy(told),
            torch.from_numpy(self.target[edges] + offset),
            torch.from_numpy(np.repeat(np.arange(len(rows)), sizes)),
            len(rows),
            self.relations,
        )


@dataclass(frozen=True)
class Batch:
    """Molecules put together.

    Shape:
        nodes: (n_nodes, n_fields); told: (n_edges,) node that tells and along which kind of bond;
        target: (n_edges,) node that hears it; owner: (n_nodes,) molecule.
    """

    nodes: Tensor
    told: Tensor
    target: Tensor
    owner: Tensor
    n: int
    relations: int

    def to(self, device: torch.device) -> Batch:
        """On another device."""
        nodes, told = self.nodes.to(device), self.told.to(device)
        target, owner = self.target.to(device), self.owner.to(device)
        return Batch(nodes, told, target, owner, self.n, self.relations)


def _flat(rows: Iterable[list[int]]) -> np.ndarray:
    """Their numbers one after another, sooner than as an array of lists."""
    return np.fromiter(chain.from_iterable(rows), np.int64)


def _ranges(start: np.ndarray, size: np.ndarray) -> np.ndarray:
    """start[0], start[0] + 1, ... of ``size[0]``, then those of the next."""
    before = np.repeat(np.r_[0, size.cumsum()[:-1]], size)
    return np.asarray(np.repeat(start, size) + np.arange(int(size.sum())) - before)


class GraphCritic(nn.Module):
    """See the module; ``forward`` gives logits (n,) of graphs of ``held``."""

    def __init__(self, held: Representation, width: int = _WIDTH, layers: int = _LAYERS) -> None:
        super().__init__()
        self.fields = nn.Embedding(sum(held.node_fields), width)
        self.layers = nn.ModuleList(_Relational(width, held.relations) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.read = nn.Linear(3 * width, width)
        self.out = nn.Linear(width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    @override
    def forward(self, batch: Batch) -> Tensor:
        x = self.fields(batch.nodes).sum(1)
        for layer in self.layers:
            x = layer(x, batch)
        x = self.norm(x)
        total = x.new_zeros(batch.n, x.shape[1]).index_add(0, batch.owner, x)
        count = torch.bincount(batch.owner, minlength=batch.n).unsqueeze(1)
        index = batch.owner.unsqueeze(1).expand(-1, x.shape[1])
        most = x.new_zeros(batch.n, x.shape[1]).scatter_reduce(
            0, index, x, "amax", include_self=False
        )
        # atoms in tens: sums stay of the size of means
        read = torch.cat([total / 10, total / count, most], 1)
        out: Tensor = self.out(F.silu(self.read(read))).squeeze(1)
        return out.float()


class _Relational(nn.Module):
    def __init__(self, width: int, relations: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.own = nn.Linear(width, width)
        self.told = nn.Linear(width, relations * width, bias=False)
        self.out = nn.Linear(width, width)

    @override
    def forward(self, x: Tensor, batch: Batch) -> Tensor:
        y = self.norm(x)
        told = self.told(y).view(len(x) * batch.relations, -1).index_select(0, batch.told)
        heard = self.own(y).index_add(0, batch.target, told)
        out: Tensor = x + self.out(F.silu(heard))
        return out


class CriticTrainer:
    """Teaches a critic to tell real molecules from drawn ones, one step after another.

    Args:
        critic: Changed in place.
        streams: Random streams.
        device: Where.
        learning_rate: Highest (AdamW).
    """

    STATE = ("critic", "rng", "n_steps", "optimizer")

    def __init__(
        self,
        critic: GraphCritic,
        streams: Streams,
        device: torch.device,
        learning_rate: float = 1e-3,
    ) -> None:
        self.critic, self.device, self.learning_rate = critic, device, learning_rate
        self.rng, self.n_steps = streams.numpy("critic"), 0
        self.optimizer = torch.optim.AdamW(
            critic.parameters(), lr=learning_rate, weight_decay=0.05, fused=True
        )

    def step(self, sides: tuple[Graphs, Graphs], share: float = 1.0) -> float:
        """One step on batches of real and drawn molecules, at a share of the highest rate."""
        self.n_steps += 1
        self.critic.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * min(1.0, self.n_steps / 50) * share
        rows = [self.rng.integers(len(side), size=_BATCH) for side in sides]
        loss = _loss(self.critic, sides, rows, self.device)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        self.optimizer.step()
        return float(loss.detach())

    def until_learned(
        self,
        learned: tuple[Graphs, Graphs],
        judging: tuple[Graphs, Graphs],
        max_steps: int,
        deadline: float | None = None,
    ) -> tuple[float, int]:
        """Steps at a falling rate until those that judge gain no more; keeps the best weights.

        Args:
            learned: Real and drawn molecules to learn from.
            judging: Real and drawn ones to stop by. Where the generator knows the real ones that
                are learned from, these must be ones it does not.
            max_steps: Of the whole.
            deadline: Value of ``time.monotonic()`` by which to be ready: the time that the first
                steps took says how many there will be.

        Returns the mean log loss on the judging ones, log 2 where it learned nothing, and how many
        steps were planned: as many, asked for without a deadline, are the same steps.
        """
        critic, waited, step = self.critic, 0, 0
        best, kept = _loss_on(critic, judging, self.device), copy.deepcopy(critic.state_dict())
        started = time.monotonic()
        while step < max_steps:
            step += 1
            # the first ones at the full rate: they do not know yet how many follow
            falling = max(step - _EVALUATE_EVERY, 0) / max(max_steps + 1 - _EVALUATE_EVERY, 1)
            self.step(learned, 1 - falling)
            if step % _EVALUATE_EVERY == 0:
                if step == _EVALUATE_EVERY and deadline is not None:
                    left = (deadline - time.monotonic()) / (time.monotonic() - started)
                    max_steps = min(max_steps, int(step * (1 + max(_SPARE * left, 0.0))))
                found = _loss_on(critic, judging, self.device)
                waited = 0 if found < best else waited + 1
                if found < best:
                    best, kept = found, copy.deepcopy(critic.state_dict())
                if waited >= _PATIENCE:
                    break
        critic.load_state_dict(kept)
        critic.eval()
        self._calibrate(judging)
        return best, max_steps

    @torch.no_grad()
    def _calibrate(self, judging: tuple[Graphs, Graphs]) -> None:
        """Scale and shift the logits so that they are log odds on molecules not learned from.

        By logistic regression on them (Platt, 1999): a critic is surer than it has reason to be.
        """
        real, drawn = (
            logits(self.critic, side, self.device).double().numpy()[:, None] for side in judging
        )
        if np.ptp(np.concatenate([real, drawn])) < 1e-6:
            return
        intercept, slope = log_odds(real, drawn)
        slope = float(np.clip(slope, 0.0, 1.0))
        self.critic.out.weight *= slope
        self.critic.out.bias.mul_(slope).add_(float(intercept))


def _loss(
    critic: GraphCritic,
    sides: tuple[Graphs, Graphs],
    rows: Sequence[np.ndarray],
    device: torch.device,
) -> Tensor:
    """Log loss of real (first) against drawn molecules."""
    with torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device)):
        real, drawn = (
            critic(side.batch(chosen).to(device)) for side, chosen in zip(sides, rows, strict=True)
        )
    return (F.softplus(-real).mean() + F.softplus(drawn).mean()) / 2


@torch.no_grad()
def _loss_on(critic: GraphCritic, sides: tuple[Graphs, Graphs], device: torch.device) -> float:
    critic.eval()
    losses = [
        F.softplus(-sign * logits(critic, side, device)).mean()
        for side, sign in zip(sides, (1, -1), strict=True)
    ]
    return float(sum(losses)) / 2


def logits(critic: GraphCritic, graphs: Graphs, device: torch.device) -> Tensor:
    """Logits (n,) of molecules."""
    found = torch.zeros(len(graphs))

    def batch(rows: slice) -> None:
        part = graphs.batch(np.arange(rows.start, rows.stop)).to(device)
        amp = torch.autocast(device.type, torch.bfloat16, enabled=fast_bfloat16(device))
        with torch.no_grad(), amp:
            found[rows] = critic(part).cpu()

    in_batches(batch, len(graphs), 2 * _BATCH, device)
    return found
