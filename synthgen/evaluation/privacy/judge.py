"""All privacy attacks on one release, in one call."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from synthgen.evaluation.features import Floats
from synthgen.evaluation.privacy.attribute import attribute_inference
from synthgen.evaluation.privacy.copies import exact_copies, identifier_copies, near_copies
from synthgen.evaluation.privacy.linkability import linkability
from synthgen.evaluation.privacy.membership import by_likelihood, membership
from synthgen.evaluation.privacy.overfitting import diagnostics
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.power import planted_leaks
from synthgen.evaluation.privacy.quasi import quasi_identifiers
from synthgen.evaluation.privacy.risk import Risk, lacking
from synthgen.evaluation.privacy.singling_out import singling_out
from synthgen.evaluation.quality.align import align
from synthgen.evaluation.result import MetricResult

Progress = Callable[[str, int, int], None]
# every risk that a policy may limit, in the order to show them
RISKS = (
    "singling_out_univariate",
    "singling_out_multivariate",
    "linkability",
    "attribute_inference",
    "membership_auc",
    "membership_tpr_1",
    "membership_tpr_10",
    "membership_rarest_auc",
    "membership_model_auc",
    "exact_copies",
    "near_copies",
    "identifier_copies",
    "unique_matches",
)
_ATTACKED = ("members", "controls", "reference")


@dataclass(frozen=True)
class Release:
    """Tables to attack.

    Attributes:
        train, synthetic, holdout: Of the same columns, without identifiers.
        identifiers: Beside them the columns of each that a generator invents.
        quasi: Declared quasi-identifiers.
        sensitive: Declared sensitive columns.
        by_model: Attacks on the model itself, see `by_likelihood`.
    """

    train: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame
    identifiers: Sequence[pd.DataFrame] = ()
    quasi: Sequence[Any] = ()
    sensitive: Sequence[Any] = ()
    by_model: Callable[[], Mapping[str, dict[str, Floats]]] | None = None


@dataclass(frozen=True)
class Attacks:
    """What the attacks found.

    Attributes:
        risks: Each of `RISKS`, in their order.
        diagnostics: Signs of overfitting, no evidence of privacy.
        classes: Of declared quasi-identifiers.
        power: What the attack on rare cells finds in planted leaks.
        notes: What was odd about the tables.
        attacked: ``{"members", "controls", "reference"}``: rows.
        seconds: Wall time of each stage.
    """

    risks: dict[str, Risk]
    diagnostics: dict[str, MetricResult] = field(default_factory=dict)
    classes: list[dict[str, Any]] = field(default_factory=list)
    power: list[dict[str, Any]] = field(default_factory=list)
    notes: list[dict[str, Any]] = field(default_factory=list)
    attacked: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict, compare=False)


def attack(release: Release, seed: int = 0, progress: Progress | None = None) -> Attacks:
    """Attack a release.

    An attack that fails for a reason of its own leaves its risk without a value: whoever requires
    it does not get it.

    Raises:
        InvalidInputError: If tables are tiny, their columns differ, holdout rows were trained on,
            or there is no such quasi-identifier.
    """
    tables = align(release.train, release.synthetic, release.holdout)
    assert tables.holdout is not None
    people = People.of(tables.real, tables.synthetic, tables.holdout, seed)
    whole = tables.real, tables.synthetic, tables.holdout
    matches, classes = quasi_identifiers(*whole, release.quasi, release.sensitive)
    risks = {"unique_matches": matches}
    found: dict[str, Any] = {"classes": classes}

    def risky(keys: Sequence[str], stage: Callable[[], dict[str, Risk]]) -> Callable[[], None]:
        return lambda: risks.update(_guarded(keys, stage))

    stages: dict[str, Callable[[], None]] = {
        "singling out": risky(RISKS[:2], lambda: singling_out(people)),
        "linkability": risky(RISKS[2:3], lambda: {"linkability": linkability(people)}),
        "attribute inference": risky(
            RISKS[3:4], lambda: {"attribute_inference": attribute_inference(people)}
        ),
        "membership inference": risky(RISKS[4:8], lambda: membership(people)),
        "likelihood of the model": risky(RISKS[8:9], lambda: by_likelihood(release.by_model)),
        "copies": risky(RISKS[9:12], lambda: _copies(whole, people, release)),
        "overfitting diagnostics": lambda: found.update(diagnostics=diagnostics(people)),
        "planted leaks": lambda: found.update(power=planted_leaks(people)),
    }
    seconds = _timed(stages, progress)
    return Attacks(
        {name: risks[name] for name in RISKS},
        notes=[note.to_dict() for note in tables.notes],
        attacked={role: len(getattr(people, role)) for role in _ATTACKED},
        seconds=seconds,
        **found,
    )


def _timed(stages: Mapping[str, Callable[[], None]], progress: Progress | None) -> dict[str, float]:
    """Run each stage, tell of it, and say how many seconds it took."""
    seconds = {}
    for done, (name, stage) in enumerate(stages.items()):
        if progress is not None:
            progress(name, done, len(stages))
        started = time.perf_counter()
        stage()
        seconds[name] = time.perf_counter() - started
    if progress is not None:
        progress("done", len(stages), len(stages))
    return seconds


def _guarded(keys: Sequence[str], stage: Callable[[], dict[str, Risk]]) -> dict[str, Risk]:
    try:
        return stage()
    except (ValueError, ArithmeticError, MemoryError) as error:
        text = str(error).splitlines()[0] if str(error) else "no message"
        return {key: lacking(f"{type(error).__name__}: {text}") for key in keys}


def _copies(
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], people: People, release: Release
) -> dict[str, Risk]:
    train, synthetic, holdout = tables
    return {
        "exact_copies": exact_copies(train, synthetic, holdout),
        "near_copies": near_copies(people),
        "identifier_copies": identifier_copies(release.identifiers),
    }
