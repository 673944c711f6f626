"""The warm start: maximum likelihood of every column given the columns visible to it.

Three kinds of rows teach one network all that sampling asks of it. A column sees

- the columns before it (how rows are sampled freely);
- those, and a random set of given ones (how rows are sampled under conditions, and imputed);
- the random set alone (what the likelihood of a condition that is not a single value needs).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from synthgen.adversarial.ema import EMA
from synthgen.seeds import Streams
from synthgen.tabular.autoregressive.best import BestColumns
from synthgen.tabular.autoregressive.cells import CellView, Ranks
from synthgen.tabular.autoregressive.likelihood import cell_losses
from synthgen.tabular.autoregressive.network import Autoregressive, Sizes
from synthgen.tabular.layout import Layout
from synthgen.training.device import fast_bfloat16
from synthgen.training.loop import Metrics
from synthgen.training.schedule import Schedule
from synthgen.training.strategy import Alone

_EVALUATION_CELLS = 500_000
_EVALUATION_ROWS, _EVALUATION_PASSES = 16_384, 2
_WIDE, _STATE = 200, 128
_MAX_FIRST_WEIGHTS = 16_000_000


class ARGANConfig(BaseModel):
    """Options of ``model="argan"``.

    Attributes:
        token, hidden, components: Sizes of the network; ``None`` fits the first two to the number
            of columns.
        batch_size: Rows in a batch; ``None`` fits it to the number of rows.
        learning_rate: Highest (AdamW).
        token_rate: How many times faster tokens learn. An embedding learns from the rows that hold
            its code alone, and the layers above can tell codes apart only once it has moved.
        weight_decay: Of matrices.
        dropout: Share of a column's units that a row trains without.
        late_dropout: The same, once held-out rows gain no more.
        ema_decay: Of the average weights.
        given_share: Share of training rows with given columns beside the earlier ones.
        alone_share: Share of training rows with given columns only.
        max_steps: Steps of the warm start; ``None`` fits them to the number of rows.
        patience: Evaluations without a better likelihood after which the warm start goes back to
            its best weights: first to go on with more dropout, then with a falling learning rate.
        evaluate_every: Steps between evaluations; ``None`` fits them to the number of rows.
        critic: How rows are weighted at sampling: by boosted trees, or not at all.
        critic_rounds: Critics trained one after the other, each against the rows of the former.
        pool: Rows drawn for each row that the critic lets through.
        bfloat16: Whether matrix products run in bfloat16 where the device has units for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: int | None = Field(None, ge=2)
    hidden: int | None = Field(None, ge=4)
    components: int = Field(12, ge=1, le=64)
    batch_size: int | None = Field(None, ge=2)
    learning_rate: float = Field(2e-3, gt=0)
    token_rate: float = Field(10.0, gt=0)
    weight_decay: float = Field(0.3, ge=0)
    dropout: float = Field(0.15, ge=0, lt=1)
    late_dropout: float = Field(0.5, ge=0, lt=1)
    ema_decay: float = Field(0.995, ge=0, lt=1)
    given_share: float = Field(0.25, ge=0, le=1)
    alone_share: float = Field(0.15, ge=0, le=1)
    max_steps: int | None = Field(None, ge=1)
    patience: int = Field(2, ge=1)
    evaluate_every: int | None = Field(None, ge=1)
    critic: Literal["trees", "none"] = "trees"
    critic_rounds: int = Field(1, ge=1, le=8)
    pool: float = Field(2.0, ge=1, le=16)
    bfloat16: bool = True


