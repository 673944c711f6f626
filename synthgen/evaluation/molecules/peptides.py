"""Everything measured about generated peptides."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from synthgen.errors import InvalidInputError
from synthgen.evaluation.result import Direction, MetricResult
from synthgen.peptides import canonical

LABELS = {
    "validity": ("Validity", "share of rows that are sequences of standard residues"),
    "uniqueness": ("Uniqueness", "share of valid rows left without repetitions"),
    "novelty": ("Novelty", "share of different sequences that the train set lacks"),
    "tv_length": ("Lengths", "total variation distance"),
    "tv_residue": ("Residues", "total variation distance of their shares"),
    "tv_dipeptide": ("Dipeptides", "total variation distance of the shares of pairs of neighbours"),
}
_WAYS: dict[str, Direction] = {
    "validity": "higher",
    "uniqueness": "higher",
    "novelty": "higher",
    "tv_length": "lower",
    "tv_residue": "lower",
    "tv_dipeptide": "lower",
}


def total_variation(a: Iterable[Hashable], b: Iterable[Hashable]) -> float:
    """Half the sum of the differences between the shares of all values, 0 to 1."""
    counts = Counter(a), Counter(b)
    sums = [max(sum(one.values()), 1) for one in counts]
    values = set(counts[0]) | set(counts[1])
    apart = (abs(counts[0][value] / sums[0] - counts[1][value] / sums[1]) for value in values)
    # exact, in whatever order a set has them
    return math.fsum(apart) / 2


def residues(sequences: Iterable[str]) -> Iterable[str]:
    """All residues."""
    return chain.from_iterable(sequences)


def dipeptides(sequences: Iterable[str]) -> Iterable[str]:
    """All pairs of neighbours."""
    return (text[i : i + 2] for text in sequences for i in range(len(text) - 1))


_VALUES: dict[str, Callable[[Iterable[str]], Iterable[Hashable]]] = {
    "tv_length": lambda sequences: map(len, sequences),
    "tv_residue": residues,
    "tv_dipeptide": dipeptides,
}


def judge_peptides(
    train: Sequence[Any],
    synthetic: Sequence[Any],
    holdout: Sequence[Any] | None = None,
    *,
    seed: int = 0,
) -> dict[str, MetricResult]:
    """Measure synthetic peptides against the holdout, or without one against the train ones.

    Distances fall as sets grow, also between sets of one distribution. So each has for its baseline
    that of as many train sequences, drawn with replacement, in place of the synthetic ones: below
    it nothing can be told.

    Args:
        train: Sequences that the generator was fitted on.
        synthetic: Sequences as they were drawn, valid or not.
        holdout: Sequences it never saw.
        seed: Of the choice of train sequences.

    Raises:
        InvalidInputError: If a set has no valid sequence.
    """
    known, made, goal = (
        _valid(part) for part in (train, synthetic, train if holdout is None else holdout)
    )
    if not synthetic:
        raise InvalidInputError("no synthetic peptides were given")
    for name, held in (("train", known), ("holdout", goal)):
        if not held:
            raise InvalidInputError(f"none of the {name} rows is a valid peptide")
    n = len(made)
    found = {"validity": MetricResult(n / len(synthetic), "higher", len(synthetic))}
    if not made:
        reason = "no synthetic peptide is valid"
        missing = {name: MetricResult(None, way, 0, reason=reason) for name, way in _WAYS.items()}
        return missing | found
    unique = set(made)
    again = len(set(goal)) / len(goal)
    found["uniqueness"] = MetricResult(len(unique) / n, "higher", n, baseline=again)
    new = len(unique.difference(known)) / len(unique)
    found["novelty"] = MetricResult(new, "higher", len(unique))
    picked = np.random.default_rng(seed).integers(len(known), size=n)
    real = [known[i] for i in picked]
    for name, values in _VALUES.items():
        value, base = (total_variation(values(part), values(goal)) for part in (made, real))
        found[name] = MetricResult(value, "lower", n, baseline=base)
    return found


def _valid(rows: Sequence[Any]) -> list[str]:
    return [found for text in rows if isinstance(text, str) and (found := canonical(text))]
