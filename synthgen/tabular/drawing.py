"""Rows from a trained generator: one-hot blocks to codes, batch by batch, a core for each batch."""

from __future__ import annotations

import copy

import numpy as np
import torch
from torch import Tensor

from synthgen.encoding.table import EncodedTable
from synthgen.sampling.request import FREE
from synthgen.seeds import Streams
from synthgen.tabular.layout import Layout, Part
from synthgen.tabular.networks import Generator, blocks_of
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
        self.parts = [_PartDrawing(layout, part, offset, self.device) for part in layout.parts]

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
            part = EncodedTable(table.codes[rows], table.values[rows])
            self._batch(condition[rows], noise, part)

        in_batches(batch, n, step, self.device)
        return table

    @torch.inference_mode()
    def _batch(self, condition: np.ndarray, noise: torch.Generator, rows: EncodedTable) -> None:
        """Fill ``rows`` (n, n_columns)."""
        n, given, one_hot = len(condition), None, None
        if (condition != FREE).any():
            given = torch.as_tensor(condition, device=self.device).long()
            one_hot = self.layout.one_hot(given).to(self.dtype)

        def draw(part: Part, logits: Tensor, raw: Tensor) -> Tensor:
            own = self.parts[part.index]
            codes = own.codes(logits, noise)
            if given is not None:
                asked = given[:, own.columns]
                codes = torch.where(asked != FREE, asked, codes)
            values, at = own.values(codes, raw)
            rows.codes[:, part.columns] = codes.cpu().numpy()
            rows.values[:, own.valued] = values.cpu().numpy()
            return own.seen(codes, values, at, logits.dtype)

        z = torch.randn(n, self.generator.noise_dim, generator=noise, device=self.device)
        self.generator(z.to(self.dtype), one_hot, draw)


class _PartDrawing:
    """What drawing one part needs, on the device."""

    def __init__(
        self, layout: Layout, part: Part, offset: np.ndarray, device: torch.device
    ) -> None:
        def tensor(array: np.ndarray) -> Tensor:
            return torch.as_tensor(array, device=device)

        self.part = part
        self.is_last = part.index == len(layout.parts) - 1
        self.offset = tensor((offset + layout.padding)[part.slots])
        self.columns = tensor(part.columns)
        self.last_code = tensor(layout.n_codes[part.columns] - 1)
        self.start = tensor(layout.start[part.columns] - part.slots.start)
        with_values = np.array([layout.has_value[j].any() for j in part.columns])
        self.valued = part.columns[with_values]
        self.place = tensor(np.flatnonzero(with_values))
        index = layout.value_of_slot[part.slots]
        self.value_of_slot = tensor(np.where(index < 0, -1, index - part.values.start))

    def codes(self, logits: Tensor, noise: torch.Generator) -> Tensor:
        """One code of each column, drawn from its softmax: (n, n_part_columns) int64.

        A uniform number is looked up in the cumulated weights of each block.
        """
        # sums of e^60 do not overflow, and e^-80 is not yet a (slow) denormal number
        weights = logits.to(torch.float32, copy=True).add_(self.offset).clamp_(-80, 60).exp_()
        u = torch.rand(len(logits), len(self.columns), 1, generator=noise, device=logits.device)
        drawn, first = [], 0
        for block in blocks_of(weights, self.part):
            k = block.shape[1]
            below = block.cumsum(dim=2)
            at = torch.searchsorted(below, u[:, first : first + k] * below[..., -1:])
            drawn.append(at.squeeze(2))
            first += k
        return torch.minimum(torch.cat(drawn, dim=1), self.last_code)

    def values(self, codes: Tensor, raw: Tensor) -> tuple[Tensor, Tensor]:
        """Values (n, n_valued) of the columns that may have any, and where they stand in ``raw``.

        A code without a value has value 0, and stands anywhere.
        """
        if not len(self.valued):
            nothing = raw.new_zeros(len(raw), 0, dtype=torch.float32)
            return nothing, nothing.long()
        at = self.value_of_slot[codes[:, self.place] + self.start[self.place]]
        held = at >= 0
        at = at.clamp_(min=0)
        return raw.gather(1, at).float().tanh_().mul_(held), at

    def seen(self, codes: Tensor, values: Tensor, at: Tensor, dtype: torch.dtype) -> Tensor:
        """What later parts see: one-hot codes, then values at their mode; nothing of the last."""
        width = 0 if self.is_last else self.part.n_slots + self.part.n_values
        row = torch.zeros(len(codes), width, dtype=dtype, device=codes.device)
        if width:
            row.scatter_(1, codes + self.start, 1.0)
            row[:, self.part.n_slots :].scatter_add_(1, at, values.to(dtype))
        return row
