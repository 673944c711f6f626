"""MolGAN: one pass through one generator makes a whole molecule; its networks and its game.

After De Cao and Kipf, *MolGAN: An implicit generative model for small molecular graphs* (2018),
without its reward network (its lambda = 1). Of N places, T kinds of atoms and Y kinds of bonds the
generator gives, from z ~ N(0, I),

    h = tanh layers of 128, 256 and 512 units of z,
    X = softmax(W_x h)                   (N, T + 1) the kind of each atom, or none
    A = softmax((W_a h + W_a h^T) / 2)   (N, N, Y + 1) the bond of each pair, or none

of which a molecule is drawn place by place and pair by pair. The discriminator sees molecules
whatever the order of their atoms: two relational graph convolutions (equation 5) and a gated sum
over atoms (equation 6, from Li et al., 2016),

    h_i' = tanh(f_s(h_i, x_i) + sum_j sum_y A_ijy f_y(h_j, x_j))            64, then 32 units
    g = tanh(sum_i sigmoid(i(h_i, x_i)) tanh(j(h_i, x_i)))                  128 units

with a tanh layer of 128 units after it. Equation 5 divides the sum over neighbours by their number,
which the authors' program does not; nor is it done here, since a discriminator of averages hardly
sees how many bonds an atom has. On 2,000 molecules of QM9, after 100 steps, 28 % of draws were
valid without it and none with it. The game is Wasserstein's with the gradient penalty of Gulrajani
et al. (2017), on whole graphs (A, X): the norm of equation 3 there is of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.adversarial.losses import wasserstein_critic, wasserstein_generator
from synthgen.adversarial.penalties import gradient_penalty
from synthgen.adversarial.watchdog import IN_A_ROW
from synthgen.molecular.dense import DenseVocabulary
from synthgen.seeds import Streams
from synthgen.training.loop import Metrics
from synthgen.training.state import lower_rates

_HIDDEN = (128, 256, 512)
_CONVOLUTIONS = (64, 32)
_GRAPH = 128


class MolGANConfig(BaseModel):
    """Options of ``model="molgan"``.

    Attributes:
        noise_dim: Numbers that a molecule is made of.
        relaxation: What the discriminator sees in training: the probabilities ("softmax"), those
            with Gumbel noise ("gumbel"), or what is drawn of them, its gradient that of the noisy
            probabilities ("straight-through").
        temperature: Of probabilities with noise.
        batch_size: Molecules in a batch.
        learning_rate: Of both networks (Adam).
        critic_steps: Steps of the discriminator for each one of the generator.
        penalty_strength: Weight of the gradient penalty.
        least_uniqueness: Share of draws that have to differ, where all molecules of the data do;
            below it training ends.
        max_steps: Steps of the generator; ``None`` fits them to the number of molecules.
        evaluate_every: Steps between evaluations.
        patience: Evaluations without a better score after which training ends.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    noise_dim: int = Field(32, ge=1, le=1024)
    relaxation: Literal["softmax", "gumbel", "straight-through"] = "softmax"
    temperature: float = Field(1.0, gt=0)
    batch_size: int = Field(32, ge=2)
    learning_rate: float = Field(1e-3, gt=0)
    critic_steps: int = Field(5, ge=1)
    penalty_strength: float = Field(10.0, ge=0)
    least_uniqueness: float = Field(0.02, ge=0, lt=1)
    max_steps: int | None = Field(None, ge=1)
    evaluate_every: int = Field(200, ge=1)
    patience: int = Field(20, ge=1)


@dataclass(frozen=True)
class Sizes:
    """Places, kinds of atoms with none, and kinds of bonds without none."""

    places: int
    atoms: int
    bonds: int

    @classmethod
    def of(cls, vocabulary: DenseVocabulary) -> Sizes:
        """Of a vocabulary."""
        return cls(vocabulary.size, len(vocabulary.atoms) + 1, len(vocabulary.orders))


class MolGANGenerator(nn.Module):
    """Logits of dense graphs.

    Shape:
        noise (n, noise_dim) -> nodes (n, N, T + 1), pairs (n, N, N, Y + 1), the same for (i, j) and
        (j, i).
    """

    def __init__(self, sizes: Sizes, noise_dim: int) -> None:
        super().__init__()
        self.sizes = sizes
        widths = (noise_dim, *_HIDDEN)
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.layers = nn.ModuleList(layers)
        self.nodes = nn.Linear(widths[-1], sizes.places * sizes.atoms)
        self.pairs = nn.Linear(widths[-1], sizes.places**2 * (sizes.bonds + 1))

    @override
    def forward(self, noise: Tensor) -> tuple[Tensor, Tensor]:
        n, sizes = self.sizes.places, self.sizes
        h = noise
        for layer in self.layers:
            h = torch.tanh(layer(h))
        pairs = self.pairs(h).view(-1, n, n, sizes.bonds + 1)
        return self.nodes(h).view(-1, n, sizes.atoms), (pairs + pairs.transpose(1, 2)) / 2


