"""Frechet ChemNet distance (Preuer et al., 2018), of canonical SMILES.

The network's weights come with the package fcd; the distance is computed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from scipy import linalg

from synthgen.evaluation.extras import need

_BATCH = 256
_LONGEST = 350


def activations(
    smiles: Sequence[str], progressed: Callable[[int, int], None] = lambda done, n: None
) -> np.ndarray:
    """(n, 512) float64 activations of ChemNet's last hidden layer.

    Raises:
        MissingExtraError: If fcd is not installed.
    """
    fcd = need("fcd", "the Frechet ChemNet distance", "fcd")
    one_hot = need("fcd.utils", "the Frechet ChemNet distance", "fcd").get_one_hot
    network = fcd.load_ref_model().eval()
    found = np.empty((len(smiles), 512))
    # an LSTM sees all that was padded: what is longer is cut, as its authors do
    for start in range(0, len(smiles), _BATCH):
        part = [text[: _LONGEST - 1] for text in smiles[start : start + _BATCH]]
        codes = np.stack([one_hot(text, _LONGEST) for text in part]).transpose(0, 2, 1)
        with torch.inference_mode():
            out = network(torch.from_numpy(np.ascontiguousarray(codes)).float())
        found[start : start + len(part)] = out.numpy()
        progressed(min(start + _BATCH, len(smiles)), len(smiles))
    return found


def frechet(one: np.ndarray, other: np.ndarray) -> float:
    """Squared Frechet distance of normal distributions fitted to points (n, d) and (m, d)."""
    mean = one.mean(0) - other.mean(0)
    left, right = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    # tr sqrt(AB) from the symmetric sqrt(A) B sqrt(A), whose eigenvalues are those of AB
    values, vectors = linalg.eigh(left)
    root = (vectors * np.sqrt(values.clip(0))) @ vectors.T
    crossed = np.sqrt(linalg.eigvalsh(root @ right @ root).clip(0)).sum()
    return float(max(mean @ mean + np.trace(left) + np.trace(right) - 2 * crossed, 0.0))
