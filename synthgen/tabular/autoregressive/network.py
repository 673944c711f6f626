"""The autoregressive network: every column's distribution given the columns visible to it.

A visible cell is a token: the embedding of its code plus a lift of its normal score z,

    t_k = E_k[code] + [z, sin(w_k z), cos(w_k z)] A_k,

an invisible one is 0. Column j has a multilayer perceptron of its own over all tokens,

    h_j = silu(sum_k t_k W_kj + b_j),  g_j = h_j + silu(h_j H_j + c_j),

and two heads on g_j: a softmax over codes, and a mixture of Gaussians over z for the cells that
carry a value. Visible to column j are the columns before it and those given from the start; a
matrix product with the lower blocks of W serves the former, one with the upper blocks the latter,
so all columns are one forward pass in training. In a wide table, where W would grow with the
square of the columns, it has low rank: W_kj = V_k U_j, and tokens add up in a state that all
columns read. The masking is that of MADE (Germain et al., 2015, equation 13), the mixture that of a
mixture density network (Bishop, 1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import override

from synthgen.tabular.layout import Layout

_PERIODS = 8
_MIN_LOG_STD, _MAX_LOG_STD = -7.0, 2.0


@dataclass(frozen=True)
class Sizes:
    """Widths of the network.

    Attributes:
        token: Of a token.
        hidden: Of a column's layers.
        components: Gaussians of a mixture.
        dropout: Share of a column's units that a row trains without.
        state: Width of the state that all columns share, 0 for a first layer of its own for each
            pair of columns.
    """

    token: int
    hidden: int
    components: int
    dropout: float = 0.0
    state: int = 0


class Autoregressive(nn.Module):
    """See the module.

    Shape:
        codes: (n, n_columns) int64; scores: (n, n_numeric) float32.
        tokens: (n, n_columns, token); logits: (n, n_slots) in the layout's order; mixture: three
            of (n_numeric, n, components): log weights (not normalized), means, log deviations.
    """

    start: Tensor
    numeric: Tensor
    before: Tensor
    by_group: Tensor
    padding: Tensor

    def __init__(self, layout: Layout, numeric: np.ndarray, sizes: Sizes) -> None:
        super().__init__()
        self.layout, self.sizes = layout, sizes
        c, m, d, h = layout.n_columns, len(numeric), sizes.token, sizes.hidden
        self.embedding = nn.Parameter(torch.randn(layout.n_slots, d) / math.sqrt(d))
        self.frequency = nn.Parameter(torch.logspace(-0.5, 1.0, _PERIODS).repeat(m, 1))
        self.lift = nn.Parameter(torch.randn(m, 2 * _PERIODS + 1, d) / math.sqrt(_PERIODS * d))
        scale = 1 / math.sqrt(d * max(c / 2, 1))
        if sizes.state:
            self.write = nn.Parameter(torch.randn(c, d, sizes.state) * scale)
            self.read = nn.Parameter(torch.randn(c, sizes.state, h) / math.sqrt(sizes.state))
        else:
            self.first = nn.Parameter(torch.randn(c, d, c, h) * scale)
        self.first_bias = nn.Parameter(torch.zeros(c, 1, h))
        self.second = nn.Parameter(torch.randn(c, h, h) / math.sqrt(h))
        self.second_bias = nn.Parameter(torch.zeros(c, 1, h))
        self.code_heads = nn.ParameterList(
            torch.zeros(len(group.columns), h, group.width) for group in layout.groups
        )
        self.code_bias = nn.Parameter(torch.zeros(layout.n_slots))
        self.mixture_head = nn.Parameter(torch.randn(m, h, 3 * sizes.components) * 0.1 / h**0.5)
        self.mixture_bias = nn.Parameter(_spread_out(m, sizes.components))
        self.register_buffer("start", torch.as_tensor(layout.start), persistent=False)
        self.register_buffer("numeric", torch.as_tensor(numeric), persistent=False)
        by_group = np.concatenate([group.columns for group in layout.groups])
        self.register_buffer("by_group", torch.as_tensor(by_group), persistent=False)
        order = torch.arange(0 if sizes.state else c)
        before = (order[:, None] < order).float()
        self.register_buffer("before", before[:, None, :, None], persistent=False)
        self.register_buffer("padding", torch.as_tensor(layout.padding), persistent=False)

    def tokens(self, codes: Tensor, scores: Tensor, has_score: Tensor) -> Tensor:
        """Tokens of whole rows; ``has_score`` (n, n_numeric) says where a score counts."""
        tokens = F.embedding(codes + self.start, self.embedding)
        if not len(self.numeric):
            return tokens
        angle = scores.t().unsqueeze(2) * self.frequency.unsqueeze(1)
        waves = torch.cat([scores.t().unsqueeze(2), angle.sin(), angle.cos()], dim=2)
        lifted = torch.bmm(waves * has_score.t().unsqueeze(2), self.lift)
        return tokens.index_add(1, self.numeric, lifted.transpose(0, 1).to(tokens.dtype))

    @override
    def forward(
        self, tokens: Tensor, given: Tensor | None = None, prefix: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Logits, and the mixtures' raw parameters (n_numeric, n, 3 components), of all columns.

        Args:
            tokens: Of whole rows.
            given: (k, n_columns) 1 where a column of the first k rows is visible to all others.
            prefix: (k, n_columns) 1 where it is visible to later columns; all are in other rows.
        """
        if given is None or prefix is None:
            return self.heads(self._earlier(tokens))
        k = len(given)
        some = tokens[:k] * prefix.unsqueeze(2)
        x = self._earlier(torch.cat([some, tokens[k:]]))
        late = self._later(tokens[:k] * given.unsqueeze(2))
        return self.heads(torch.cat([x[:, :k] + late, x[:, k:]], dim=1))

    def _earlier(self, tokens: Tensor) -> Tensor:
        """Sums over the tokens before each column: (n_columns, n, hidden)."""
        if self.sizes.state:
            return torch.bmm(_sums_before(self._written(tokens)), self.read)
        return self._first(tokens, self.before)

    def _later(self, tokens: Tensor) -> Tensor:
        """Sums over the tokens after each column: (n_columns, n, hidden)."""
        if self.sizes.state:
            return torch.bmm(_sums_before(self._written(tokens).flip(0)).flip(0), self.read)
        return self._first(tokens, self.before.transpose(0, 2))

    def _written(self, tokens: Tensor) -> Tensor:
        """What each token adds to the shared state: (n_columns, n, state)."""
        return torch.bmm(tokens.transpose(0, 1), self.write).float()

    def _first(self, tokens: Tensor, mask: Tensor) -> Tensor:
        n, c = tokens.shape[:2]
        x = tokens.flatten(1) @ (self.first * mask).reshape(-1, c * self.sizes.hidden)
        return x.reshape(n, c, self.sizes.hidden).transpose(0, 1)

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Both heads from sums of visible tokens (n_columns, n, hidden)."""
        g = F.silu(x + self.first_bias)
        if self.training and self.sizes.dropout:
            # one mask for all columns' networks: the same units are dropped, at a fraction of the
            # cost of drawing as many random numbers as there are activations
            kept = torch.rand(g.shape[1:], device=g.device) >= self.sizes.dropout
            g = g * (kept / (1 - self.sizes.dropout)).to(g.dtype)
        g = g + F.silu(torch.baddbmm(self.second_bias.to(g.dtype), g, self.second.to(g.dtype)))
        groups = torch.split(g.index_select(0, self.by_group), [len(h) for h in self.code_heads])
        blocks = [
            torch.bmm(group, head).transpose(0, 1).flatten(1)
            for group, head in zip(groups, self.code_heads, strict=True)
        ]
        logits = torch.cat(blocks, dim=1).float() + self.code_bias + self.padding
        mixture = (
            torch.bmm(g.index_select(0, self.numeric), self.mixture_head).float()
            + self.mixture_bias
        )
        return logits, mixture

    def shared(self) -> list[nn.Parameter]:
        """Parameters that all columns read: those of the tokens."""
        written = [self.write] if self.sizes.state else []
        return [self.embedding, self.lift, self.frequency, *written]

    def own(self, j: int) -> list[Tensor]:
        """Views of the parameters that column ``j`` alone reads."""
        first = self.read[j] if self.sizes.state else self.first[:, :, j]
        slots = slice(int(self.layout.start[j]), int(self.layout.start[j] + self.layout.n_codes[j]))
        parts = [first, self.first_bias[j], self.second[j], self.second_bias[j]]
        parts.append(self.code_bias[slots])
        for group, head in zip(self.layout.groups, self.code_heads, strict=True):
            parts += [head[k] for k, column in enumerate(group.columns) if column == j]
        for i in torch.nonzero(self.numeric == j).flatten().tolist():
            parts += [self.mixture_head[i], self.mixture_bias[i]]
        return parts

    def loss(
        self, logits: Tensor, mixture: Tensor, codes: Tensor, scores: Tensor, has_score: Tensor
    ) -> Tensor:
        """Negative log likelihood (n, n_columns) of cells: that of the code and of the score."""
        loss = code_loss(logits, codes, self.layout)
        if not len(self.numeric):
            return loss
        log_weight, mean, log_std = split(mixture)
        log = normal_mixture(log_weight, mean, log_std, scores.t().unsqueeze(2))
        return loss.index_add(1, self.numeric, -(log.t() * has_score))


def _sums_before(x: Tensor) -> Tensor:
    """Sums of x[:j] for every j; x[j] itself has no part in it, not even by rounding."""
    return torch.cat([torch.zeros_like(x[:1]), x[:-1]]).cumsum(0)


def split(mixture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights, means and log deviations (..., components) of raw parameters."""
    log_weight, mean, log_std = mixture.chunk(3, dim=-1)
    return log_weight.log_softmax(-1), mean, log_std.clamp(_MIN_LOG_STD, _MAX_LOG_STD)


