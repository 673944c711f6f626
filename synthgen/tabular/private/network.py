"""A chain of small networks: every column's codes given the features of the columns before it.

    h_j = tanh(A_j x_{<j} + a_j),  logits_j = log share_j + F_j (B_j h_j + C_j x_{<j} + c_j)

with x the features of codes (see `codebook`) and F_j those of column j. All weights are in plain
linear layers, whose per-sample gradients are cheap.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from typing_extensions import override

from synthgen.tabular.private.codebook import Codebook


class Chain(nn.Module):
    """See the module.

    Shape:
        codes: (n, n_columns) int64.
    """

    def __init__(self, codebook: Codebook, hidden: int) -> None:
        super().__init__()
        widths = codebook.widths
        before = [sum(widths[:j]) for j in range(len(widths))]
        first = [nn.Linear(max(n, 1), hidden) for n in before]
        second = [nn.Linear(hidden, n, bias=False) for n in widths]
        direct = [nn.Linear(max(b, 1), n) for b, n in zip(before, widths, strict=True)]
        for layer in (*second, *direct):
            nn.init.zeros_(layer.weight)
        for layer in (*first, *direct):
            nn.init.zeros_(layer.bias)
        for layer in first:
            nn.init.normal_(layer.weight, std=0.5 / max(len(widths) / 2, 1) ** 0.5)
        self.first, self.second = nn.ModuleList(first), nn.ModuleList(second)
        self.direct = nn.ModuleList(direct)
        self.before, self.widths, self.n_columns = before, widths, len(widths)
        self.features = [torch.as_tensor(held) for held in codebook.features]
        self.log_share = [torch.as_tensor(held) for held in codebook.log_share]

    def seen(self, codes: Tensor) -> Tensor:
        """Features (n, n_features) of whole rows."""
        columns = codes.unbind(1)
        return torch.cat([f[c] for f, c in zip(self.features, columns, strict=True)], dim=1)

    def logits(self, j: int, seen: Tensor) -> Tensor:
        """Logits (n, n_codes) of a column given the features (n, >=) of those before it."""
        # the first column sees a constant 0: only its biases speak
        x = seen[:, : self.before[j]] if j else seen.new_zeros(len(seen), 1)
        z = self.second[j](torch.tanh(self.first[j](x))) + self.direct[j](x)
        logits: Tensor = self.log_share[j] + z @ self.features[j].T
        return logits

    @override
    def forward(self, codes: Tensor) -> Tensor:
        """Negative log likelihood (n,) of rows."""
        seen = self.seen(codes)
        return torch.stack(
            [
                nn.functional.cross_entropy(self.logits(j, seen), codes[:, j], reduction="none")
                for j in range(codes.shape[1])
            ]
        ).sum(0)
