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
    between = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    norm = squared_gradient(critic(between), between).clamp(min=1e-12).sqrt()
    return ((norm - 1) ** 2).mean()


def squared_gradient(scores: Tensor, x: Tensor) -> Tensor:
    """|grad f(x)|^2 (n,) of scores f(x) (n,); x (n, n_features) requires gradients."""
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return (gradient**2).sum(dim=1)


def penalty(
    name: str, critic: Critic, x: Tensor, scores: Tensor, generator: torch.Generator
) -> Tensor:
    """Penalty ``name`` of a critic that gave ``scores`` (2n,) to ``x`` (2n, n_features).

    The first half of the rows is real, the second fake. R1 is E |grad f|^2 / 2 on real rows
    (Mescheder et al., 2018, equation 9), R2 the same on fake ones; both reuse the scores that the
    loss is made of.
    """
    if name == "none":
        return scores.new_zeros(())
    if name == "gp":
        real, fake = x.chunk(2)
        return gradient_penalty(critic, real, fake, generator)
    r1, r2 = (half.mean() / 2 for half in squared_gradient(scores, x).chunk(2))
    return {"r1": r1, "r2": r2, "r1r2": r1 + r2}[name]


PENALTIES = ("gp", "r1", "r2", "r1r2", "none")
DEFAULT_STRENGTH = {"gp": 10.0, "r1": 0.1, "r2": 0.1, "r1r2": 0.1, "none": 0.0}
