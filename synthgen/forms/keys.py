"""Numbers of which none comes twice, however many parts a table is made in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

_MOST = 2**62


@dataclass(frozen=True)
class Place:
    """Which rows of a table are being made.

    Attributes:
        first: Rows made before.
        total: Rows of the whole table.
        key: What all parts of the table share.
    """

    first: int
    total: int
    key: int

    def distinct(self, n: int, room: int) -> np.ndarray:
        """Numbers (n,) int64 from 0 to ``room`` - 1 for the next ``n`` rows.

        No row of the table has the number of another as long as ``room`` is at least ``total``:
        row i has (a i + b) mod room, with a and room coprime.
        """
        rng = np.random.default_rng(self.key)
        room = min(room, _MOST)
        largest = max(1, min(room - 1, _MOST // max(self.total, 1)))
        a = int(rng.integers(largest // 2 + 1, largest, endpoint=True))
        while math.gcd(a, room) > 1:
            a = a - 1 if a > 1 else 1
        b = int(rng.integers(room))
        rows = np.arange(self.first, self.first + n, dtype=np.int64)
        return np.asarray((a * rows % room + b) % room)


def whole(n: int, rng: np.random.Generator) -> Place:
    """The place of all ``n`` rows of a table."""
    return Place(0, n, int(rng.integers(2**62)))
