"""Rows from a chain of distributions, freely or under conditions.

A chain gives every column the ones before it. Under conditions each row has some candidates: in
each the wanted cells are put in their place, and it weighs as much as the chain thought them likely
(likelihood weighting: Fung and Chang, 1990). One of them is taken.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from synthgen.encoding.binned import BinnedEncoder
from synthgen.encoding.table import RankedTable, TableEncoder
from synthgen.sampling.request import Request, draw_exact
from synthgen.seeds import Streams
from synthgen.tabular.private.network import Chain

_CANDIDATES = 16
_BATCH = 16_384


def draw(
    chain: Chain, encoder: TableEncoder, n: int, request: Request, streams: Streams
) -> RankedTable:
    """``n`` rows that meet ``request``."""
    rng = streams.numpy("cells")
    fixed = {j: request.codes[j] for j in request.balanced}
    given = {j: codes[draw_exact(request.share[j], n, rng)] for j, codes in fixed.items()}
    allowed = {
        j: _allowed(encoder, j, codes, request)
        for j, codes in request.codes.items()
        if j not in fixed
    }
    k = _CANDIDATES if request.codes else 1
    codes = np.empty((n, len(encoder.columns)), np.int32, order="F")
    size = max(1, _BATCH // k)
    for start in range(0, n, size):
        rows = slice(start, min(start + size, n))
        part = {j: held[rows] for j, held in given.items()}
        noise = streams.torch(f"batch/{start}")
        codes[rows] = _candidates(chain, rows.stop - rows.start, k, part, allowed, noise)
    return RankedTable(codes, place(encoder, codes, request.ranks, rng))


def _allowed(encoder: TableEncoder, j: int, codes: np.ndarray, request: Request) -> np.ndarray:
    """Log of the share (n_codes,) of each code of a column that a condition lets through."""
    part = np.zeros(int(encoder.n_codes[j]))
    part[codes] = 1.0
    column = encoder.columns[j]
    if j in request.ranks and isinstance(column, BinnedEncoder):
        low, high = column.rank_intervals()
        wide = column.has_value
        inside = np.minimum(high, request.ranks[j][1]) - np.maximum(low, request.ranks[j][0])
        share = np.clip(inside, 0, None) / np.maximum(high - low, 1e-12)
        # a single value at the border of a bin has no width, and is wanted all the same
        part[wide] *= np.where(inside[wide] >= 0, np.maximum(share[wide], 1e-9), 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(part), np.float32)


@torch.inference_mode()
def _candidates(
    chain: Chain,
    n: int,
    k: int,
    given: dict[int, np.ndarray],
    allowed: dict[int, np.ndarray],
    noise: torch.Generator,
) -> np.ndarray:
    """Codes (n, n_columns) of the candidates taken, of ``k`` each."""
    wanted = {j: torch.as_tensor(codes.repeat(k)).long() for j, codes in given.items()}
    rows = PartialRows(chain, n * k)
    for j in range(chain.n_columns):
        log = chain.logits(j, rows.seen).log_softmax(1)
        if j in wanted:
            rows.put(j, wanted[j], log.gather(1, wanted[j][:, None]).squeeze(1))
            continue
        if j in allowed:
            log = log + torch.as_tensor(allowed[j])
        total = log.logsumexp(1) if j in allowed else None
        rows.put(j, pick(log, noise), total)
    if k == 1:
        return rows.codes.numpy()
    u = torch.rand(n, k, generator=noise).clamp(1e-12, 1 - 1e-7)
    best = (rows.weight.view(n, k) - torch.log(-torch.log(u))).argmax(1)
    return rows.codes.view(n, k, -1)[torch.arange(n), best].numpy()


class PartialRows:
    """Rows in the making: their codes, features, and log weights."""

    def __init__(self, chain: Chain, n: int) -> None:
        self.chain = chain
        self.codes = torch.zeros(n, chain.n_columns, dtype=torch.long)
        self.seen = torch.zeros(n, sum(chain.widths))
        self.weight = torch.zeros(n)

    def put(self, j: int, codes: Tensor, weight: Tensor | None) -> None:
        """Make the cells (n,) of a column known."""
        start = self.chain.before[j]
        self.codes[:, j] = codes
        self.seen[:, start : start + self.chain.widths[j]] = self.chain.features[j][codes]
        if weight is not None:
            self.weight += weight


def pick(log: Tensor, noise: torch.Generator) -> Tensor:
    """Indices (n,) drawn from the softmax of ``log`` (n, k)."""
    below = (log - log.amax(1, keepdim=True)).exp().cumsum(1)
    u = torch.rand(len(log), 1, generator=noise) * below[:, -1:]
    # strictly below the total, so that a last option of weight 0 is never taken
    u = u.clamp(max=below[:, -1:] * (1 - 1e-6))
    return torch.searchsorted(below, u, right=True).squeeze(1).clamp(max=log.shape[1] - 1)


def place(
    encoder: TableEncoder,
    codes: np.ndarray,
    limits: Mapping[int, tuple[float, float]],
    rng: np.random.Generator,
) -> np.ndarray:
    """Ranks (n, n_columns) float32: uniform inside the bin of each code and a column's limits."""
    ranks = np.zeros(codes.shape, np.float32, order="F")
    for j, column in enumerate(encoder.columns):
        if not isinstance(column, BinnedEncoder):
            continue
        low, high = column.rank_intervals()
        least, most = limits.get(j, (0.0, 1.0))
        low, high = low.clip(least, most), high.clip(least, most)
        at = codes[:, j]
        drawn = low[at] + rng.random(len(at)) * (high - low)[at]
        ranks[:, j] = np.clip(drawn.astype(np.float32), np.float32(least), np.float32(most))
    return ranks
