"""The likelihood of cells under the autoregressive network: what it is trained by and judged by."""

from __future__ import annotations

import torch
from torch import Tensor

from synthgen.tabular.autoregressive.cells import Ranks
from synthgen.tabular.autoregressive.network import Autoregressive

_EDGE = 1e-6


def cell_losses(
    network: Autoregressive,
    batch: Ranks,
    at: Tensor | float,
    given: Tensor | None = None,
    prefix: Tensor | None = None,
    *,
    bfloat16: bool = False,
) -> Tensor:
    """Negative log likelihood (n, n_columns) of a batch's cells.

    Args:
        network: Whose.
        batch: Codes, and the ranks that stand for each value.
        at: Which of these is predicted: (n, n_numeric) or one for all, 0 the lowest, 1 the highest.
        given, prefix: Masks of what is visible, see `Autoregressive.forward`.
        bfloat16: Whether matrix products run in it.
    """
    device = network.code_bias.device
    codes = torch.as_tensor(batch.codes, device=device)
    low, high = (torch.as_tensor(r, device=device) for r in (batch.low, batch.high))
    value_code = torch.as_tensor(network.layout.n_codes, device=device)[network.numeric] - 1
    held = (codes[:, network.numeric] == value_code).float()
    # what is visible is a cell's middle rank; what is predicted, any rank that stands for it
    seen, target = (
        torch.special.ndtri(rank.clamp(_EDGE, 1 - _EDGE))
        for rank in ((low + high) / 2, low + at * (high - low))
    )
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        logits, mixture = network(network.tokens(codes, seen, held), given, prefix)
    return network.loss(logits, mixture, codes, target, held)
