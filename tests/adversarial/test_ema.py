"""The average weights, against the sum written out."""

from __future__ import annotations

import torch
from torch import nn

from synthgen.adversarial.ema import EMA


def test_follows_the_module() -> None:
    module = nn.Linear(1, 1, bias=False)
    ema = EMA(module, 0.5)
    expected = float(module.weight.detach())
    for value in (1.0, 5.0, -3.0, 2.0):
        with torch.no_grad():
            module.weight.fill_(value)
        ema.update(module)
        decay = min(0.5, 1 - 10 / (ema.n_updates + 10))
        expected = decay * expected + (1 - decay) * value
    assert abs(float(ema.average.weight) - expected) < 1e-6


def test_is_not_trained_itself() -> None:
    ema = EMA(nn.Linear(2, 2), 0.9)
    assert not any(p.requires_grad for p in ema.average.parameters())
