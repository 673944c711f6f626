"""Measures of sets of molecules by fingerprints, fragments, scaffolds and graph kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from synthgen.chemistry import Structure

_BLOCK = 2048


def fingerprints(structures: Sequence[Structure]) -> np.ndarray:
    """(n, n_bits) float32 fingerprints."""
    return unpacked(np.stack([one.fingerprint for one in structures]))


def unpacked(bits: np.ndarray) -> np.ndarray:
    """(n, n_bits) float32 of packed fingerprints (n, n_bits / 8)."""
    return np.unpackbits(bits, axis=1).astype(np.float32)


def nearest(of: Sequence[Structure], among: Sequence[Structure]) -> np.ndarray:
    """(n,) highest Tanimoto similarity of each molecule to any of the others."""
    left, right = fingerprints(of), fingerprints(among)
    best = np.zeros(len(left), np.float32)
    for start in range(0, len(right), _BLOCK):
        np.maximum(best, tanimoto(left, right[start : start + _BLOCK]).max(1), out=best)
    return best


def tanimoto(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """(n, m) Tanimoto similarities of fingerprints (n, bits) and (m, bits)."""
    both = left @ right.T
    either = left.sum(1)[:, None] + right.sum(1) - both
    return np.asarray(both / np.maximum(either, 1))


def internal_diversity(structures: Sequence[Structure]) -> float:
    """1 - mean Tanimoto similarity of all pairs (Benhenda, 2017)."""
    bits = fingerprints(structures)
    total = sum(
        float(tanimoto(bits[k : k + _BLOCK], bits).sum(dtype=np.float64))
        for k in range(0, len(bits), _BLOCK)
    )
    return 1.0 - total / len(bits) ** 2


def cosine(one: Counter[str], other: Counter[str]) -> float:
    """Cosine similarity of counts."""
    dot = sum(count * other[name] for name, count in one.items())
    norm = np.sqrt(sum(c * c for c in one.values()) * float(sum(c * c for c in other.values())))
    return float(dot / norm) if norm else 0.0


def fragments(structures: Sequence[Structure]) -> Counter[str]:
    """How often each BRICS fragment comes."""
    total: Counter[str] = Counter()
    for one in structures:
        total.update(one.fragments)
    return total


def scaffolds(structures: Sequence[Structure]) -> Counter[str]:
    """How often each Murcko scaffold comes, molecules without rings left out."""
    return Counter(one.scaffold for one in structures if one.scaffold)


def kernel_distance(one: Sequence[Structure], other: Sequence[Structure]) -> float:
    """Squared maximum mean discrepancy under the neighbourhood pair kernel, each graph normalized.

    Source: Costa and De Grave (2010), with hashed neighbourhoods in place of eden's, so that its
    figures are close to published ones and not equal to them.
    """
    left, right = _mean_pairs(one), _mean_pairs(other)
    names = left.keys() | right.keys()
    return float(sum((left.get(n, 0.0) - right.get(n, 0.0)) ** 2 for n in names))


def _mean_pairs(structures: Sequence[Structure]) -> dict[int, float]:
    total: dict[int, float] = {}
    for one in structures:
        norm = np.sqrt(sum(count * count for count in one.pairs.values())) or 1.0
        for name, count in one.pairs.items():
            total[name] = total.get(name, 0.0) + count / norm
    return {name: value / len(structures) for name, value in total.items()}
