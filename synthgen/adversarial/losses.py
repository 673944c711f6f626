"""Adversarial losses: pure functions of critic scores, each returning a scalar.

``real`` and ``fake`` are critic scores (n,) before any squashing; all losses are minimized.
With D the sigmoid of a score, -log D = softplus(-score) and -log(1 - D) = softplus(score).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Loss:
    """A game: what the critic and what the generator minimize, and the penalty that suits it.

    Attributes:
        critic: (real, fake) -> scalar.
        generator: (real, fake) -> scalar; ``real`` matters to relativistic losses only.
        penalty: Name of the gradient penalty used unless another is asked for.
        needs_real: Whether the generator's loss looks at real rows.
    """

    critic: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    penalty: str
    needs_real: bool = False


def minimax_critic(real: Tensor, fake: Tensor) -> Tensor:
    """-E log D(x) - E log(1 - D(G(z))): Goodfellow et al. (2014), equation 1."""
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def minimax_generator(real: Tensor, fake: Tensor) -> Tensor:
    """E log(1 - D(G(z))): Goodfellow et al. (2014), equation 1; vanishes where D is sure."""
    return -F.softplus(fake).mean()


def non_saturating_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-E log D(G(z)): Goodfellow et al. (2014), section 3."""
    return F.softplus(-fake).mean()


def wasserstein_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E f(G(z)) - E f(x): Arjovsky et al. (2017), equation 2; f has to be 1-Lipschitz."""
    return fake.mean() - real.mean()


def wasserstein_generator(real: Tensor, fake: Tensor) -> Tensor:
    """-E f(G(z)): Arjovsky et al. (2017), equation 3."""
    return -fake.mean()


def hinge_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E max(0, 1 - f(x)) + E max(0, 1 + f(G(z))): Lim and Ye (2017), equation 12."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def relativistic_critic(real: Tensor, fake: Tensor) -> Tensor:
    """E softplus(f(G(z)) - f(x)) over pairs: Jolicoeur-Martineau (2019), equation 3."""
    return F.softplus(fake - real).mean()


def relativistic_generator(real: Tensor, fake: Tensor) -> Tensor:
    """E softplus(f(x) - f(G(z))): Huang et al., *The GAN is dead* (2024), equation 2."""
    return F.softplus(real - fake).mean()


LOSSES: dict[str, Loss] = {
    "minimax": Loss(minimax_critic, minimax_generator, "r1"),
    "non-saturating": Loss(minimax_critic, non_saturating_generator, "r1"),
    "wasserstein": Loss(wasserstein_critic, wasserstein_generator, "gp"),
    "hinge": Loss(hinge_critic, wasserstein_generator, "r1"),
    "relativistic": Loss(relativistic_critic, relativistic_generator, "r1r2", needs_real=True),
}