def normal_mixture(log_weight: Tensor, mean: Tensor, log_std: Tensor, z: Tensor) -> Tensor:
    """Log density (...,) of ``z`` (..., 1) under mixtures with parameters (..., components)."""
    u = (z - mean) * torch.exp(-log_std)
    return torch.logsumexp(log_weight - log_std - 0.5 * u * u, dim=-1) - 0.5 * math.log(2 * math.pi)


def code_loss(logits: Tensor, codes: Tensor, layout: Layout) -> Tensor:
    """Negative log likelihood (n, n_columns) of codes."""
    n = len(codes)
    loss = logits.new_zeros(n, layout.n_columns)
    for group in layout.groups:
        if group.width == 1:
            continue
        columns = torch.as_tensor(group.columns, device=codes.device)
        block = logits[:, group.start : group.stop].reshape(n, -1, group.width)
        right = block.gather(2, codes[:, columns].unsqueeze(2)).squeeze(2)
        loss = loss.index_add(1, columns, block.logsumexp(2) - right)
    return loss


def _spread_out(n_columns: int, components: int) -> Tensor:
    """Raw mixture parameters (n_columns, 1, 3 components) that cover the standard normal."""
    level = (torch.arange(components) + 0.5) / components
    mean = torch.special.ndtri(level)
    width = torch.full((components,), math.log(2.0 / components + 0.15))
    raw = torch.cat([torch.zeros(components), mean, width])
    return raw.repeat(n_columns, 1, 1)