class Discriminator(nn.Module):
    """Scores (n,) of flat dense graphs (n, N N Y + N (T + 1)); see `flat`."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        before = (0, *_CONVOLUTIONS[:-1])
        self.convolutions = nn.ModuleList(
            _Convolution(hidden + sizes.atoms, width, sizes.bonds)
            for hidden, width in zip(before, _CONVOLUTIONS, strict=True)
        )
        self.gate = nn.Linear(_CONVOLUTIONS[-1] + sizes.atoms, _GRAPH)
        self.value = nn.Linear(_CONVOLUTIONS[-1] + sizes.atoms, _GRAPH)
        self.hidden = nn.Linear(_GRAPH, _GRAPH)
        self.out = nn.Linear(_GRAPH, 1)

    @override
    def forward(self, graphs: Tensor) -> Tensor:
        n, sizes = self.sizes.places, self.sizes
        first = n * n * sizes.bonds
        adjacency = graphs[:, :first].reshape(-1, n, n, sizes.bonds)
        nodes = graphs[:, first:].reshape(-1, n, sizes.atoms)
        known = nodes
        for convolution in self.convolutions:
            known = torch.cat([convolution(known, adjacency), nodes], 2)
        gated = torch.sigmoid(self.gate(known)) * torch.tanh(self.value(known))
        read = torch.tanh(self.hidden(torch.tanh(gated.sum(1))))
        out: Tensor = self.out(read).squeeze(1)
        return out


class _Convolution(nn.Module):
    """Equation 5 with sums: known (n, N, width in), adjacency (n, N, N, Y) -> (n, N, width)."""

    def __init__(self, before: int, width: int, bonds: int) -> None:
        super().__init__()
        self.width = width
        self.own = nn.Linear(before, width)
        self.told = nn.Linear(before, bonds * width)

    @override
    def forward(self, known: Tensor, adjacency: Tensor) -> Tensor:
        n, places, _, bonds = adjacency.shape
        told = self.told(known).view(n, places * bonds, self.width)
        heard = adjacency.reshape(n, places, places * bonds) @ told
        return torch.tanh(self.own(known) + heard)


def flat(nodes: Tensor, pairs: Tensor) -> Tensor:
    """What the discriminator sees of probabilities or one-hot codes.

    Shape:
        nodes (n, N, T + 1), pairs (n, N, N, Y + 1) -> (n, N N Y + N (T + 1)): the adjacency without
        "no bond" and without the diagonal, then the nodes.
    """
    apart = 1 - torch.eye(pairs.shape[1], device=pairs.device).view(*pairs.shape[1:3], 1)
    return torch.cat([(pairs[..., 1:] * apart).flatten(1), nodes.flatten(1)], 1)


def one_hot(codes: Tensor, vocabulary: DenseVocabulary) -> Tensor:
    """Flat graphs of codes (n, N + N (N - 1) / 2) int64."""
    sizes = Sizes.of(vocabulary)
    nodes = F.one_hot(codes[:, : sizes.places], sizes.atoms).float()
    pairs = torch.zeros(
        len(codes), sizes.places, sizes.places, sizes.bonds + 1, device=codes.device
    )
    start, end = (torch.from_numpy(side) for side in vocabulary.pairs)
    bonds = F.one_hot(codes[:, sizes.places :], sizes.bonds + 1).float()
    pairs[:, start, end] = bonds
    pairs[:, end, start] = bonds
    return flat(nodes, pairs)


def gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise in the shape of a tensor."""
    uniform = torch.rand(like.shape, generator=generator, device=like.device)
    return -torch.log(-torch.log(uniform.clamp(min=1e-20)))


def relaxed(
    nodes: Tensor, pairs: Tensor, config: MolGANConfig, generator: torch.Generator
) -> Tensor:
    """Flat graphs of logits, as the discriminator sees them in training."""
    if config.relaxation == "softmax":
        return flat(nodes.softmax(-1), pairs.softmax(-1))
    noise = gumbel(pairs, generator)
    upper = torch.ones(pairs.shape[1:3], dtype=torch.bool, device=pairs.device).triu().unsqueeze(2)
    noisy = [nodes + gumbel(nodes, generator), pairs + noise.where(upper, noise.transpose(1, 2))]
    soft = [(logits / config.temperature).softmax(-1) for logits in noisy]
    if config.relaxation == "gumbel":
        return flat(*soft)
    hard = [F.one_hot(part.argmax(-1), part.shape[-1]) - part.detach() + part for part in soft]
    return flat(*hard)


