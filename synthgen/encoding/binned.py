"""Numbers whose every code is a bin: edges are public or were bought, no value is stored exactly.

A bin of one value is an atom; a wider one is a mode with the value's place in it. A table without
a Gaussian mixture fitted to its rows is encoded this way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from typing_extensions import override

from synthgen.encoding.mixture import Mixture
from synthgen.encoding.numeric import VALUE_SCALE, NumericEncoder, rounding_step
from synthgen.encoding.quantiles import StepQuantiles
from synthgen.schema import Column


@dataclass(frozen=True)
class BinnedEncoder(NumericEncoder):
    """Codes: bins of one value ascending, then wider bins ascending, then missing."""

    kind: ClassVar[str] = "binned"

    @classmethod
    def of(
        cls, column: Column, low: np.ndarray, high: np.ndarray, count: np.ndarray, missing: float
    ) -> BinnedEncoder:
        """Encoder of bins [low, high] (k,), with noisy counts (k,).

        Args:
            column: The schema's column.
            low, high: First and last value of each bin, ascending, equal for a single one.
            count: Rows of each; what is not above 0 counts as 1.
            missing: Rows without a value; 0 where a cell is never missing.
        """
        alone = low == high
        count = np.maximum(count, 1.0)
        held = np.r_[count[alone], count[~alone], [max(missing, 1.0)] * bool(missing > 0)]
        wide = count[~alone] / max(count[~alone].sum(), 1.0)
        middle, half = (low + high)[~alone] / 2, (high - low)[~alone] / 2
        if len(wide):
            quantiles = StepQuantiles(low[~alone], high[~alone], wide)
        else:
            quantiles = StepQuantiles(low[:1], low[:1], np.ones(1))
        return cls(
            column,
            held / held.sum(),
            bool(missing > 0),
            low[alone],
            Mixture(wide, middle, half / VALUE_SCALE),
            quantiles,
            0,
            rounding_step(column),
        )

    @override
    def _into_modes(self, x: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The bin of each value, the nearest where it is in none, and its place inside."""
        low, high = self.quantiles.low, self.quantiles.high
        after = np.searchsorted(low, x, side="right").clip(1, len(low))
        # between two bins: the nearer
        bin_, following = after - 1, np.minimum(after, len(low) - 1)
        bin_ = np.where(low[following] - x < x - high[bin_], following, bin_)
        value = (x - self.modes.mean[bin_]) / (VALUE_SCALE * self.modes.std[bin_])
        return bin_.astype(np.int32), np.clip(value, -1.0, 1.0).astype(np.float32)

    def rank_intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest rank (n_codes,) of each code's values; 0 and 0 of others."""
        right = np.cumsum(self.quantiles.mass)
        low, high = np.zeros(self.n_codes), np.zeros(self.n_codes)
        wide = self.has_value
        if wide.any():
            low[wide], high[wide] = right - self.quantiles.mass, right
        return low, np.minimum(high, 1.0)
