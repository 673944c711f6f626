"""Rows from a trained generator: one-hot blocks to codes, batch by batch, a core for each batch."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from synthgen.encoding.table import EncodedTable
from synthgen.sampling.request import FREE
from synthgen.seeds import Streams
from synthgen.tabular.layout import Layout
from synthgen.tabular.networks import Generator
from synthgen.threads import in_batches, one_core
from synthgen.training.device import fast_bfloat16

BATCH = 4096
_BATCH_SLOTS = 16_000_000


class Drawing:
    """A frozen copy of a generator, ready to draw codes and values inside modes.

    Weights are converted once, to bfloat16 where matrix products gain from it. On the CPU, each
    core draws whole batches by itself, which beats sharing every small operation between cores.

    Args:
        offset: (n_slots,) added to the logits.
    """

    def __init__(self, generator: Generator, layout: Layout, offset: np.ndarray) -> None:
        self.layout, self.device = layout, next(generator.parameters()).device
        self.dtype = torch.bfloat16 if fast_bfloat16(self.device) else torch.float32
        with one_core():
            frozen = copy.deepcopy(generator).requires_grad_(False).eval()
            self.generator = frozen.to(self.dtype)
        self.offset = self._tensor(offset + layout.padding)
        self.last_code = [self._tensor(layout.n_codes[g.columns] - 1) for g in layout.groups]
        # blocks come in order of width: where each column's code stands among them
        self.place = self._tensor(np.argsort(np.concatenate([g.columns for g in layout.groups])))
        self.valued = self._tensor(np.flatnonzero([held.any() for held in layout.has_value]))
        self.start = self._tensor(layout.start)
        self.value_of_slot = self._tensor(layout.value_of_slot)

    def __call__(self, condition: np.ndarray, streams: Streams) -> EncodedTable:
        """Rows (n, n_columns) for conditions (n, n_columns) of codes or `FREE`."""
        n = len(condition)
        # column by column, as decoding reads it
        table = EncodedTable(
            np.empty(condition.shape, np.int32, order="F"),
            np.zeros(condition.shape, np.float32, order="F"),
        )
        step = max(1, min(BATCH, _BATCH_SLOTS // self.layout.n_slots))

        def batch(rows: slice) -> None:
            noise = streams.torch(f"batch/{rows.start}", self.device)
            codes, values = self._batch(condition[rows], noise)
            table.codes[rows] = codes.cpu().numpy()
            table.values[rows, self.valued.cpu().numpy()] = values.cpu().numpy()

        in_batches(batch, n, step, self.device)
        return table

    @torch.inference_mode()
    def _batch(self, condition: np.ndarray, noise: torch.Generator) -> tuple[Tensor, Tensor]:
        """Codes (n, n_columns) int64, and values (n, n_valued) of the columns that have any."""
        n, layout = len(condition), self.layout
        given = self._tensor(condition).long() if (condition != FREE).any() else None
        one_hot = None if given is None else layout.one_hot(given).to(self.dtype)
        z = torch.randn(n, self.generator.noise_dim, generator=noise, device=self.device)
        logits, raw = self.generator(z.to(self.dtype), one_hot)
        codes = self._codes(logits, noise)
        if given is not None:
            codes = torch.where(given != FREE, given, codes)
        index = self.value_of_slot[(codes + self.start)[:, self.valued]]
        if not raw.shape[1]:
            return codes, raw.new_zeros(n, 0, dtype=torch.float32)
        values = raw.gather(1, index.clamp(min=0)).float().tanh_()
        return codes, values.mul_(index >= 0)

    def _codes(self, logits: Tensor, noise: torch.Generator) -> Tensor:
        """One code of each column, drawn from its softmax: (n, n_slots) -> (n, n_columns) int64.

        A uniform number is looked up in the cumulated weights of each block.
        """
        # sums of e^60 do not overflow, and e^-80 is not yet a (slow) denormal number
        weights = logits.to(torch.float32, copy=True).add_(self.offset).clamp_(-80, 60).exp_()
        n = len(logits)
        u = torch.rand(n, self.layout.n_columns, 1, generator=noise, device=self.device)
        drawn, first = [], 0
        for group, last in zip(self.layout.groups, self.last_code, strict=True):
            k = len(group.columns)
            block = weights[:, group.start : group.stop].reshape(n, k, group.width)
            below = block.cumsum(dim=2)
            at = torch.searchsorted(below, u[:, first : first + k] * below[..., -1:])
            drawn.append(torch.minimum(at.squeeze(2), last))
            first += k
        return torch.cat(drawn, dim=1)[:, self.place]

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.as_tensor(array, device=self.device)
