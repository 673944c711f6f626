"""Attacks on generated molecules: do they tell which molecules were trained on?

As of tables (`evaluation.privacy`): train molecules are members, molecules of the holdout controls,
and an attacker holds the release and a reference, other molecules of the holdout. Attacked are
those that train set and holdout hold once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.chemistry import Trace, trace
from synthgen.errors import InvalidInputError
from synthgen.evaluation.molecules.similarity import tanimoto, unpacked
from synthgen.evaluation.privacy.copies import copies, held_once
from synthgen.evaluation.privacy.judge import Attacks
from synthgen.evaluation.privacy.membership import Scores, told_by
from synthgen.evaluation.privacy.overfitting import mean_of
from synthgen.evaluation.privacy.people import (
    FEWEST_ROWS,
    MOST_ATTACKS,
    MOST_ROWS,
    check_overlap,
)
from synthgen.evaluation.privacy.risk import Risk
from synthgen.evaluation.result import MetricResult
from synthgen.parallel import in_processes

# every risk, in the order to show them
RISKS = (
    "exact_copies",
    "near_copies",
    "scaffold_copies",
    "membership_auc",
    "membership_tpr_1",
    "membership_tpr_10",
    "membership_rarest_auc",
)
# similarity at which a kernel falls by e: a molecule like hardly another counts as none
_WIDTH = 0.05
_BLOCK, _CHUNK, _FEW_FOR_PROCESSES = 2048, 500, 1000
_DIAGNOSED = 5_000
_ROLES = ("members", "controls")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Library:
    """Molecules of a set, by what each is recognized by.

    Attributes:
        keys, skeletons, scaffolds: (n,) texts of `Trace`.
        fingerprints: (n, 128) uint8, packed.
    """

    keys: np.ndarray
    skeletons: np.ndarray
    scaffolds: np.ndarray
    fingerprints: np.ndarray

    @classmethod
    def of(cls, smiles: Sequence[Any], role: str, seed: int = 0, jobs: int = 1) -> Library:
        """Of SMILES, valid or not; of more than 100,000 so many are looked at.

        Raises:
            InvalidInputError: If fewer than 100 are valid molecules.
        """
        texts = [text if isinstance(text, str) else None for text in smiles]
        if len(texts) > MOST_ROWS:
            chosen = np.random.default_rng(seed).choice(len(texts), MOST_ROWS, replace=False)
            texts = [texts[i] for i in np.sort(chosen)]
        chunks = [texts[k : k + _CHUNK] for k in range(0, len(texts), _CHUNK)]
        parts = in_processes(traces, chunks, {}, jobs if len(texts) > _FEW_FOR_PROCESSES else 1)
        found = [Trace.from_plain(row) for part in parts for row in part if row is not None]
        if len(found) < FEWEST_ROWS:
            raise InvalidInputError(
                f"the {role} set has {len(found)} valid molecules: attacks on fewer than "
                f"{FEWEST_ROWS} say nothing; give more"
            )
        return cls(
            np.array([one.key for one in found], object),
            np.array([one.skeleton for one in found], object),
            np.array([one.scaffold for one in found], object),
            np.stack([one.fingerprint for one in found]),
        )

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: np.ndarray) -> Library:
        """Some of them."""
        return Library(
            self.keys[rows], self.skeletons[rows], self.scaffolds[rows], self.fingerprints[rows]
        )

    def different(self) -> Library:
        """Each molecule once."""
        return self.take(np.sort(np.unique(self.keys, return_index=True)[1]))


def traces(smiles: Sequence[str | None]) -> list[list[Any] | None]:
    """What each SMILES is recognized by, plain; ``None`` for what is not valid."""
    return [None if (one := trace(text)) is None else one.to_plain() for text in smiles]


@dataclass(frozen=True)
class Known:
    """Who is attacked, and what an attacker holds.

    Attributes:
        members: Molecules of the train set.
        controls: Of the holdout.
        reference: Others of the holdout, which the attacker knows.
        synthetic: The release.
    """

    members: Library
    controls: Library
    reference: Library
    synthetic: Library

    @classmethod
    def of(cls, train: Library, synthetic: Library, holdout: Library, seed: int) -> Known:
        """Split a holdout, and choose who is attacked.

        Raises:
            InvalidInputError: If the holdout was trained on.
        """
        check_overlap(train.keys, holdout.keys, "molecules")
        rng = np.random.default_rng(seed)
        known, unseen = held_once(train.keys, holdout.keys)
        order = rng.permutation(len(holdout))
        half = order[: len(holdout) // 2]
        members, controls = rng.permutation(np.flatnonzero(known)), half[unseen[half]]
        return cls(
            train.take(members[:MOST_ATTACKS]),
            holdout.take(controls[:MOST_ATTACKS]),
            holdout.take(order[len(half) :]),
            synthetic,
        )


def attack(
    train: Library,
    synthetic: Library,
    holdout: Library,
    seed: int = 0,
    told: Told = lambda stage: None,
) -> Attacks:
    """Attack a release of molecules.

    Args:
        train: Those that the generator was fitted on.
        synthetic: The release.
        holdout: Those it never saw.
        seed: Of the choice of who is attacked.
        told: Called with each stage that begins.

    Raises:
        InvalidInputError: If the holdout was trained on.
    """
    known = Known.of(train, synthetic, holdout, seed)
    told("copies")
    risks = leaked(train, synthetic, holdout)
    told("membership inference")
    risks |= membership(known)
    told("overfitting diagnostics")
    found = diagnostics(train, synthetic, holdout, seed)
    attacked = {role: len(getattr(known, role)) for role in (*_ROLES, "reference")}
    return Attacks({name: risks[name] for name in RISKS}, found, attacked=attacked)


def leaked(train: Library, synthetic: Library, holdout: Library) -> dict[str, Risk]:
    """Risks ``exact_copies``, ``near_copies`` and ``scaffold_copies``.

    Each is the share of what one train molecule alone has and the release holds, beyond that share
    of the holdout: molecules; their atoms and bonds; the scaffolds of molecules with rings.
    """
    sets = train.different(), synthetic, holdout.different()
    rings = [one.scaffolds[one.scaffolds != ""] for one in sets]
    return {
        "exact_copies": copies(
            *(one.keys for one in (train, synthetic, holdout)),
            what="molecules that stand in the sets once",
        ),
        "near_copies": copies(
            *(one.skeletons for one in sets), what="skeletons that one molecule has"
        ),
        "scaffold_copies": copies(*rings, what="scaffolds that one molecule has"),
    }


def membership(known: Known) -> dict[str, Risk]:
    """Risks of membership, each the worst of three attacks; see `told_by`.

    A molecule is likelier a member the nearer the nearest of the release is; by how much it is
    nearer than the nearest of the reference; and the denser the release is round it, against the
    reference (DOMIAS; van Breugel et al., 2023), by kernels of Tanimoto similarities.
    """
    near: dict[str, Scores] = {}
    dense: dict[str, Scores] = {}
    for to in ("synthetic", "reference"):
        sides = {role: around(getattr(known, role), getattr(known, to)) for role in _ROLES}
        near[to] = {role: found[0] for role, found in sides.items()}
        dense[to] = {role: found[1] for role, found in sides.items()}

    def beyond(scores: dict[str, Scores]) -> Scores:
        return {role: scores["synthetic"][role] - scores["reference"][role] for role in _ROLES}

    attacks = {
        "nearest similarity": near["synthetic"],
        "similarity difference": beyond(near),
        "density ratio (DOMIAS)": beyond(dense),
    }
    return told_by(attacks, {role: -near["reference"][role] for role in _ROLES})


def around(rows: Library, among: Library) -> tuple[np.ndarray, np.ndarray]:
    """Highest Tanimoto similarity (n,) to any other molecule, and log of their density (n,)."""
    own = unpacked(rows.fingerprints)
    nearest, density = np.zeros(len(rows)), np.zeros(len(rows))
    for start in range(0, len(among), _BLOCK):
        similar = tanimoto(own, unpacked(among.fingerprints[start : start + _BLOCK]))
        np.maximum(nearest, similar.max(axis=1), out=nearest)
        density += np.exp((similar - 1) / _WIDTH).sum(axis=1, dtype=np.float64)
    return nearest, np.log(density / len(among))


def diagnostics(
    train: Library, synthetic: Library, holdout: Library, seed: int
) -> dict[str, MetricResult]:
    """``nearest_share`` and ``nearest_tanimoto``, to as many train as holdout molecules."""
    rng = np.random.default_rng(seed)

    def some(one: Library, n: int) -> Library:
        return one.take(rng.permutation(len(one))[:n])

    n, rows = min(len(train), len(holdout)), some(synthetic, _DIAGNOSED)
    one, other = (around(rows, some(real, n))[0] for real in (train, holdout))
    won = np.where(one == other, 0.5, one > other)
    return {
        "nearest_share": mean_of(won, 0.5),
        "nearest_tanimoto": mean_of(one, float(other.mean())),
    }
