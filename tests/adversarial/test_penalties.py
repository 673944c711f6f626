"""Penalties on critics whose gradients are known."""

from __future__ import annotations

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


def measure(name: str, critic: object) -> float:
    return float(penalty(name, critic, REAL, FAKE, torch.Generator().manual_seed(1)))  # type: ignore[arg-type]


def test_linear_critic() -> None:
    assert measure("gp", linear) == pytest.approx((5 - 1) ** 2)
    assert measure("r1", linear) == pytest.approx(25 / 2)
    assert measure("r2", linear) == pytest.approx(25 / 2)
    assert measure("r1r2", linear) == pytest.approx(25)
    assert measure("none", linear) == 0


def test_quadratic_critic_is_judged_where_it_should_be() -> None:
    def square(x: Tensor) -> float:
        return float((x**2).sum(dim=1).mean()) / 2

    assert measure("r1", bowl) == pytest.approx(square(REAL), rel=1e-5)
    assert measure("r2", bowl) == pytest.approx(square(FAKE), rel=1e-5)


def test_gradient_penalty_looks_between_real_and_fake() -> None:
    seen: list[Tensor] = []

    def spy(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return linear(x)

    measure("gp", spy)
    low, high = torch.minimum(REAL, FAKE), torch.maximum(REAL, FAKE)
    assert ((seen[0] >= low - 1e-6) & (seen[0] <= high + 1e-6)).all()


def test_a_penalty_trains_the_critic() -> None:
    critic = torch.nn.Linear(2, 1)
    value = penalty(
        "gp", lambda x: critic(x).squeeze(1), REAL, FAKE, torch.Generator().manual_seed(1)
    )
    value.backward()
    assert critic.weight.grad is not None and critic.weight.grad.abs().sum() > 0
