"""One seed, many named and independent random streams.

Global random state is never read or set. A stream is addressed by name, so adding a new
consumer of randomness does not shift the numbers that the others draw.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

_SEED_BITS = 63


@dataclass(frozen=True)
class Streams:
    """Independent random streams derived from one ``seed`` (a non-negative integer)."""

    seed: int

    @classmethod
    def of(cls, seed: int | None) -> Streams:
        """Streams of ``seed``; ``None`` draws a fresh one, which ``.seed`` then records."""
        return cls(secrets.randbits(_SEED_BITS) if seed is None else int(seed))

    def integer(self, name: str) -> int:
        """A 63-bit seed for the stream ``name``."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        return int.from_bytes(digest[:8], "little") >> 1

    def numpy(self, name: str) -> np.random.Generator:
        """A numpy generator for the stream ``name``."""
        return np.random.default_rng(self.integer(name))

    def torch(self, name: str, device: str | torch.device = "cpu") -> torch.Generator:
        """A torch generator for the stream ``name`` on ``device``."""
        import torch

        return torch.Generator(device=device).manual_seed(self.integer(name))

    def child(self, name: str) -> Streams:
        """Streams whose names cannot collide with those of the parent."""
        return Streams(self.integer(name))
