"""Penalties on critics whose gradients are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from synthgen.adversarial.penalties import penalty

SLOPE = torch.tensor([3.0, 4.0])
REAL, FAKE = torch.randn(64, 2, generator=torch.Generator().manual_seed(0)).chunk(2)


def linear(x: Tensor) -> Tensor:
    return x @ SLOPE


def bowl(x: Tensor) -> Tensor:
    return (x**2).sum(dim=1) / 2


def measure(name: str, critic: Callable[[Tensor], Tensor]) -> Tensor:
    x = torch.cat([REAL, FAKE]).requires_grad_(True)
    return penalty(name, critic, x, critic(x), torch.Generator().manual_seed(1))


def test_linear_critic() -> None:
    assert measure("gp", linear).item() == pytest.approx((5 - 1) ** 2)
    assert measure("r1", linear).item() == pytest.approx(25 / 2)
    assert measure("r2", linear).item() == pytest.approx(25 / 2)
    assert measure("r1r2", linear).item() == pytest.approx(25)
    assert measure("none", linear).item() == 0


def test_quadratic_critic_is_judged_where_it_should_be() -> None:
    def square(x: Tensor) -> float:
        return float((x**2).sum(dim=1).mean()) / 2

    assert measure("r1", bowl).item() == pytest.approx(square(REAL), rel=1e-5)
    assert measure("r2", bowl).item() == pytest.approx(square(FAKE), rel=1e-5)


def test_gradient_penalty_looks_between_real_and_fake() -> None:
    seen: list[Tensor] = []

    def spy(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return linear(x)

    measure("gp", spy)
    low, high = torch.minimum(REAL, FAKE), torch.maximum(REAL, FAKE)
    assert ((seen[-1] >= low - 1e-6) & (seen[-1] <= high + 1e-6)).all()


@pytest.mark.parametrize("name", ["gp", "r1", "r2", "r1r2"])
def test_a_penalty_trains_the_critic(name: str) -> None:
    critic = torch.nn.Linear(2, 1)
    measure(name, lambda x: critic(x).squeeze(1)).backward()
    assert critic.weight.grad is not None and critic.weight.grad.abs().sum() > 0
