"""Everything measured about generated molecules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import wasserstein_distance

from synthgen.chemistry import Structure, canonical, properties, structure
from synthgen.errors import InvalidInputError, MissingExtraError
from synthgen.evaluation.molecules import chemnet, similarity
from synthgen.evaluation.result import MetricResult
from synthgen.parallel import in_processes

# molecules of each set that are looked at; more are thinned at random
MOST = 10_000
COMPARED = ("logP", "SA", "QED", "weight")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Molecules:
    """Valid molecules of a set, and what measures need of them.

    Attributes:
        smiles: Canonical, as many as are looked at.
        structures, numbers: Of each; ``numbers`` (n, 4) are the properties of `COMPARED`.
        given: Rows given.
        valid: Those that are valid, all of them.
    """

    smiles: list[str]
    structures: list[Structure]
    numbers: np.ndarray
    given: int
    valid: list[str]

    @classmethod
    def of(cls, smiles: Sequence[Any], seed: int = 0, jobs: int = 1) -> Molecules:
        """Of SMILES, valid or not; of more than `MOST` valid ones so many are looked at."""
        texts = [text if isinstance(text, str) else None for text in smiles]
        found = in_processes(canonicals, _parts(texts, 2000), {}, _jobs(jobs, len(texts)))
        valid = [text for part in found for text in part if text]
        chosen = valid
        if len(valid) > MOST:
            picked = np.random.default_rng(seed).choice(len(valid), MOST, replace=False)
            chosen = [valid[i] for i in picked]
        looked = in_processes(looked_at, _parts(chosen, 500), {}, _jobs(jobs, len(chosen)))
        rows = [row for part in looked for row in part]
        numbers = np.array([row["numbers"] for row in rows]).reshape(len(rows), len(COMPARED))
        structures = [Structure.from_plain(row["structure"]) for row in rows]
        return cls(chosen, structures, numbers, len(smiles), valid)


def canonicals(smiles: Sequence[str | None]) -> list[str | None]:
    """Canonical SMILES, ``None`` for what is not valid."""
    return [None if text is None else canonical(text) for text in smiles]


def looked_at(smiles: Sequence[str]) -> list[dict[str, Any]]:
    """Structure and properties of valid SMILES, plain."""
    return [
        {"structure": structure(text).to_plain(), "numbers": properties(text, COMPARED)}
        for text in smiles
    ]


def _parts(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[k : k + size] for k in range(0, len(rows), size)]


def _jobs(jobs: int, n: int) -> int:
    """Processes for ``n`` rows: for few, starting them takes longer than the work."""
    return jobs if n > 1000 else 1


def judge(
    known: Molecules,
    made: Molecules,
    holdout: Molecules | None = None,
    *,
    told: Told = lambda stage: None,
) -> dict[str, MetricResult]:
    """Measure synthetic molecules; the baseline of each figure is that of train molecules.

    Args:
        known: Those that the generator was fitted on.
        made: Those it drew, valid or not, each as it was drawn.
        holdout: Those it never saw, which it is compared with; without them the train molecules.
        told: Called with each stage that begins.

    Raises:
        InvalidInputError: If a set has no valid molecule.
    """
    if not made.given:
        raise InvalidInputError("no synthetic molecules were given")
    goal = known if holdout is None else holdout
    for name, held in (("train", known), ("holdout", goal)):
        if not held.smiles:
            raise InvalidInputError(f"none of the {held.given} {name} rows is a valid molecule")
    found = _counted(made, set(known.valid), goal)
    if not made.smiles:
        reason = "no synthetic molecule is valid"
        missing = {name: MetricResult(None, way, 0, reason=reason) for name, way in WAYS.items()}
        return missing | found
    baseline = None if holdout is None else known
    told("structures")
    for name, measure in MEASURES.items():
        value = measure(made, goal)
        base = None if baseline is None else measure(baseline, goal)
        found[name] = MetricResult(value, WAYS[name], len(made.smiles), baseline=base)
    told("ChemNet")
    found["fcd"] = _frechet(made, goal, baseline)
    return {name: found[name] for name in WAYS}


def _counted(made: Molecules, known: set[str], goal: Molecules) -> dict[str, MetricResult]:
    """Shares of valid, unique and new molecules."""
    unique = set(made.valid)
    n = len(made.valid)
    found = {"validity": MetricResult(n / made.given, "higher", made.given)}
    if unique:
        again = len(set(goal.valid)) / max(len(goal.valid), 1)
        found["uniqueness"] = MetricResult(len(unique) / n, "higher", n, baseline=again)
        new = sum(smiles not in known for smiles in unique) / len(unique)
        found["novelty"] = MetricResult(new, "higher", len(unique))
    return found


def _frechet(made: Molecules, goal: Molecules, baseline: Molecules | None) -> MetricResult:
    """Of as many molecules of each set as the smallest has."""
    n = min(len(held.smiles) for held in (made, goal, *([baseline] if baseline else [])))
    if n < 2:
        return MetricResult(None, "lower", n, reason="at least 2 molecules of each set are needed")
    try:
        points = {
            name: chemnet.activations(held.smiles[:n])
            for name, held in (("made", made), ("goal", goal), ("baseline", baseline))
            if held is not None
        }
    except MissingExtraError as error:
        return MetricResult(None, "lower", n, reason=str(error))
    base = chemnet.frechet(points["baseline"], points["goal"]) if baseline else None
    value = chemnet.frechet(points["made"], points["goal"])
    reason = None if n >= 5000 else "rests on few molecules: it falls as their number grows"
    return MetricResult(value, "lower", n, baseline=base, reason=reason)


def _apart(column: int) -> Callable[[Molecules, Molecules], float]:
    return lambda a, b: float(wasserstein_distance(a.numbers[:, column], b.numbers[:, column]))


MEASURES: dict[str, Callable[[Molecules, Molecules], float]] = {
    "snn": lambda a, b: float(similarity.nearest(a.structures, b.structures).mean()),
    "frag": lambda a, b: similarity.cosine(
        similarity.fragments(a.structures), similarity.fragments(b.structures)
    ),
    "scaf": lambda a, b: similarity.cosine(
        similarity.scaffolds(a.structures), similarity.scaffolds(b.structures)
    ),
    "intdiv": lambda a, b: similarity.internal_diversity(a.structures),
    "filters": lambda a, b: float(np.mean([not one.alerts for one in a.structures])),
    "nspdk": lambda a, b: similarity.kernel_distance(a.structures, b.structures),
    **{f"w1_{name.lower()}": _apart(k) for k, name in enumerate(COMPARED)},
}
WAYS: dict[str, Any] = {
    "validity": "higher",
    "uniqueness": "higher",
    "novelty": "higher",
    "fcd": "lower",
    "nspdk": "lower",
    "snn": "higher",
    "frag": "higher",
    "scaf": "higher",
    "intdiv": "higher",
    "filters": "higher",
    "w1_logp": "lower",
    "w1_sa": "lower",
    "w1_qed": "lower",
    "w1_weight": "lower",
}
