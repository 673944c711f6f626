"""Rows from the autoregressive network, freely or under conditions, batches on all cores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from synthgen.seeds import Streams
from synthgen.tabular.autoregressive.cells import CellView
from synthgen.tabular.autoregressive.network import Autoregressive, split
from synthgen.threads import in_batches, one_core
from synthgen.training.device import fast_bfloat16

BATCH = 4096
_BATCH_HIDDEN = 64_000_000
_CANDIDATES = 8
_EDGE = 1e-6


@dataclass(frozen=True)
class Wanted:
    """What drawn rows have to meet.

    Attributes:
        given: Column -> its code in every row (n,) int64; the code carries no value.
        allowed: Column -> (mask of codes (n_codes,), lowest and highest rank of a value).
    """

    given: Mapping[int, np.ndarray]
    allowed: Mapping[int, tuple[np.ndarray, float, float]]

    def part(self, rows: slice) -> Wanted:
        """The conditions of some rows."""
        return Wanted({j: codes[rows] for j, codes in self.given.items()}, self.allowed)


FREE = Wanted({}, {})
Rows = slice | Tensor
ALL = slice(None)


class Drawing:
    """A frozen copy of a network, ready to draw."""

    def __init__(self, network: Autoregressive, view: CellView) -> None:
        self.view, self.layout = view, network.layout
        self.device = network.code_bias.device
        self.dtype = torch.bfloat16 if fast_bfloat16(self.device) else torch.float32
        c, d, h = self.layout.n_columns, network.sizes.token, network.sizes.hidden
        self.token = d
        with torch.no_grad(), one_core():
            self.state = network.sizes.state
            if self.state:
                self.write = network.write.detach().to(self.dtype)
                self.read = network.read.detach().to(self.dtype)
            else:
                first = network.first.detach()
                self.first = [first[:, :, j].reshape(c * d, h).to(self.dtype) for j in range(c)]
            self.first_bias = network.first_bias.detach().to(self.dtype)
            self.second = network.second.detach().to(self.dtype)
            self.second_bias = network.second_bias.detach().to(self.dtype)
            self.embedding = network.embedding.detach()
            self.frequency, self.lift = network.frequency.detach(), network.lift.detach()
            self._heads(network)
        self.position = {int(j): i for i, j in enumerate(view.numeric)}
        # a repeated value is seen as its middle rank, as in training
        self.steps = [_Steps.of(view, i, self.device) for i in range(len(view.numeric))]

    def _heads(self, network: Autoregressive) -> None:
        c = self.layout.n_columns
        self.code_head: list[Tensor] = [torch.empty(0)] * c
        for group, head in zip(self.layout.groups, network.code_heads, strict=True):
            for k, j in enumerate(group.columns):
                self.code_head[j] = head[k, :, : self.layout.n_codes[j]].detach().to(self.dtype)
        start = self.layout.start
        self.code_bias = [
            network.code_bias.detach()[start[j] : start[j] + self.layout.n_codes[j]]
            for j in range(c)
        ]
        self.mixture_head = network.mixture_head.detach().to(self.dtype)
        self.mixture_bias = network.mixture_bias.detach()

    def __call__(
        self, n: int, streams: Streams, wanted: Wanted = FREE
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes (n, n_columns) int64 of the view, and ranks (n, n_numeric) float32."""
        codes = np.empty((n, self.layout.n_columns), np.int64, order="F")
        ranks = np.empty((n, len(self.view.numeric)), np.float32, order="F")
        step = max(64, min(BATCH, _BATCH_HIDDEN // (self.layout.n_columns * self.token)))

        def batch(rows: slice) -> None:
            noise = streams.torch(f"batch/{rows.start}", self.device)
            drawn = self._batch(rows.stop - rows.start, wanted.part(rows), noise)
            codes[rows], ranks[rows] = (tensor.cpu().numpy() for tensor in drawn)

        in_batches(batch, n, step, self.device)
        return codes, ranks

    @torch.inference_mode()
    def _batch(self, n: int, wanted: Wanted, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        row = PartialRows(self, n, noise)
        for j, given in wanted.given.items():
            row.put(j, torch.as_tensor(given, device=self.device), None)
        if wanted.allowed:
            row.choose(wanted.allowed)
        for j in range(self.layout.n_columns):
            if j not in wanted.given and j not in wanted.allowed:
                row.draw(j)
        return row.codes, row.ranks


class PartialRows:
    """Rows in the making: the tokens of their known cells, all else 0."""

    def __init__(self, drawing: Drawing, n: int, noise: torch.Generator) -> None:
        self.drawing, self.noise, device = drawing, noise, drawing.device
        c = drawing.layout.n_columns
        width = drawing.state or c * drawing.token
        # the tokens side by side, or what they write into the shared state
        self.tokens = torch.zeros(n, width, dtype=drawing.dtype, device=device)
        self.codes = torch.zeros(n, c, dtype=torch.long, device=device)
        self.ranks = torch.zeros(n, len(drawing.view.numeric), device=device)
        self.last = -1  # columns beyond it are unknown, and their tokens 0

    def put(self, j: int, codes: Tensor, ranks: Tensor | None, rows: Rows = ALL) -> None:
        """Make cells of ``rows`` known: their codes (k,), and ranks (k,) where they have values."""
        own, d = self.drawing, self.drawing.token
        start = int(own.layout.start[j])
        token = F.embedding(codes, own.embedding[start : start + int(own.layout.n_codes[j])])
        self.codes[rows, j] = codes
        if (i := own.position.get(j)) is not None and ranks is not None:
            held = (codes == own.layout.n_codes[j] - 1).float().unsqueeze(1)
            self.ranks[rows, i] = ranks
            z = torch.special.ndtri(own.steps[i].middle(ranks).clamp(_EDGE, 1 - _EDGE))
            angle = z.unsqueeze(1) * own.frequency[i]
            waves = torch.cat([z.unsqueeze(1), angle.sin(), angle.cos()], dim=1) * held
            token = token.addmm(waves, own.lift[i])
        token = token.to(self.tokens.dtype)
        if own.state:
            self.tokens[rows] += token @ own.write[j]
        else:
            self.tokens[rows, j * d : (j + 1) * d] = token
        self.last = max(self.last, j)

    def distribution(self, j: int, rows: Rows = ALL) -> tuple[Tensor, Tensor | None]:
        """Logits (k, n_codes) and raw mixture (k, 3 components) of a column given what is known."""
        own, known = self.drawing, (self.last + 1) * self.drawing.token
        tokens = self.tokens[rows] if own.state else self.tokens[rows, :known]
        if own.state:
            x = torch.addmm(own.first_bias[j], tokens, own.read[j])
        elif known:
            x = torch.addmm(own.first_bias[j], tokens, own.first[j][:known])
        else:
            x = own.first_bias[j].expand(len(tokens), -1)
        g = F.silu(x)
        g = g + F.silu(torch.addmm(own.second_bias[j], g, own.second[j]))
        logits = (g @ own.code_head[j]).float() + own.code_bias[j]
        i = own.position.get(j)
        if i is None:
            return logits, None
        return logits, (g @ own.mixture_head[i]).float() + own.mixture_bias[i]

    def draw(self, j: int, rows: Rows = ALL, barred: Tensor | None = None) -> None:
        """Draw free cells; ``barred`` (n_codes,) says which codes must not come."""
        logits, mixture = self.distribution(j, rows)
        if barred is not None:
            logits = logits.masked_fill(barred, -torch.inf)
        codes = self._pick(logits)
        if mixture is None:
            self.put(j, codes, None, rows)
            return
        log_weight, mean, log_std = split(mixture)
        part = self._pick(log_weight).unsqueeze(1)
        z = self._normal(len(codes)) * log_std.gather(1, part).squeeze(1).exp()
        self.put(j, codes, torch.special.ndtr(mean.gather(1, part).squeeze(1) + z), rows)

    def choose(self, allowed: Mapping[int, tuple[np.ndarray, float, float]]) -> None:
        """Draw cells that have to be among allowed ones.

        Each is drawn from its own truncated distribution. Where there are several, the product of
        these is not yet the joint one: of some candidates per row one is taken by its importance
        weight, the product of the truncated parts' probabilities. The more columns, the fewer
        candidates, so that conditions cost no more than the free columns do.
        """
        first, *others = sorted(allowed)
        n, k = len(self.codes), max(2, _CANDIDATES // len(others)) if others else 1
        wide = PartialRows(self.drawing, n * k, self.noise)
        wide.tokens, wide.codes, wide.ranks = (
            tensor.repeat_interleave(k, 0) for tensor in (self.tokens, self.codes, self.ranks)
        )
        wide.last = self.last
        # nothing tells a row's candidates apart yet
        weight = wide._truncated(first, *allowed[first], of=self.distribution(first))
        for j in others:
            weight += wide._truncated(j, *allowed[j])
        best = (weight + self._gumbel(n * k)).view(n, k).argmax(dim=1)
        taken = torch.arange(n, device=best.device) * k + best
        self.tokens, self.codes = wide.tokens[taken], wide.codes[taken]
        self.ranks, self.last = wide.ranks[taken], wide.last

    def _truncated(
        self,
        j: int,
        mask: np.ndarray,
        low: float,
        high: float,
        of: tuple[Tensor, Tensor | None] | None = None,
    ) -> Tensor:
        """Draw a cell among allowed ones; returns the log probability (n,) that it is allowed.

        ``of`` is the distribution where it is known: one for as many rows as stand side by side.
        """
        logits, mixture = self.distribution(j) if of is None else of
        times = len(self.codes) // max(len(logits), 1)
        logits = logits.log_softmax(1).repeat_interleave(times, 0)
        mixture = None if mixture is None else mixture.repeat_interleave(times, 0)
        barred = torch.as_tensor(~mask, device=logits.device)
        ranks = None
        if mixture is not None:
            log_weight, mean, log_std = split(mixture)
            ends = torch.tensor([low, high]).clamp(_EDGE, 1 - _EDGE)
            z = torch.special.ndtri(ends).to(mean.device)
            below, above = (torch.special.ndtr((end - mean) / log_std.exp()) for end in z)
            inside = (above - below).clamp(min=1e-12)
            log_inside = torch.logsumexp(log_weight + inside.log(), dim=1)
            part = self._pick(log_weight + inside.log()).unsqueeze(1)
            a, b = below.gather(1, part).squeeze(1), above.gather(1, part).squeeze(1)
            u = torch.rand(len(a), generator=self.noise, device=a.device)
            q = torch.special.ndtri((a + u * (b - a)).clamp(1e-7, 1 - 1e-7))
            drawn = mean.gather(1, part).squeeze(1) + q * log_std.gather(1, part).squeeze(1).exp()
            ranks = torch.special.ndtr(drawn).clamp(low, high)
            logits[:, -1] += log_inside
        logits = logits.masked_fill(barred, -torch.inf)
        self.put(j, self._pick(logits), ranks)
        return logits.logsumexp(1)

    def _pick(self, logits: Tensor) -> Tensor:
        """Indices (n,) drawn from the softmax of logits (n, k)."""
        if logits.shape[1] == 1:
            return torch.zeros(len(logits), dtype=torch.long, device=logits.device)
        top = logits.amax(dim=1, keepdim=True)
        below = (logits - top).exp_().cumsum(dim=1)
        u = torch.rand(len(logits), 1, generator=self.noise, device=logits.device)
        # strictly below the total, so that a last option of weight 0 is never taken
        u = (u * below[:, -1:]).clamp(max=below[:, -1:] * (1 - 1e-6))
        return torch.searchsorted(below, u, right=True).squeeze(1).clamp(max=logits.shape[1] - 1)

    def _normal(self, n: int) -> Tensor:
        return torch.randn(n, generator=self.noise, device=self.codes.device)

    def _gumbel(self, n: int) -> Tensor:
        u = torch.rand(n, generator=self.noise, device=self.codes.device)
        return -torch.log(-torch.log(u.clamp(1e-12, 1 - 1e-7)))


@dataclass(frozen=True)
class _Steps:
    """The middle ranks of a column's repeated values."""

    right: Tensor
    centre: Tensor

    @classmethod
    def of(cls, view: CellView, i: int, device: torch.device) -> _Steps:
        right, centre = view.quantiles_of(i).quantiles.middles()
        as_tensor = [
            torch.as_tensor(a, dtype=torch.float32, device=device) for a in (right, centre)
        ]
        return cls(*as_tensor)

    def middle(self, ranks: Tensor) -> Tensor:
        """Ranks (n,), those inside a step moved to its middle."""
        at = self.centre[torch.bucketize(ranks, self.right, right=True)]
        return torch.where(at >= 0, at, ranks)
