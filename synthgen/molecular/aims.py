"""What to wish for, so that molecules have on average what is wanted.

Guided draws overshoot: further from the middle than asked for. A network that has learned little
falls short. Both are seen by drawing for wishes from low to high and looking at what came; its
inverse says what to wish for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

# normal scores between which is wished, and places between them that are kept
_MOST, _PLACES = 2.6, 27
# molecules drawn for each property, and the degree of the curve through them
_DRAWN, _DEGREE = 600, 3
Drawn = tuple[np.ndarray, np.ndarray]


class Aims:
    """Wishes by what they lead to.

    Args:
        reached: (n_properties, 27) mean normal scores of molecules drawn for wishes evenly spaced
            from -2.6 to 2.6, each row ascending.

    Raises:
        ValueError: If it is not.
    """

    def __init__(self, reached: ArrayLike) -> None:
        self.reached = np.asarray(reached, np.float32)
        good = self.reached.ndim == 2 and self.reached.shape[1] == _PLACES
        if not good or not np.isfinite(self.reached).all() or (np.diff(self.reached) < 0).any():
            raise ValueError("aims.reached: not rising normal scores of 27 wishes")

    @classmethod
    def straight(cls, n_properties: int) -> Aims:
        """Of wishes that come true."""
        return cls(np.tile(_grid(), (n_properties, 1)).astype(np.float32))

    @classmethod
    def of(
        cls,
        draw: Callable[[np.ndarray, np.ndarray], Drawn],
        n_properties: int,
        computed: Sequence[int],
    ) -> Aims:
        """Of a generator.

        Args:
            draw: Given wishes (n, n_properties), and 1 where there is one, which wishes gave a
                molecule (m,), and the normal score (m,) of the property that each wished for.
            n_properties: How many there are.
            computed: Those that follow from the molecule. Of others nothing is known: their wishes
                stay as they are.
        """
        found = cls.straight(n_properties).reached
        if not len(computed):
            return cls(found)
        # all at once: a large batch is drawn hardly slower than a small one
        asked = np.repeat(computed, _DRAWN)
        every = np.arange(len(asked))
        wanted = np.zeros((len(asked), n_properties), np.float32)
        known = np.zeros_like(wanted)
        wanted[every, asked] = np.tile(np.linspace(-_MOST, _MOST, _DRAWN), len(computed))
        known[every, asked] = 1
        row, score = draw(wanted, known)
        for j in computed:
            has = np.isfinite(score) & (asked[row] == j)
            if has.sum() >= _DRAWN // 2:
                curve = np.polynomial.Polynomial.fit(
                    wanted[row[has], j], score[has], _DEGREE, domain=[-_MOST, _MOST]
                )
                found[j] = np.maximum.accumulate(curve(_grid()))
        return cls(found)

    def __call__(self, wanted: np.ndarray, known: np.ndarray) -> np.ndarray:
        """What to wish for (n, n_properties) where something is wanted."""
        found = wanted.copy()
        for j in np.flatnonzero(known.any(axis=0)):
            # of wishes that reach the same the first
            at, first = np.unique(self.reached[j], return_index=True)
            found[:, j] = np.interp(wanted[:, j], at, _grid()[first])
        return np.where(known > 0, found, wanted).astype(np.float32)


def _grid() -> np.ndarray:
    return np.linspace(-_MOST, _MOST, _PLACES)
