"""A critic of pairs: linear in products of two features, and therefore solved, not trained.

A neural critic learns the large differences between two tables first; small ones in the joint
frequencies of two columns, of which there are many, come late. A critic f(x) = sum_ab w_ab x_a x_b
sees exactly these. Within a ball of ||w||, its best weights are the differences themselves,

    w_ab = (E[y_a y_b] - E[x_a x_b]) / (E[y_a y_b] + c),    y real, x synthetic,

the witness function of the maximum mean discrepancy whose kernel is the product of pairs (Gretton
et al., *A Kernel Two-Sample Test*, JMLR 2012, section 2.3; as a generator's loss: Li et al.,
*Generative Moment Matching Networks*, ICML 2015), scaled so that a pair counts by how wrong it is
relative to how frequent it is.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST = 1e-3


class PairCritic:
    """Pulls the mean products of features towards those of the data.

    Args:
        real: (k, k) mean products of the data's features.
        column: (k,) int64 column of each feature; products inside a column are left alone.
        memory: Share of the past in the running means of synthetic products: one batch is too
            noisy to judge rare pairs by, and a long memory answers too late.
    """

    STATE = ("synthetic",)

    def __init__(self, real: Tensor, column: Tensor, memory: float = 0.9) -> None:
        self.real, self.memory = real, memory
        across = column[:, None] != column[None, :]
        n_columns = max(len(torch.unique(column)), 1)
        self.scale = across / (real + _LEAST) / n_columns**2
        self.synthetic: Tensor | None = None

    def loss(self, rows: Tensor) -> Tensor:
        """A scalar whose gradient moves the products of synthetic rows (n, k) the right way."""
        if not len(rows):
            return rows.sum()
        products = rows.T @ rows / len(rows)
        fresh = products.detach()
        past = fresh if self.synthetic is None else self.synthetic.to(fresh.device)
        self.synthetic = past.lerp(fresh, 1 - self.memory)
        return ((self.synthetic - self.real) * self.scale * products).sum()
