"""What a private network sees of a code, and how it tells codes apart: few numbers for each.

Every weight gets noise, so a network of few weights learns more. The codes of a column of numbers
have an order: smooth functions of their place (cosines) and signs of its heaviest codes tell most
of what a one-hot block tells. Rare categories share what is known of them. The same features are
the input of later columns and, with the bought shares as a base, the output of the column's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.encoding.binned import BinnedEncoder
from synthgen.encoding.column import ColumnEncoder
from synthgen.encoding.table import TableEncoder

_WAVES = 6
# codes with a sign of their own: those this frequent, the most frequent ones of a column
_OWN_SHARE, _MOST_OWN = 0.01, 48
_OWN_NUMBER_SHARE = 0.04


@dataclass(frozen=True)
class Codebook:
    """Features of the codes of all columns.

    Attributes:
        features: One (n_codes, n_features) float32 for each column.
        log_share: One (n_codes,) float32 for each column, of the bought shares.
    """

    features: tuple[np.ndarray, ...]
    log_share: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, encoder: TableEncoder) -> Codebook:
        """Features from what was declared or bought alone."""
        columns = encoder.columns
        return cls(
            tuple(_features(column).astype(np.float32) for column in columns),
            tuple(np.log(np.maximum(c.share, 1e-8)).astype(np.float32) for c in columns),
        )

    @property
    def widths(self) -> list[int]:
        """Features of each column."""
        return [held.shape[1] for held in self.features]


def _features(column: ColumnEncoder) -> np.ndarray:
    """Centred features (n_codes, n_features) of a column, of mean square about 1 together."""
    share = column.share
    parts, least = [], _OWN_SHARE
    if isinstance(column, BinnedEncoder):
        parts.append(_waves(column))
        least = _OWN_NUMBER_SHARE
    own = np.argsort(-share, kind="stable")[:_MOST_OWN]
    own = own[share[own] >= least]
    parts.append((np.arange(len(share))[:, None] == own).astype(np.float64))
    if column.has_missing and len(share) - 1 not in own:
        parts.append((np.arange(len(share)) == len(share) - 1)[:, None].astype(np.float64))
    found = np.concatenate(parts, axis=1)
    found = found - share @ found
    spread = np.sqrt((share @ found**2).sum())
    return np.asarray(found / max(spread, 0.1))


def _waves(column: BinnedEncoder) -> np.ndarray:
    """Cosines (n_codes, waves) of the rank of each code among the column's numbers."""
    middle = np.r_[column.atoms, column.modes.mean]
    n = len(middle)
    order = np.argsort(middle, kind="stable")
    held = column.share[:n][order]
    rank = np.zeros(n)
    rank[order] = (np.cumsum(held) - held / 2) / max(held.sum(), 1e-12)
    waves = np.cos(np.pi * rank[:, None] * np.arange(1, min(_WAVES, n - 1) + 1))
    return np.concatenate([waves, np.zeros((len(column.share) - n, waves.shape[1]))])
