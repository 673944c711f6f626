"""States of real networks, optimizers and generators, through JSON and back."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from synthgen.training.state import pack, put_back, state_of, unpack


class Learner:
    """A network with batch norm, dropout, Adam, and both kinds of generators."""

    STATE = ("network", "optimizer", "rng", "noise", "order", "history", "best", "mean", "nothing")

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=0.01, fused=True)
        self.rng, self.noise = np.random.default_rng(1), torch.Generator().manual_seed(2)
        self.order = np.arange(4)
        self.history: list[dict[str, float]] = []
        self.best: dict[str, torch.Tensor] | None = None
        self.mean: torch.Tensor | None = None
        self.nothing = math.inf

    def step(self) -> float:
        x = torch.from_numpy(self.rng.normal(size=(16, 3))).float()
        x = x + torch.randn(x.shape, generator=self.noise)
        self.optimizer.zero_grad()
        loss = ((self.network(x) - 1) ** 2).mean()
        loss.backward()
        self.optimizer.step()
        self.mean = x.mean(0) if self.mean is None else self.mean.lerp(x.mean(0), 0.1)
        self.order = self.rng.permutation(self.order)
        self.history.append({"loss": float(loss.detach())})
        self.best = {k: v.detach().clone() for k, v in self.network.state_dict().items()}
        return float(loss.detach())


def through_a_file(state: Any) -> Any:
    text, arrays = pack(state)
    return unpack(json.loads(text), arrays)


def test_another_object_goes_on_with_the_same_numbers() -> None:
    first = Learner()
    for _ in range(5):
        first.step()
    held = through_a_file(state_of(first))
    ahead = [first.step() for _ in range(5)]
    second = Learner()
    second.step()
    put_back(second, held)
    assert [second.step() for _ in range(5)] == ahead
    assert second.history == first.history and second.nothing == math.inf
    assert (second.order == first.order).all()
    assert second.mean is not None and first.mean is not None and second.mean.equal(first.mean)


def test_a_state_is_a_copy_and_can_be_put_back_twice() -> None:
    learner = Learner()
    held = state_of(learner)
    ahead = [learner.step() for _ in range(3)]
    for _ in range(2):
        put_back(learner, held)
        assert [learner.step() for _ in range(3)] == ahead


def test_what_is_not_known_is_an_error() -> None:
    class Odd:
        STATE = ("held",)
        held = object()

    with pytest.raises(TypeError, match="no state is known of a object"):
        state_of(Odd())


def test_a_state_of_another_network_is_refused() -> None:
    learner = Learner()
    held = state_of(learner)
    learner.network = nn.Sequential(nn.Linear(4, 8))
    with pytest.raises(RuntimeError):
        put_back(learner, held)
