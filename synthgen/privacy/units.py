"""The unit of privacy: whose rows are added or removed together.

A row, unless a column says whose each row is. Then a person with many rows is protected with all
of them: of each entity a bounded number of rows is kept, drawn by chance, and every mechanism has
noise for as many rows at once (contribution bounding; Wilson et al., *Differentially Private SQL
with Bounded User Contribution*, 2020, section 3). Batches are sampled by entity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from synthgen.privacy.mechanisms import entropy


@dataclass(frozen=True)
class Units:
    """Whose each row is.

    Attributes:
        of: (n,) int64, the unit of each row; not for release.
        most: Rows that one unit has at most, a public number.
    """

    of: np.ndarray
    most: int = 1

    @classmethod
    def rows(cls, n: int) -> Units:
        """Each row is a unit of its own."""
        return cls(np.arange(n))

    @classmethod
    def cut(cls, entities: pd.Series, most: int) -> tuple[Units, np.ndarray]:
        """At most so many rows of each entity, and which rows (k,) these are, ascending.

        Rows with a missing cell count as rows of one entity: nothing else keeps the bound.
        """
        codes = pd.factorize(entities, use_na_sentinel=False)[0]
        order = entropy().permutation(len(codes))
        nth = pd.Series(order).groupby(codes[order]).cumcount().to_numpy()
        kept = np.sort(order[nth < most])
        return cls(codes[kept].astype(np.int64), most), kept

    def sampled(self, rate: float, rng: np.random.Generator) -> np.ndarray:
        """Rows (k,) of a Poisson sample of the units."""
        n = int(self.of.max(initial=-1)) + 1
        return np.flatnonzero((rng.random(n) < rate)[self.of])
