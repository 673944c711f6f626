"""The steps of a construction, as networks see them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

# atoms of the path that a step sees, and numbers of bonds that are told apart
NEAR, MOST_FREE = 10, 8


@dataclass(frozen=True)
class Steps:
    """What the network sees of steps.

    Shape:
        before: (n, length) int64 the action before each, 0 at the start.
        atom: (n, length, NEAR) int64 kinds of the path's atoms, the current one first.
        free: (n, length, NEAR) int64 bonds left of them, from 1; 0 beyond the path.
        first: Number of the first step.
        reached: (n, n_properties) score of what was built before the first step; ``None`` at the
            start. See `Tally`.
    """

    before: Tensor
    atom: Tensor
    free: Tensor
    first: int = 0
    reached: Tensor | None = None

    def take(self, rows: Tensor) -> Steps:
        """Those of some molecules."""
        reached = None if self.reached is None else self.reached[rows]
        return Steps(self.before[rows], self.atom[rows], self.free[rows], self.first, reached)
