"""`evaluate_privacy`: what a synthetic table tells of the people behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.privacy import Attacks, Release, Risk, attack
from synthgen.evaluation.privacy.promise import contradicted, measured_epsilon
from synthgen.evaluation.quality.judge import Progress
from synthgen.reports.report import Report
from synthgen.reports.tables import Compared, compared, read_table
from synthgen.reports.versions import versions

_PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy")
UNTESTED = (
    "attackers with knowledge of other tables about the same people",
    "people who stand in several rows: every attack takes a row for a person",
    "shadow models: nobody trained the generator again to learn how it treats members",
    "free text and identifiers beyond exact copies of their cells",
    "repeated releases: what several synthetic tables tell together",
)


@dataclass(frozen=True)
class PrivacyReport(Report):
    """What attacks on a synthetic table found. Computed on raw rows: internal, unless `published`.

    Attributes:
        risks: Every risk by name.
        attacks: The same with all details, for programs.
        contents: What the files hold: plain dicts and lists, no raw row and no raw value.
    """

    risks: dict[str, Risk]
    attacks: Attacks = field(repr=False)
    contents: dict[str, Any] = field(repr=False)

    def to_html(self) -> str:
        """The report as one HTML page that loads nothing."""
        from synthgen.reports.privacypage import render

        return render(self.contents)


def evaluate_privacy(
    train: Any,
    synthetic: Any,
    *,
    holdout: Any = None,
    model: Any = None,
    quasi_identifiers: Sequence[Any] = (),
    sensitive: Sequence[Any] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> PrivacyReport:
    """Attack a synthetic table as an intruder would.

    Examples:
        >>> evaluate_privacy(train, rows, holdout=test).save("privacy.html")  # doctest: +SKIP

    Args:
        train: The rows that the generator was fitted on: pandas, polars or Arrow.
        synthetic: Synthetic rows of the same columns.
        holdout: Real rows that the generator never saw, at least 100: what is found of them is no
            leak. Without them nothing can be said.
        model: A fitted `SynthGen`, whose privacy ledger is held against the attacks.
        quasi_identifiers: Columns that outsiders may know.
        sensitive: Columns whose diversity among people alike is told.
        seed: Repeats the attacks exactly.
        progress: Called with the stage that begins, how many are done, and how many there are.

    Raises:
        InvalidInputError: If the tables cannot be attacked: no holdout, tiny, other columns, or
            holdout rows that were trained on.
    """
    if holdout is None:
        raise InvalidInputError(
            "no holdout: without real rows that the generator never saw, a leak cannot be told "
            "from what is true of everybody; put some aside before the fit, and give them here"
        )
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InvalidInputError(f"seed must be a whole number, at least 0, got {seed!r}")
    tables = compared(train, synthetic, holdout)
    release = Release(
        tables.real,
        tables.synthetic,
        _known(tables.holdout),
        _identifiers((train, synthetic, holdout), tables),
        [_named(name, tables.real) for name in quasi_identifiers],
        [_named(name, tables.real) for name in sensitive],
    )
    found = attack(release, int(seed), progress)
    contents = {
        **{name: risk.to_dict() for name, risk in found.risks.items()},
        "tier": "internal",
        "rows": {
            "train": len(tables.real),
            "synthetic": len(tables.synthetic),
            "holdout": len(release.holdout),
        },
        "attacked": found.attacked,
        "diagnostics": {name: one.to_dict() for name, one in found.diagnostics.items()},
        "classes": found.classes,
        "power": found.power,
        "notes": [note for note in found.notes if note["kind"] not in ("unseen", "no_shared_rows")],
        "skipped": tables.skipped,
        "not_tested": [*UNTESTED, *_lacking(found.risks)],
        "claim": claimed(model, found.risks, len(tables.real)),
        "made": {"versions": versions(_PACKAGES), "seed": int(seed)},
    }
    return PrivacyReport(found.risks, found, contents)


def claimed(model: Any, risks: Mapping[str, Risk], n_train: int) -> dict[str, Any] | None:
    """The privacy claim of a model, and what speaks against it; ``None`` without a model.

    ``checks`` holds, for each thing that has to be true of a claim, the reasons why it is not.
    """
    if model is None:
        return None
    ledger = getattr(model, "privacy_", None)
    record = getattr(model, "training_", {})
    told: dict[str, Any] = {
        "epsilon": None,
        "delta": None,
        "model": record.get("model"),
        "checks": {},
    }
    if ledger is None:
        return told
    epsilon, delta = float(ledger["epsilon"]), float(ledger["delta"])
    against = contradicted(dict(risks), epsilon, delta)
    small = [] if delta < 1 / n_train else [f"delta {delta:g} is not below 1/{n_train:,}"]
    unit = [] if ledger.get("unit") else ["the ledger does not say whose privacy it protects"]
    return told | {
        "epsilon": epsilon,
        "delta": delta,
        "unit": ledger.get("unit"),
        "neighbours": ledger.get("neighbours"),
        "public": ledger.get("public", []),
        "spent": ledger.get("spent", {}),
        "entries": ledger.get("entries", []),
        "measured_epsilon": measured_epsilon(dict(risks), delta),
        "checks": {
            "unit of privacy declared": unit,
            "delta below 1/n": small,
            "no attack contradicts epsilon": against,
        },
    }


def _lacking(risks: Mapping[str, Risk]) -> list[str]:
    return [
        f"{name.replace('_', ' ')}: {risk.reason}"
        for name, risk in risks.items()
        if risk.value is None
    ]


def _known(holdout: pd.DataFrame | None) -> pd.DataFrame:
    assert holdout is not None
    return holdout


def _identifiers(
    given: tuple[Any, Any, Any], tables: Compared
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame] | None:
    left_out = [entry["column"] for entry in tables.skipped]
    if not left_out:
        return None
    roles = ("train", "synthetic", "holdout")
    train, synthetic, holdout = (
        read_table(table, role) for table, role in zip(given, roles, strict=True)
    )
    names = [name for name in train.columns if str(name) in left_out]
    return train[names], synthetic[names], holdout[names]


def _named(name: Any, table: pd.DataFrame) -> Any:
    """The column that a text names; left as it is where there is none."""
    return next((column for column in table.columns if str(column) == str(name)), name)
