"""What a model of molecules learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.molecular.representation import Representation
from synthgen.molecular.wishes import Appraisal


@dataclass(frozen=True)
class Examples:
    """Molecules as a model's vocabulary encodes them, and what is known of them.

    Attributes:
        representation: What they are.
        vocabulary: Of the codes.
        codes: (n, length); a molecule may come in several orders of its atoms.
        molecule: (n,) which molecule a row is.
        wishes: (n, n_properties) float32 normal scores, NaN where unknown.
        texts: Of each molecule, canonical.
        appraise: Normal scores (m, n_properties) of texts, NaN where a property does not follow
            from the text.
    """

    representation: Representation
    vocabulary: Any
    codes: np.ndarray
    molecule: np.ndarray
    wishes: np.ndarray
    texts: Sequence[str]
    appraise: Appraisal
