"""`evaluate_privacy`: what a synthetic table tells of the people behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.evaluation.privacy import Attacks, Release, Risk, attack
from synthgen.evaluation.privacy.promise import contradicted, measured_epsilon
from synthgen.evaluation.quality.judge import Progress
from synthgen.reports.report import Report, checked_seed
from synthgen.reports.tables import compared
from synthgen.reports.versions import versions
from synthgen.reports.whitebox import likelihood_attacks

_PACKAGES = ("numpy", "pandas", "scikit-learn", "scipy")
_NO_SHADOWS = "shadow models: nobody trained the generator again to learn how it treats members"
UNTESTED = (
    "attackers with knowledge of other tables about the same people",
    "people who stand in several rows: every attack takes a row for a person",
    _NO_SHADOWS,
    "free text and identifiers beyond exact copies of their cells",
    "repeated releases: what several synthetic tables tell together",
)

WHY_HOLDOUT = (
    "without real records that the generator never saw, a leak cannot be told from what is true of "
    "everybody; put some aside before the fit"
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
    shadows: int = 0,
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
        model: A fitted `SynthGen`, whose privacy ledger is held against the attacks, and whose
            likelihood is one of them.
        quasi_identifiers: Columns that outsiders may know.
        sensitive: Columns whose diversity among people alike is told.
        shadows: With ``model``: how many models like it are fitted on half of the holdout, to tell
            what is likely to a model that never saw a row. Each takes a fit's time.
        seed: Repeats the attacks exactly.
        progress: Called with the stage that begins, how many are done, and how many there are.

    Raises:
        InvalidInputError: If the tables cannot be attacked: no holdout, tiny, other columns, or
            holdout rows that were trained on.
    """
    if holdout is None:
        raise InvalidInputError(f"no holdout: {WHY_HOLDOUT}, and give them here")
    seed = checked_seed(seed)
    if shadows < 0 or (shadows and model is None):
        raise InvalidInputError(
            f"shadows={shadows!r}: shadow models are like the model under attack; give model= too"
        )
    tables = compared(train, synthetic, holdout)
    assert tables.holdout is not None
    release = Release(
        tables.real,
        tables.synthetic,
        tables.holdout,
        tables.left_out,
        [_named(name, tables.real) for name in quasi_identifiers],
        [_named(name, tables.real) for name in sensitive],
        None
        if model is None
        else lambda: likelihood_attacks(model, train, holdout, seed, int(shadows)),
    )
    found = attack(release, seed, progress)
    rows = {"train": tables.real, "synthetic": tables.synthetic, "holdout": tables.holdout}
    tried = UNTESTED if not shadows else tuple(t for t in UNTESTED if t != _NO_SHADOWS)
    sizes = {role: len(table) for role, table in rows.items()}
    contents = contents_of(found, sizes, model, seed, untested=tried)
    contents["skipped"] = tables.skipped
    return PrivacyReport(found.risks, found, contents)


def contents_of(
    found: Attacks,
    rows: Mapping[str, int],
    model: Any,
    seed: int,
    *,
    about: str = "table",
    untested: Sequence[str] = UNTESTED,
    packages: Sequence[str] = _PACKAGES,
) -> dict[str, Any]:
    """What the files of a privacy report hold.

    Args:
        found: What the attacks found.
        rows: Role -> records given.
        model: Whose ledger is held against the attacks, or ``None``.
        seed: Of the attacks.
        about: ``"table"`` or ``"molecules"``.
        untested: What nothing was tried against.
        packages: Whose versions are told.
    """
    return {
        **{name: risk.to_dict() for name, risk in found.risks.items()},
        "about": about,
        "tier": "internal",
        "rows": dict(rows),
        "attacked": found.attacked,
        "diagnostics": {name: one.to_dict() for name, one in found.diagnostics.items()},
        "classes": found.classes,
        "power": found.power,
        "notes": [note for note in found.notes if note["kind"] not in ("unseen", "no_shared_rows")],
        "skipped": [],
        "not_tested": [*untested, *_lacking(found.risks)],
        "claim": claimed(model, found.risks, rows["train"]),
        "made": {"versions": versions(packages), "seed": seed},
    }


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


def _named(name: Any, table: pd.DataFrame) -> Any:
    """The column that a text names; left as it is where there is none."""
    return next((column for column in table.columns if str(column) == str(name)), name)
