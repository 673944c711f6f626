"""`evaluate_molecule_privacy`: what generated molecules tell of those they were learned from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from synthgen.errors import InvalidInputError
from synthgen.evaluation.molecules.privacy import Library, attack
from synthgen.reports.privacy import WHY_HOLDOUT, PrivacyReport, contents_of
from synthgen.reports.report import checked_seed

_PACKAGES = ("numpy", "rdkit", "scikit-learn", "scipy")
UNTESTED = (
    "attackers who know structures like the train molecules from elsewhere, such as their patents",
    "whole series of molecules round one scaffold: every attack takes a molecule for a secret",
    "shadow models: nobody trained the generator again to learn how it treats members",
    "measured columns beside the molecules",
    "repeated releases: what several sets of molecules tell together",
)


def evaluate_molecule_privacy(
    train: Sequence[Any],
    synthetic: Sequence[Any],
    *,
    holdout: Sequence[Any] | None = None,
    model: Any = None,
    seed: int = 0,
    jobs: int = 1,
    told: Callable[[str], None] = lambda stage: None,
) -> PrivacyReport:
    """Attack generated molecules as an intruder would who looks for those of the train set.

    Args:
        train: SMILES that the generator was fitted on.
        synthetic: SMILES as they were drawn, valid or not.
        holdout: SMILES it never saw, at least 100: what is found of them is no leak. Without them
            nothing can be said.
        model: A fitted `MolGen`, whose privacy ledger is held against the attacks.
        seed: Repeats the attacks exactly.
        jobs: Processes.
        told: Called with each stage that begins.

    Raises:
        InvalidInputError: If the sets cannot be attacked: no holdout, hardly a valid molecule, or a
            holdout that was trained on.
    """
    if holdout is None:
        raise InvalidInputError(f"no holdout: {WHY_HOLDOUT}, and give them here")
    seed = checked_seed(seed)
    told("reading molecules")
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    sets = {role: Library.of(smiles, role, seed, jobs) for role, smiles in given.items()}
    found = attack(sets["train"], sets["synthetic"], sets["holdout"], seed, told)
    rows = {role: len(smiles) for role, smiles in given.items()}
    contents = contents_of(
        found, rows, model, seed, about="molecules", untested=UNTESTED, packages=_PACKAGES
    )
    return PrivacyReport(found.risks, found, contents)
