"""Losses against their formulas written out in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthgen.adversarial.losses import LOSSES

REAL = np.array([1.5, -0.3, 0.2, 4.0])
FAKE = np.array([-1.0, 0.4, 0.1, -2.0])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


CRITIC = {
    "minimax": -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean(),
    "non-saturating": -np.log(sigmoid(REAL)).mean() - np.log(1 - sigmoid(FAKE)).mean(),
    "wasserstein": FAKE.mean() - REAL.mean(),
    "hinge": np.maximum(0, 1 - REAL).mean() + np.maximum(0, 1 + FAKE).mean(),
    "relativistic": -np.log(sigmoid(REAL - FAKE)).mean(),
}
GENERATOR = {
    "minimax": np.log(1 - sigmoid(FAKE)).mean(),
    "non-saturating": -np.log(sigmoid(FAKE)).mean(),
    "wasserstein": -FAKE.mean(),
    "hinge": -FAKE.mean(),
    "relativistic": -np.log(sigmoid(FAKE - REAL)).mean(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_formulas(name: str) -> None:
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    assert float(LOSSES[name].critic(real, fake)) == pytest.approx(CRITIC[name])
    assert float(LOSSES[name].generator(real, fake)) == pytest.approx(GENERATOR[name])


@pytest.mark.parametrize("name", LOSSES)
def test_directions(name: str) -> None:
    """The critic gains by raising real and lowering fake scores, the generator by raising fake."""
    real, fake = (torch.tensor(v, requires_grad=True) for v in (REAL, FAKE))
    LOSSES[name].critic(real, fake).backward()
    assert real.grad is not None and fake.grad is not None
    assert (real.grad <= 0).all() and real.grad.sum() < 0
    assert (fake.grad >= 0).all() and fake.grad.sum() > 0
    fake = torch.tensor(FAKE, requires_grad=True)
    LOSSES[name].generator(torch.tensor(REAL), fake).backward()
    assert fake.grad is not None and (fake.grad < 0).all()


def test_saturation_tells_minimax_from_non_saturating() -> None:
    """Where the critic is sure, only the non-saturating loss still has a gradient."""
    gradients = {}
    for name in ("minimax", "non-saturating"):
        fake = torch.tensor([-12.0], requires_grad=True)
        LOSSES[name].generator(torch.tensor([12.0]), fake).backward()
        assert fake.grad is not None
        gradients[name] = float(fake.grad.abs())
    assert gradients["minimax"] < 1e-4 < 0.9 < gradients["non-saturating"]


def test_scores_of_any_size_give_finite_losses() -> None:
    far = torch.tensor([1e4, -1e4])
    for loss in LOSSES.values():
        assert torch.isfinite(loss.critic(far, -far)) and torch.isfinite(loss.generator(far, -far))
