"""The weights that held-out rows like best: of the whole network, then column by column.

Columns share nothing but their tokens. While tokens move, weights are kept or not as a whole. Once
they stand still, each column's network is a model of its own, and keeps its own best weights: one
that has begun to overfit stays as it was while others go on learning.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from synthgen.tabular.autoregressive.network import Autoregressive


class BestColumns:
    """Holds ``network``, a copy with the best weights so far.

    Shape:
        loss: (n_columns,) mean held-out loss of each column with them; infinite at first.
    """

    STATE = ("network", "loss")

    def __init__(self, network: Autoregressive) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        self.loss = torch.full((network.layout.n_columns,), torch.inf, dtype=torch.float64)

    @torch.no_grad()
    def offer(self, network: Autoregressive, loss: Tensor, *, apart: bool) -> bool:
        """Keep the weights of ``network`` where its ``loss`` (n_columns,) is lower, if anywhere.

        Args:
            network: Holds the weights.
            loss: Mean held-out loss of each column.
            apart: Each column for itself; only right while the shared parameters stand still.
        """
        if not apart:
            improved = bool(loss.sum() < self.loss.sum())
            if improved:
                self.network.load_state_dict(network.state_dict())
                self.loss = loss
            return improved
        better = torch.nonzero(loss < self.loss).flatten().tolist()
        for j in better:
            for kept, found in zip(self.network.own(j), network.own(j), strict=True):
                kept.copy_(found)
        self.loss = torch.minimum(loss, self.loss)
        return bool(better)
