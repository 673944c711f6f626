"""``model="dp-gan"``: a one-shot conditional GAN whose critic learns by DP-SGD.

The generator makes a row in one pass from noise and a condition (Xu et al., *Modeling Tabular Data
using Conditional GAN*, 2019), the critic alone sees private rows, through noisy gradients (Xie et
al., *Differentially Private Generative Adversarial Network*, 2018). Each real row meets one
generated row, and the losses of both are one loss, whose gradient is clipped:

    l_i = softplus(-C(x_i)) + softplus(C(G(z_i, c_i))).

Conditions come from the bought shares, batches are Poisson batches without any, nothing is packed.
A gradient penalty would mix rows, so the critic's layers are scaled back to a spectral norm of
``norm`` at most after each step (Miyato et al., 2018), which sees weights only. The critic moves
much more often than the generator (Bie, Kamath and Zhang, *Private GANs, Revisited*, 2023).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.adversarial.ema import EMA
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.errors import ConditionError
from synthgen.privacy.ledger import PrivateTable
from synthgen.privacy.mechanisms import entropy, torch_entropy
from synthgen.sampling.request import FREE, Request
from synthgen.seeds import Streams
from synthgen.tabular.model import PrivateModel
from synthgen.tabular.private.codebook import Codebook
from synthgen.tabular.private.drawing import place
from synthgen.tabular.private.raked import raked_rows
from synthgen.training.loop import TrainingRecord
from synthgen.training.private import DescentConfig, train_privately
from synthgen.training.run import Run, load_weights, parse_options

_BATCH = 16_384


class DPGANConfig(DescentConfig):
    """Options of ``model="dp-gan"``, beside those of `DescentConfig`, which are the critic's.

    Attributes:
        noise_dim, width: Sizes of the generator.
        critic_width: Of the critic's one hidden layer.
        norm: Largest spectral norm of a critic's layer.
        critic_steps: Steps of the critic for each of the generator.
        generator_rate: Learning rate of the generator (Adam).
        batch_size: Rows of a generator step.
        conditioned_share: Share of generated training rows with a condition.
        temperature: Of the Gumbel-softmax.
        pool: Rows drawn for each free row that raking keeps.
    """

    steps: int = Field(1000, ge=1)
    sampling_rate: float = Field(0.03, gt=0, le=1)
    learning_rate: float = Field(2e-3, gt=0)
    noise_dim: int = Field(64, ge=1)
    width: int = Field(256, ge=1)
    critic_width: int = Field(96, ge=1)
    norm: float = Field(3.0, gt=0)
    critic_steps: int = Field(5, ge=1)
    generator_rate: float = Field(1e-3, gt=0)
    batch_size: int = Field(1024, ge=2)
    conditioned_share: float = Field(0.25, ge=0, le=1)
    temperature: float = Field(0.5, gt=0)
    pool: float = Field(2.0, ge=1, le=16)


class OneShot(nn.Module):
    """Generator: noise and condition -> logits of all columns, from their bought shares on."""

    def __init__(self, codebook: Codebook, config: DPGANConfig) -> None:
        super().__init__()
        n, h = sum(codebook.widths), config.width
        self.widths = codebook.widths
        # of a condition it sees the features of the given codes, and which columns are given
        self.inside = nn.Linear(config.noise_dim + n + len(self.widths), h)
        self.middle, self.out = nn.Linear(h, h), nn.Linear(h, n)
        nn.init.normal_(self.out.weight, std=0.05)
        nn.init.zeros_(self.out.bias)
        self.features = [torch.as_tensor(held) for held in codebook.features]
        self.log_share = [torch.as_tensor(held) for held in codebook.log_share]

    @override
    def forward(self, noise: Tensor, condition: Tensor) -> list[Tensor]:
        """Logits, one (n, n_codes) for each column, of a condition (n, n_columns) or `FREE`."""
        given = (condition >= 0).float()
        codes = condition.clamp(min=0).unbind(1)
        told = [
            f[c] * g[:, None] for f, c, g in zip(self.features, codes, given.unbind(1), strict=True)
        ]
        h = F.silu(self.inside(torch.cat([noise, *told, given], 1)))
        h = h + F.silu(self.middle(h))
        found = self.out(h).split(self.widths, 1)
        return [
            share + z @ f.T
            for share, z, f in zip(self.log_share, found, self.features, strict=True)
        ]


class PrivateCritic(nn.Module):
    """Scores (n,) of rows by their features (n, n_features); plain layers for Opacus."""

    def __init__(self, n_features: int, width: int) -> None:
        super().__init__()
        self.inside, self.out = nn.Linear(n_features, width), nn.Linear(width, 1)
        self.direct = nn.Linear(n_features, 1, bias=False)

    @override
    def forward(self, rows: Tensor) -> Tensor:
        found: Tensor = self.out(F.leaky_relu(self.inside(rows), 0.2)) + self.direct(rows)
        return found.squeeze(1)

    @torch.no_grad()
    def bound(self, norm: float) -> None:
        """Scale each layer back to a spectral norm of ``norm`` at most."""
        for layer in (self.inside, self.out, self.direct):
            size = torch.linalg.matrix_norm(layer.weight, 2)
            layer.weight *= (norm / size).clamp(max=1.0)


class Game:
    """Generator and critic in training; the critic's noisy steps are not its own."""

    STATE: ClassVar[tuple[str, ...]] = ("generator", "optimizer", "average")

    def __init__(
        self, config: DPGANConfig, encoder: TableEncoder, codebook: Codebook, streams: Streams
    ) -> None:
        self.config = config
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.integer("weights"))
            self.generator = OneShot(codebook, config)
            self.critic = PrivateCritic(sum(codebook.widths), config.critic_width)
        self.critic.bound(config.norm)
        # a real row's loss has a generated row in it, which must not depend on how many rows come
        # before: independent draws that nobody can repeat do not, those of a known seed would
        self.noise, self.rng = torch_entropy(torch.device("cpu")), entropy()
        self.shares = [column.share for column in encoder.columns]
        self.optimizer = torch.optim.Adam(
            self.generator.parameters(), lr=config.generator_rate, betas=(0.5, 0.9)
        )
        self.average = EMA(self.generator, 0.99)

    def conditions(self, n: int) -> Tensor:
        """(n, n_columns) codes: of some rows one column's, by the bought shares; else `FREE`."""
        found = np.full((n, len(self.shares)), FREE, np.int64)
        rows = np.flatnonzero(self.rng.random(n) < self.config.conditioned_share)
        column = self.rng.integers(len(self.shares), size=len(rows))
        for j, share in enumerate(self.shares):
            own = rows[column == j]
            found[own, j] = self.rng.choice(len(share), size=len(own), p=share)
        return torch.as_tensor(found)

    def seen(self, n: int) -> Tensor:
        """Features (n, n_features) of generated rows, through which gradients flow back."""
        condition = self.conditions(n)
        noise = torch.randn(n, self.config.noise_dim, generator=self.noise)
        parts = []
        for j, logits in enumerate(self.generator(noise, condition)):
            u = torch.rand(logits.shape, generator=self.noise).clamp(1e-9, 1 - 1e-7)
            soft = ((logits - torch.log(-torch.log(u))) / self.config.temperature).softmax(1)
            hard = torch.zeros_like(soft).scatter_(1, soft.argmax(1, keepdim=True), 1.0)
            hot = hard + soft - soft.detach()
            given = condition[:, j] >= 0
            hot = torch.where(
                given[:, None], F.one_hot(condition[:, j].clamp(min=0), soft.shape[1]).float(), hot
            )
            parts.append(hot @ self.generator.features[j])
        return torch.cat(parts, 1)

    def losses(self, critic: nn.Module, rows: EncodedTable) -> Tensor:
        """Loss (n,) of each real row with the generated one that it meets."""
        codes = torch.as_tensor(rows.codes).long().unbind(1)
        real = torch.cat([f[c] for f, c in zip(self.generator.features, codes, strict=True)], 1)
        with torch.no_grad():
            fake = self.seen(len(real))
        return F.softplus(-critic(real)) + F.softplus(critic(fake))

    def stepped(self, step: int) -> None:
        """What follows a noisy step of the critic: its norms, and the generator's own steps."""
        self.critic.bound(self.config.norm)
        if step % self.config.critic_steps:
            return
        loss = F.softplus(-self.critic(self.seen(self.config.batch_size))).mean()
        self.optimizer.zero_grad()
        gradients = torch.autograd.grad(loss, list(self.generator.parameters()))
        for parameter, gradient in zip(self.generator.parameters(), gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.average.update(self.generator)


class DPGAN(PrivateModel):
    """A one-shot generator whose critic was trained with differential privacy."""

    name: ClassVar[str] = "dp-gan"

    def __init__(self, encoder: TableEncoder, options: DPGANConfig, generator: OneShot) -> None:
        self.encoder, self.options = encoder, options
        self.generator = generator.eval().requires_grad_(False)

    @classmethod
    @override
    def fit_private(
        cls,
        rows: PrivateTable[EncodedTable],
        encoder: TableEncoder,
        n_rows: float,
        options: dict[str, Any],
        run: Run,
    ) -> tuple[DPGAN, TrainingRecord]:
        config = parse_options(DPGANConfig, options)
        game = Game(config, encoder, Codebook.of(encoder), run.streams)
        some = EncodedTable(*np.zeros((2, config.expected(n_rows), len(encoder.columns)), np.int32))
        config, record = train_privately(
            game.critic,
            game.losses,
            lambda: game.losses(game.critic, some).sum(),
            rows,
            n_rows,
            config,
            run,
            what="gradients of the critic",
            betas=(0.5, 0.9),
            game=game,
        )
        return cls(encoder, config, game.average.average), record

    @override
    def sample(self, n: int, request: Request, streams: Streams) -> RankedTable:
        for j in request.ranks:
            raise ConditionError(
                f"column {self.encoder.columns[j].column.name!r}: model {self.name} takes "
                "conditions on categories and single numbers only; fit with model='auto' for ranges"
            )

        def draw(n: int, own: Streams) -> RankedTable:
            condition = request.draw(n, own.numpy("conditions"))
            codes = np.empty(condition.shape, np.int32, order="F")
            for start in range(0, n, _BATCH):
                part = slice(start, min(start + _BATCH, n))
                codes[part] = self._codes(condition[part], own.torch(f"batch/{start}"))
            return RankedTable(codes, place(self.encoder, codes, {}, own.numpy("cells")))

        pool = self.options.pool if not request.codes else 1.0
        return raked_rows(n, pool, draw, self.encoder, streams)

    @torch.inference_mode()
    def _codes(self, condition: np.ndarray, noise: torch.Generator) -> np.ndarray:
        wanted = torch.as_tensor(condition).long()
        z = torch.randn(len(wanted), self.options.noise_dim, generator=noise)
        drawn = torch.stack(
            [
                torch.multinomial(logits.softmax(1), 1, generator=noise).squeeze(1)
                for logits in self.generator(z, wanted)
            ],
            1,
        )
        return torch.where(wanted >= 0, wanted, drawn).numpy()

    @override
    def config(self) -> dict[str, Any]:
        return self.options.model_dump()

    @override
    def weights(self) -> dict[str, np.ndarray]:
        return {name: value.cpu().numpy() for name, value in self.generator.state_dict().items()}

    @classmethod
    @override
    def load(
        cls, encoder: TableEncoder, config: dict[str, Any], weights: dict[str, np.ndarray]
    ) -> DPGAN:
        options = parse_options(DPGANConfig, config, stored=True)
        codebook = Codebook.of(encoder)
        generator = OneShot(codebook, options)
        load_weights({"": generator}, weights)
        return cls(encoder, options, generator)
