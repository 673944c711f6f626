"""Synthetic tables that match the real one, with the evidence beside them.

The public names are imported when they are first used, so that ``import synthgen`` stays quick
and pulls in neither torch nor pandas.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthgen.batches import Batches
    from synthgen.errors import (
        BudgetError,
        ConditionError,
        InvalidInputError,
        MissingExtraError,
        ModelFileError,
        NotFittedError,
        SchemaError,
        SynthGenError,
        TrainingError,
    )
    from synthgen.molgen import MolGen
    from synthgen.reports.moleculeprivacy import evaluate_molecule_privacy
    from synthgen.reports.molecules import MoleculeReport, evaluate_molecules
    from synthgen.reports.privacy import PrivacyReport, evaluate_privacy
    from synthgen.reports.quality import QualityReport, evaluate_quality
    from synthgen.schema import Column, Schema
    from synthgen.synthesizer import SynthGen

__version__ = "0.1.0"

__all__ = [
    "Batches",
    "BudgetError",
    "Column",
    "ConditionError",
    "InvalidInputError",
    "MissingExtraError",
    "ModelFileError",
    "MolGen",
    "MoleculeReport",
    "NotFittedError",
    "PrivacyReport",
    "QualityReport",
    "Schema",
    "SchemaError",
    "SynthGen",
    "SynthGenError",
    "TrainingError",
    "__version__",
    "evaluate_molecule_privacy",
    "evaluate_molecules",
    "evaluate_privacy",
    "evaluate_quality",
]

_HOMES = {
    "Batches": "synthgen.batches",
    "PrivacyReport": "synthgen.reports.privacy",
    "evaluate_privacy": "synthgen.reports.privacy",
    "QualityReport": "synthgen.reports.quality",
    "evaluate_quality": "synthgen.reports.quality",
    "MolGen": "synthgen.molgen",
    "MoleculeReport": "synthgen.reports.molecules",
    "evaluate_molecule_privacy": "synthgen.reports.moleculeprivacy",
    "evaluate_molecules": "synthgen.reports.molecules",
    "SynthGen": "synthgen.synthesizer",
    "Column": "synthgen.schema",
    "Schema": "synthgen.schema",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'synthgen' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "synthgen.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
