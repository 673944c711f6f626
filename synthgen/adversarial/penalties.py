"""Gradient penalties that keep a critic smooth; each returns a scalar to add to its loss."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Critic = Callable[[Tensor], Tensor]


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """E (|grad f(x_hat)| - 1)^2 on lines between real and fake: Gulrajani et al. (2017), eq. 3.

    Shape:
        real, fake: (n, n_features); x_hat = e real + (1 - e) fake with e uniform per row.
    """
    share = torch.rand(len(real), 1, generator=generator, device=real.device)
    between = share * real.detach() + (1 - share) * fake.detach()
    norm = _squared_gradient(critic, between).clamp(min=1e-12).sqrt()
    return ((norm - 1) ** 2).mean()


def zero_centred_penalty(critic: Critic, x: Tensor) -> Tensor:
    """E |grad f(x)|^2 / 2: R1 on real rows (Mescheder et al., 2018, equation 9), R2 on fake."""
    return _squared_gradient(critic, x.detach()).mean() / 2


def _squared_gradient(critic: Critic, x: Tensor) -> Tensor:
    x = x.requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient**2).flatten(1).sum(dim=1)


def penalty(
    name: str, critic: Critic, real: Tensor, fake: Tensor, generator: torch.Generator
) -> Tensor:
    """Penalty ``name``: gp, r1, r2, r1r2 or none."""
    if name == "gp":
        return gradient_penalty(critic, real, fake, generator)
    if name == "r1":
        return zero_centred_penalty(critic, real)
    if name == "r2":
        return zero_centred_penalty(critic, fake)
    if name == "r1r2":
        # the mean over both halves is half the sum of both penalties
        return 2 * zero_centred_penalty(critic, torch.cat([real, fake]))
    return real.new_zeros(())


PENALTIES = ("gp", "r1", "r2", "r1r2", "none")
DEFAULT_STRENGTH = {"gp": 10.0, "r1": 0.1, "r2": 0.1, "r1r2": 0.1, "none": 0.0}