@torch.no_grad()
def drawn(
    network: MolGANGenerator,
    vocabulary: DenseVocabulary,
    n: int,
    noise_dim: int,
    generator: torch.Generator,
) -> np.ndarray:
    """Codes (n, N + N (N - 1) / 2) of molecules, each place and pair drawn by its probabilities."""
    device = generator.device
    nodes, pairs = network(torch.randn(n, noise_dim, generator=generator, device=device))
    start, end = (torch.from_numpy(side) for side in vocabulary.pairs)
    parts = (nodes, pairs[:, start, end])
    codes = [(logits + gumbel(logits, generator)).argmax(-1) for logits in parts]
    return np.asarray(torch.cat(codes, 1).cpu().numpy())


class MolGANTrainer:
    """Steps of the discriminator, then one of the generator; see `synthgen.training.loop.Trainer`.

    Args:
        config: Options.
        networks: Generator and discriminator, on the device to train on.
        vocabulary: Of the codes.
        codes: (n, N + N (N - 1) / 2) molecules to learn.
        streams: Random streams.
        least: Share of draws below which a generator has collapsed.
        judged: Metrics of the generator as it is, with ``score``, ``uniqueness`` and ``variety``.
    """

    STATE: ClassVar[tuple[str, ...]] = (
        "generator", "critic", "optimizers", "rows", "noise", "history", "steps", "collapsed_at",
    )  # fmt: skip

    def __init__(
        self,
        config: MolGANConfig,
        networks: tuple[MolGANGenerator, Discriminator],
        vocabulary: DenseVocabulary,
        codes: np.ndarray,
        streams: Streams,
        least: float,
        judged: Callable[[], Metrics],
    ) -> None:
        self.config, self.vocabulary, self.codes = config, vocabulary, codes
        self.least, self.judged = least, judged
        self.generator, self.critic = networks
        self.device = self.critic.out.weight.device
        self.rows = streams.numpy("rows")
        self.noise = streams.torch("noise", self.device)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=config.learning_rate, fused=True)
            for network in networks
        ]
        self.history: list[Metrics] = []
        self.steps = self.collapsed_at = 0

    def step(self) -> Metrics:
        """A step of the game; its losses."""
        self.steps += 1
        losses = [self._critic_step() for _ in range(self.config.critic_steps)]
        fake = self._fake()
        loss = wasserstein_generator(fake, self.critic(fake))
        self._descend(0, loss)
        return {"critic_loss": float(np.mean(losses)), "generator_loss": float(loss.detach())}

    def _critic_step(self) -> float:
        """One step of the discriminator; its loss without the penalty."""
        chosen = self.rows.integers(len(self.codes), size=self.config.batch_size)
        codes = torch.as_tensor(self.codes[chosen].astype(np.int64), device=self.device)
        real = one_hot(codes, self.vocabulary)
        with torch.no_grad():
            fake = self._fake()
        loss = wasserstein_critic(*self.critic(torch.cat([real, fake])).chunk(2))
        penalty = gradient_penalty(self.critic, real, fake, self.noise)
        self._descend(1, loss + self.config.penalty_strength * penalty)
        return float(loss.detach())

    def _fake(self) -> Tensor:
        shape = (self.config.batch_size, self.config.noise_dim)
        z = torch.randn(shape, generator=self.noise, device=self.device)
        nodes, pairs = self.generator(z)
        return relaxed(nodes, pairs, self.config, self.noise)

    def _descend(self, which: int, loss: Tensor) -> None:
        self.optimizers[which].zero_grad()
        self.optimizers[1 - which].zero_grad()
        torch.autograd.backward(loss)
        self.optimizers[which].step()

    def evaluate(self) -> Metrics:
        """Metrics of raw draws; a collapse ends the run with the next step."""
        found = self.judged()
        self.history.append(found)
        if has_collapsed(self.history, self.least):
            self.collapsed_at = self.collapsed_at or self.steps + 1
        return found

    def kept(self) -> dict[str, Tensor]:
        """The generator's weights."""
        return self.generator.state_dict()

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rates of both networks."""
        for optimizer in self.optimizers:
            lower_rates(optimizer, factor)


def has_collapsed(history: Sequence[Metrics], least: float) -> bool:
    """Whether too few draws differ, the valid ones or all of them, in evaluations in a row.

    The paper's early stop (section 4) looks at the valid ones alone, so it would not see a
    generator that makes one graph over and over which is not valid.
    """
    recent = history[-IN_A_ROW:]
    return len(recent) == IN_A_ROW and all(
        entry["variety"] < least or 0 < entry["uniqueness"] < least for entry in recent
    )
