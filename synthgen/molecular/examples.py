"""What a model of molecules learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.molecular.representation import Representation


@dataclass(frozen=True)
class Examples:
    """Molecules as a model's vocabulary encodes them, and what is known of them.

    Attributes:
        representation: What they are.
        vocabulary: Of the codes.
        codes: (n, length); a molecule may come in several orders of its atoms.
        molecule: (n,) which molecule a row is.
        scores: (n, n_properties) float32 normal scores, NaN where unknown.
        texts: Of each molecule, canonical.
    """

    representation: Representation
    vocabulary: Any
    codes: np.ndarray
    molecule: np.ndarray
    scores: np.ndarray
    texts: Sequence[str]
