"""The one-shot conditional GAN: one pass through one generator makes a whole row.

After Xu, Skoularidou, Cuesta-Infante and Veeramachaneni, *Modeling Tabular Data using Conditional
GAN* (NeurIPS 2019). The columns come in parts p = 1 ... P, those of most entropy first. With
z ~ N(0, I) and a condition c (one-hot blocks of the given columns):

    h_0 = W [z, c],  h_p = h_{p-1} + block_p(h_{p-1}, r_{p-1})
    d_j = gumbel-softmax_0.5(W_j h_p)    the code of column j of part p, one-hot (straight-through)
    a_jk = tanh(w_jk h_p)                the value inside mode k of column j
    r_p = [d_j, a_j of all j of part p]

and a critic C scores rows r = [r_1 ... r_P] with their condition. By default the game is
relativistic, with both zero-centred penalties (Huang et al., *The GAN is dead; long live the GAN!*,
NeurIPS 2024, eq. 3 and 4):

    min_C  E softplus(C(G(z, c), c) - C(r, c)) + g/2 (E |grad C(r, c)|^2 + E |grad C(G(z, c), c)|^2)
    min_G  E softplus(C(r, c) - C(G(z, c), c)) + the critic of pairs (`synthgen.adversarial.pairs`).

The paper's own is ``loss="wasserstein"``, ``pac=10``, ``hard=False``, ``temperature=0.2``,
``parts=1``, ``pair_weight=0``:

    max_C  E C(r, c) - E C(G(z, c), c) - 10 E(|grad C(x_hat)| - 1)^2.

It differs from the paper where the paper's recipe loses. Given the noise, the paper draws all
codes independently of each other, so that the noise alone has to make them agree; here a part is
drawn with the codes of the parts before it at hand. A given column is copied into the output (the
paper adds the cross-entropy between c and d instead, and meets the condition sometimes); values
are emitted per mode; half of the rows are trained without a condition, as most are sampled;
conditions may name several columns; rows are normalized one by one, so sampling and training are
the same function; weights are averaged over steps; sampling draws conditions by their true
frequencies, not by their logarithm.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torch import Tensor

from synthgen.adversarial.ema import EMA
from synthgen.adversarial.losses import LOSSES
from synthgen.adversarial.penalties import DEFAULT_STRENGTH, penalty
from synthgen.encoding.table import EncodedTable
from synthgen.seeds import Streams
from synthgen.tabular.conditions import TrainingSampler
from synthgen.tabular.layout import Layout, Part
from synthgen.tabular.networks import Critic, Generator, harden, soft_codes
from synthgen.tabular.pairs import CodePairs
from synthgen.training.device import fast_bfloat16
from synthgen.training.state import lower_rates

_MAX_BATCH_SLOTS = 6_000_000


class CTGANConfig(BaseModel):
    """Options of ``model="ctgan"``.

    Attributes:
        loss: The adversarial game.
        penalty: Gradient penalty of the critic; "auto" takes the one that suits the loss.
        penalty_strength: Its weight; ``None`` takes the usual one.
        penalty_every: Critic steps between penalties, each then as many times as strong ("lazy
            regularization", Karras et al., 2020, section 3.1).
        spectral_norm: Whether the critic's layers have spectral norm 1 (Miyato et al., 2018).
        pac: Rows that the critic scores together.
        batch_size: Rows in a batch; a multiple of ``pac``.
        noise_dim, width, depth: Sizes of the generator; so many blocks for each part.
        critic_width, critic_depth: Sizes of the critic.
        parts: Parts in which the columns are drawn, each seeing the ones before.
        critic_steps: Critic steps for each generator step.
        learning_rate: Of both networks (Adam).
        temperature: Of the Gumbel-softmax.
        hard: Whether the critic sees one-hot codes (straight-through) in place of soft ones.
        frequency: "log" for training-by-sampling, "true" for rows as they come.
        free_share: Share of training rows without a condition.
        more_share: Share of conditioned training rows with conditions on several columns.
        pair_weight: Weight of the critic of pairs in the generator's loss; 0 goes without it.
        bfloat16: Whether matrix products run in bfloat16 where the device has units for it.
        ema_decay: Of the generator's average weights.
        max_steps: Generator steps unless ``fit`` is told otherwise.
        patience: Evaluations without a better score after which training ends.
        evaluate_every: Steps between evaluations.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: Literal["minimax", "non-saturating", "wasserstein", "hinge", "relativistic"] = (
        "relativistic"
    )
    penalty: Literal["auto", "gp", "r1", "r2", "r1r2", "none"] = "auto"
    penalty_strength: float | None = Field(None, ge=0)
    penalty_every: int = Field(1, ge=1)
    spectral_norm: bool = False
    pac: int = Field(1, ge=1, le=64)
    batch_size: int = Field(500, ge=2)
    noise_dim: int = Field(32, ge=1)
    width: int = Field(128, ge=1)
    depth: int = Field(1, ge=1)
    critic_width: int = Field(256, ge=1)
    critic_depth: int = Field(2, ge=0)
    parts: int = Field(3, ge=1)
    critic_steps: int = Field(1, ge=1)
    learning_rate: float = Field(1e-3, gt=0)
    temperature: float = Field(0.5, gt=0)
    hard: bool = True
    frequency: Literal["log", "true"] = "log"
    free_share: float = Field(0.5, ge=0, le=1)
    more_share: float = Field(0.1, ge=0, le=1)
    pair_weight: float = Field(1.0, ge=0)
    bfloat16: bool = True
    ema_decay: float = Field(0.999, ge=0, lt=1)
    max_steps: int = Field(12_000, ge=1)
    patience: int = Field(12, ge=1)
    evaluate_every: int = Field(250, ge=1)

    @model_validator(mode="after")
    def _whole_packs(self) -> CTGANConfig:
        if self.batch_size % self.pac:
            raise ValueError(
                f"batch_size must be a multiple of pac, got {self.batch_size} and {self.pac}"
            )
        return self


class CTGANTrainer:
    """One critic-and-generator step after another; knows nothing of budgets."""

    STATE: ClassVar[tuple[str, ...]] = (
        "n_critic_steps", "rng", "noise", "generator", "critic", "ema", "pairs",
        "generator_optimizer", "critic_optimizer",
    )  # fmt: skip

    def __init__(
        self,
        config: CTGANConfig,
        layout: Layout,
        table: EncodedTable,
        streams: Streams,
        device: torch.device,
    ) -> None:
        self.config, self.layout, self.table, self.device = config, layout, table, device
        self.bfloat16 = config.bfloat16 and fast_bfloat16(device)
        self.n_critic_steps = 0
        self.batch_size = batch_rows(config, layout)
        self.rng = streams.numpy("rows")
        self.noise = streams.torch("noise", device)
        self.sampler = TrainingSampler(
            table.codes,
            layout.n_codes,
            frequency=config.frequency,
            free_share=config.free_share,
            more_share=config.more_share,
        )
        self.generator, self.critic = _networks(config, layout, streams, device)
        self.padding = torch.as_tensor(layout.padding, device=device)
        self.value_slots = torch.as_tensor(layout.value_slots, device=device)
        self.ema = EMA(self.generator, config.ema_decay)
        self.pairs = (
            CodePairs(layout, table, streams.numpy("pairs"), device) if config.pair_weight else None
        )
        self.loss = LOSSES[config.loss]
        self.penalty = self.loss.penalty if config.penalty == "auto" else config.penalty
        strength = config.penalty_strength
        self.strength = DEFAULT_STRENGTH[self.penalty] if strength is None else strength
        self.generator_optimizer = _adam(self.generator, config)
        self.critic_optimizer = _adam(self.critic, config)

    def step(self) -> dict[str, float]:
        """``critic_steps`` critic steps and one generator step; their losses and gradient norm."""
        for _ in range(self.config.critic_steps):
            critic_loss = self._critic_step()
        generator_loss, gradient = self._generator_step()
        self.ema.update(self.generator)
        return {
            "critic_loss": critic_loss,
            "generator_loss": generator_loss,
            "generator_gradient": gradient,
        }

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rates of both networks."""
        for optimizer in (self.generator_optimizer, self.critic_optimizer):
            lower_rates(optimizer, factor)

    def _draw(self) -> tuple[Tensor, Tensor]:
        """A condition (n, n_columns) and the real rows (n, n_features) that meet it."""
        condition, rows = self.sampler.draw(self.batch_size, self.rng)
        return torch.as_tensor(condition, device=self.device).long(), self.real(rows, condition)

    def real(self, rows: np.ndarray, condition: np.ndarray) -> Tensor:
        """What the critic sees of real rows (n, n_features): rows, then the condition's mask."""
        given = torch.as_tensor(condition >= 0, device=self.device, dtype=torch.float32)
        return torch.cat([self.layout.batch(self.table.take(rows), self.device), given], dim=1)

    def fake(self, condition: Tensor, generator: Generator) -> Tensor:
        """What the critic sees of generated rows (n, n_features)."""
        given = condition >= 0
        one_hot, fixed = self.layout.one_hot(condition), expand(given, self.layout)
        noise = torch.randn(
            len(condition), self.config.noise_dim, generator=self.noise, device=self.device
        )
        codes: list[Tensor] = []
        values: list[Tensor] = []

        def draw(part: Part, logits: Tensor, raw: Tensor) -> Tensor:
            soft = soft_codes(
                logits.float() + self.padding[part.slots], part, self.config.temperature, self.noise
            )
            hot = harden(soft, part) if self.config.hard else soft
            hot = torch.where(fixed[:, part.slots], one_hot[:, part.slots], hot)
            codes.append(hot)
            at = self.value_slots[part.values] - part.slots.start
            values.append(hot[:, at] * torch.tanh(raw.float()))
            return torch.cat([hot, values[-1]], dim=1)

        with self._precision():
            generator(noise, one_hot, draw)
        return torch.cat([*codes, *values, given.to(one_hot.dtype)], dim=1)

    def score(self, rows: Tensor) -> Tensor:
        """Critic scores (n / pac,) of what the critic sees of rows (n, n_features)."""
        with self._precision():
            scores: Tensor = self.critic(rows)
        return scores.float()

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bfloat16)

    def _critic_step(self) -> float:
        condition, real = self._draw()
        with torch.no_grad():
            fake = self.fake(condition, self.generator)
        self.n_critic_steps += 1
        penalized = self.penalty != "none" and self.n_critic_steps % self.config.penalty_every == 0
        # one gradient norm for each score: a penalty is taken over whole packs
        packs = self._pack(torch.cat([real, fake])).requires_grad_(penalized)
        scores = self._packed(packs)
        loss = total = self.loss.critic(*scores.chunk(2))
        if penalized:
            extra = penalty(self.penalty, self._packed, packs, scores, self.noise)
            total = loss + self.strength * self.config.penalty_every * extra
        self.critic_optimizer.zero_grad()
        torch.autograd.backward(total)
        self.critic_optimizer.step()
        return float(loss.detach())

    def _pack(self, rows: Tensor) -> Tensor:
        """Rows (n, n_features) side by side: (n / pac, pac n_features)."""
        return rows.reshape(len(rows) // self.config.pac, -1)

    def _packed(self, packs: Tensor) -> Tensor:
        return self.score(packs.reshape(len(packs) * self.config.pac, -1))

    def _generator_step(self) -> tuple[float, float]:
        condition, real = self._draw()
        self.critic.requires_grad_(False)
        fake = self.fake(condition, self.generator)
        score_fake = self.score(fake)
        score_real = self.score(real) if self.loss.needs_real else score_fake
        loss = self.loss.generator(score_real, score_fake)
        if self.pairs is not None:
            free = (condition < 0).all(dim=1)
            loss = loss + self.config.pair_weight * self.pairs.loss(fake[free])
        self.generator_optimizer.zero_grad()
        torch.autograd.backward(loss)
        gradient = torch.nn.utils.get_total_norm(
            [p.grad for p in self.generator.parameters() if p.grad is not None]
        )
        self.generator_optimizer.step()
        self.critic.requires_grad_(True)
        return float(loss.detach()), float(gradient)

    @torch.no_grad()
    def critic_accuracy(self, held_out: EncodedTable, rng: np.random.Generator) -> float:
        """Share of held-out real and fresh synthetic packs that the critic tells apart.

        Scores are split at their pooled median; .5 at the Nash equilibrium, 1 when the critic
        has won.
        """
        n = min(len(held_out), 2000) // self.config.pac * self.config.pac
        if not n:
            return float("nan")
        rows = rng.permutation(len(held_out))[:n]
        fitting = max(_MAX_BATCH_SLOTS // self.layout.n_slots // self.config.pac, 1)
        parts = np.split(rows, range(fitting * self.config.pac, n, fitting * self.config.pac))
        real_score, fake_score = map(
            torch.cat, zip(*(self._free_scores(held_out.take(part)) for part in parts), strict=True)
        )
        middle = torch.cat([real_score, fake_score]).median()
        hits = (real_score > middle).double().mean() + (fake_score <= middle).double().mean()
        return float(hits / 2)

    def _free_scores(self, table: EncodedTable) -> tuple[Tensor, Tensor]:
        """Scores (n / pac,) of real rows and of as many fresh ones, all without a condition."""
        free = torch.full((len(table), self.layout.n_columns), -1, device=self.device)
        given = torch.zeros(free.shape, device=self.device)
        real = torch.cat([self.layout.batch(table, self.device), given], dim=1)
        return self.score(real), self.score(self.fake(free, self.ema.average))


def batch_rows(config: CTGANConfig, layout: Layout) -> int:
    """Rows of a batch: fewer than asked for where one-hot rows are so wide that memory counts."""
    fitting = max(_MAX_BATCH_SLOTS // layout.n_slots, 16)
    return max(min(config.batch_size, fitting) // config.pac, 1) * config.pac


def expand(given: Tensor, layout: Layout) -> Tensor:
    """Mask of columns (n, n_columns) -> mask of slots (n, n_slots)."""
    blocks = []
    for group in layout.groups:
        columns = torch.as_tensor(group.columns, device=given.device)
        block = given[:, columns].unsqueeze(2).expand(-1, -1, group.width)
        blocks.append(block.flatten(1))
    return torch.cat(blocks, dim=1)


def _networks(
    config: CTGANConfig, layout: Layout, streams: Streams, device: torch.device
) -> tuple[Generator, Critic]:
    """Fresh networks; initial weights come from the ``weights`` stream alone."""
    n_features = layout.n_slots + len(layout.value_slots) + layout.n_columns
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(streams.integer("weights"))
        generator = Generator(layout, config.noise_dim, config.width, config.depth)
        critic = Critic(
            n_features, config.critic_width, config.critic_depth, config.pac, config.spectral_norm
        )
    return generator.to(device), critic.to(device)


def _adam(module: torch.nn.Module, config: CTGANConfig) -> torch.optim.Adam:
    return torch.optim.Adam(
        module.parameters(), lr=config.learning_rate, betas=(0.5, 0.9), fused=True
    )
