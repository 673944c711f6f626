"""Which codes of a table the pair critic looks at, and how often they come together in the data."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.adversarial.pairs import PairCritic
from synthgen.encoding.table import EncodedTable
from synthgen.tabular.layout import Layout
from synthgen.tabular.marginals import varied_columns

MAX_CODES = 768
MAX_ROWS = 50_000
_CHUNK = 4096


class CodePairs:
    """A `PairCritic` over the most frequent codes of a table's columns.

    Its cost grows with the square of the codes looked at: of a wide table it takes a random subset
    of columns, of a column with many codes the most frequent ones.

    Attributes:
        slots: (k,) int64 slots of these codes in a batch matrix.
    """

    STATE = ("critic",)

    def __init__(
        self,
        layout: Layout,
        table: EncodedTable,
        rng: np.random.Generator,
        device: torch.device,
    ) -> None:
        varied = varied_columns(layout.n_codes, rng)
        most = MAX_CODES // max(len(varied), 1)
        slots, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for j in varied:
            counts = np.bincount(table.codes[:, j], minlength=layout.n_codes[j])
            codes = np.argsort(-counts, kind="stable")[:most]
            slots.append(layout.start[j] + np.sort(codes))
            columns.append(np.full(len(codes), j))
        self.slots = torch.as_tensor(np.concatenate(slots), device=device)
        rows = table.take(rng.permutation(len(table))[:MAX_ROWS])
        real = torch.zeros(len(self.slots), len(self.slots), device=device)
        for start in range(0, len(rows), _CHUNK):
            part = torch.as_tensor(rows.codes[start : start + _CHUNK], device=device)
            hot = layout.one_hot(part.long())[:, self.slots]
            real += hot.T @ hot / len(rows)
        column = torch.as_tensor(np.concatenate(columns), device=device)
        self.critic = PairCritic(real, column)

    def loss(self, rows: torch.Tensor) -> torch.Tensor:
        """The pair critic's loss of free synthetic rows (n, at least n_slots)."""
        return self.critic.loss(rows[:, self.slots])
