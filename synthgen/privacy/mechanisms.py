"""Noise for private releases, from the operating system's entropy and never from a user's seed.

A seed that somebody can guess or repeat takes the noise away again, so no state of these generators
is stored either. Counts get discrete Gaussian noise (Canonne, Kamath and Steinke, *The Discrete
Gaussian for Differential Privacy*, 2020, definition 1): whole numbers leave nothing in the last
bits of a float.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

if TYPE_CHECKING:
    import torch

# standard deviations beyond which the discrete Gaussian has less than 1e-33 of its mass
_REACH = 12


def entropy() -> np.random.Generator:
    """A generator whose seed the operating system gave, and nobody keeps."""
    return np.random.Generator(np.random.PCG64DXSM(secrets.randbits(256)))


def torch_entropy(device: torch.device) -> torch.Generator:
    """The same for torch, on a device."""
    import torch

    return torch.Generator(device=device).manual_seed(secrets.randbits(63))


def discrete_gaussian(sigma: float, shape: int | tuple[int, ...]) -> np.ndarray:
    """Whole numbers (shape) int64 with P(k) proportional to exp(-k^2 / 2 sigma^2).

    Drawn by inversion of the distribution function in double precision, which bounds the distance
    from the exact law by about 1e-15 a draw.

    Args:
        sigma: Its parameter, about its standard deviation, above 0.
        shape: How many.
    """
    if not sigma > 0:
        raise ValueError(f"sigma must be above 0, however: {sigma=}")
    most = int(np.ceil(_REACH * sigma)) + 1
    k = np.arange(-most, most + 1)
    below = np.cumsum(np.exp(-0.5 * (k / sigma) ** 2))
    u = entropy().random(shape) * below[-1]
    return np.asarray(k[np.searchsorted(below, u, side="right").clip(max=len(k) - 1)])


def release_threshold(sigma: float, delta: float, held: int = 1) -> float:
    """Noisy count below which a value found in the data stays unpublished.

    A value that ``held`` rows hold is then published with probability ``delta`` at most: the noise
    exceeds the threshold less their number with probability ``delta`` (the Gaussian tail bounds the
    discrete one up to its rounding, for which 1 is added).
    """
    return float(held + 1 + sigma * norm.isf(delta))