def sizes(config: ARGANConfig, n_columns: int) -> Sizes:
    """Widths that keep the first layer, which grows with the square of the columns, in bounds."""
    token, hidden = config.token or 24, config.hidden or 192
    wide = n_columns > _WIDE
    room = _WIDE / n_columns if wide else _MAX_FIRST_WEIGHTS / (n_columns**2 * token * hidden)
    if room < 1:
        token = config.token or max(4, int(token * math.sqrt(room)))
        hidden = config.hidden or max(16, int(hidden * math.sqrt(room)) // 8 * 8)
    components = min(config.components, 6) if wide else config.components
    return Sizes(token, hidden, components, config.dropout, _STATE if wide else 0)


def layout_of(view: CellView) -> Layout:
    """Layout of a view's codes."""
    valued = set(view.numeric.tolist())
    return Layout(
        view.n_codes,
        tuple(np.arange(n) == n - 1 if j in valued else np.zeros(n, bool)
              for j, n in enumerate(view.n_codes)),
    )  # fmt: skip


def planned_steps(config: ARGANConfig, n_rows: int) -> int:
    """Steps of a run without a time limit: about 40 passes, within bounds."""
    if config.max_steps is not None:
        return config.max_steps
    return int(min(max(40 * n_rows / batch_rows(config, n_rows), 600), 5000))


def batch_rows(config: ARGANConfig, n_rows: int) -> int:
    """Rows of a batch: fewer for a small table, so that an epoch is several steps."""
    return min(n_rows, config.batch_size or min(max(n_rows // 16, 32), 512))


def evaluated_every(config: ARGANConfig, n_rows: int) -> int:
    """Steps between evaluations: few passes, or a small table has overfitted before the first."""
    passes = _EVALUATION_PASSES * n_rows / batch_rows(config, n_rows)
    return config.evaluate_every or int(min(max(passes, 10), 100))


class WarmStart:
    """Likelihood training, one step after another."""

    STATE: ClassVar[tuple[str, ...]] = (
        "network", "ema", "best", "optimizer", "schedule", "rng", "noise", "order", "waited",
        "dropout", "settled",
    )  # fmt: skip

    def __init__(
        self,
        config: ARGANConfig,
        view: CellView,
        train: Ranks,
        held_out: Ranks,
        streams: Streams,
        device: torch.device,
        max_steps: int,
        time_used: Callable[[], float] = lambda: 0.0,
        strategy: Alone | None = None,
    ) -> None:
        self.config, self.train, self.device = config, train, device
        self.strategy = strategy or Alone()
        self.n_held_out = min(len(held_out), _EVALUATION_ROWS)
        self.held_out = held_out.take(np.arange(self.n_held_out)[self.strategy.part])
        self.bfloat16 = config.bfloat16 and fast_bfloat16(device)
        self.rng, self.noise = streams.numpy("rows"), streams.torch("noise", device)
        layout = layout_of(view)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(streams.integer("weights"))
            network = Autoregressive(layout, view.numeric, sizes(config, layout.n_columns))
        _start_from_shares(network, view)
        self.network = network.to(device)
        self.ema = EMA(self.network, config.ema_decay)
        self.best = BestColumns(self.network)
        self.optimizer = torch.optim.AdamW(
            _groups(self.network, config), lr=config.learning_rate, betas=(0.9, 0.98), fused=True
        )
        self.batch_size = batch_rows(config, len(train))
        self.order = np.zeros(0, np.int64)
        self.schedule = Schedule(max_steps, time_used)
        self.waited = 0

    def step(self) -> dict[str, float]:
        """One step of gradient descent; its loss in nats a row."""
        if self.schedule.due():
            self._settle()
        rate = self.schedule.rate()
        for group in self.optimizer.param_groups:
            group["lr"] = self.config.learning_rate * group["faster"] * rate
        self.schedule.stepped()
        rows, part = self._next_rows(), self.strategy.part
        batch = self.train.take(rows[part])
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(self.rng.integers(2**62)) + self.strategy.rank)
            given, prefix = (
                None if mask is None else mask[part] for mask in self._visible(len(rows))
            )
            loss = self._mean(self._losses(self.network, batch, given, prefix), given)
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        loss = self.strategy.average(self.network.parameters(), loss.detach())
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.ema.update(self.network)
        return {"loss": float(loss)}

    @property
    def settled(self) -> bool:
        """Whether tokens stand still."""
        return not self.network.embedding.requires_grad

    @settled.setter
    def settled(self, settled: bool) -> None:
        for parameter in self.network.shared():
            parameter.requires_grad_(not settled)

    @property
    def dropout(self) -> float:
        """Share of units that a row trains without."""
        return self.network.sizes.dropout

    @dropout.setter
    def dropout(self, share: float) -> None:
        self.network.sizes = replace(self.network.sizes, dropout=share)

    def _settle(self) -> None:
        """Go on from the best weights, with tokens that stand still."""
        self._restore()
        self.settled = True

    def _watch(self, improved: bool) -> None:
        """Where nothing has improved for ``patience`` evaluations: more dropout, then the way down.

        A table that never gets there has rows enough for its network, and learns faster with
        little.
        """
        self.waited = 0 if improved else self.waited + 1
        if self.schedule.descent_from is not None or self.waited < self.config.patience:
            return
        self.waited = 0
        if self.dropout < self.config.late_dropout:
            self.dropout = self.config.late_dropout
            self._restore()
        else:
            self.schedule.converged()
            self._settle()

    def _next_rows(self) -> np.ndarray:
        """The next rows of a shuffled pass; batches span the end of one pass and the next."""
        while len(self.order) < self.batch_size:
            self.order = np.concatenate([self.order, self.rng.permutation(len(self.train))])
        rows, self.order = self.order[: self.batch_size], self.order[self.batch_size :]
        return rows

    def _visible(self, n: int) -> tuple[Tensor | None, Tensor | None]:
        """Masks of the batch's first rows, see `Autoregressive.forward`; others are free."""
        n_alone, n_given = round(self.config.alone_share * n), round(self.config.given_share * n)
        n_columns = self.train.codes.shape[1]
        k = n_alone + n_given
        if not k or n_columns < 2:
            return None, None
        given = self.rng.random((k, n_columns)) < self.rng.random((k, 1))
        prefix = given | (np.arange(k) >= n_alone)[:, None]
        as_tensor = partial(torch.as_tensor, dtype=torch.float32, device=self.device)
        return as_tensor(given), as_tensor(prefix)

    def _losses(
        self,
        network: Autoregressive,
        batch: Ranks,
        given: Tensor | None = None,
        prefix: Tensor | None = None,
    ) -> Tensor:
        """Negative log likelihood (n, n_columns) of a batch's cells."""
        shape = batch.low.shape
        at = torch.rand(shape, generator=self.noise, device=self.device)
        return cell_losses(network, batch, at, given, prefix, bfloat16=self.bfloat16)

    def _mean(self, loss: Tensor, given: Tensor | None) -> Tensor:
        """Mean loss of a row whose cells are all asked for; given ones have no part in it."""
        if given is None:
            return loss.sum(1).mean()
        loss[: len(given)] *= 1 - given
        asked = loss.numel() - given.sum()
        return loss.sum() / asked.clamp(min=1) * loss.shape[1]

    def _restore(self) -> None:
        """Go back to the best weights."""
        if self.best.loss.isfinite().all():
            for network in (self.network, self.ema.average):
                network.load_state_dict(self.best.network.state_dict())

    @torch.no_grad()
    def evaluate(self) -> Metrics:
        """Loss of held-out rows, in nats a row, sampled freely; that of the kept weights."""
        total, n = torch.zeros(len(self.best.loss), dtype=torch.float64), self.n_held_out
        self.noise, kept = Streams(0).torch("evaluation", self.device), self.noise
        size = max(16, _EVALUATION_CELLS // self.held_out.codes.shape[1])
        for start in range(0, len(self.held_out), size):
            part = self.held_out.take(np.arange(start, min(start + size, len(self.held_out))))
            total += self._losses(self.ema.average, part).sum(0).double().cpu()
        self.noise, total = kept, self.strategy.total(total)
        apart = self.schedule.descent_from is not None
        self._watch(self.best.offer(self.ema.average, total / n, apart=apart))
        return {"score": float(self.best.loss.sum() if apart else total.sum() / n)}

    def kept(self) -> dict[str, Tensor]:
        """The best weights so far."""
        return self.best.network.state_dict()

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate from here on."""
        self.schedule.slow_down(factor)


def _groups(network: Autoregressive, config: ARGANConfig) -> list[dict[str, Any]]:
    """Parameters by how fast they learn, and whether they decay."""
    tokens = network.shared()
    of_tokens = {id(parameter) for parameter in tokens}
    rest = [p for p in network.parameters() if id(p) not in of_tokens]
    return [
        {"params": tokens, "faster": config.token_rate, "weight_decay": 0.0},
        {
            "params": [p for p in rest if p.dim() > 2],
            "faster": 1.0,
            "weight_decay": config.weight_decay,
        },
        {"params": [p for p in rest if p.dim() <= 2], "faster": 1.0, "weight_decay": 0.0},
    ]


def _start_from_shares(network: Autoregressive, view: CellView) -> None:
    """The code heads start at the columns' own frequencies."""
    with torch.no_grad():
        for j, start in enumerate(network.layout.start):
            share = np.maximum(view.share(j), 1e-8)
            network.code_bias[start : start + len(share)] = torch.as_tensor(np.log(share)).float()
