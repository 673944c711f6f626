"""A privacy report's plain dict as one HTML page: styles inline, no script, no request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthgen.reports.page import environment

# risk -> label, what it means
LABELS = {
    "singling_out_univariate": (
        "Singling out, one column",
        "a value (or two) that only one synthetic row has points at exactly one person",
    ),
    "singling_out_multivariate": (
        "Singling out, several columns",
        "a combination that one synthetic row has points at exactly one person",
    ),
    "linkability": (
        "Linkability",
        "two halves of a person's record lead to the same synthetic row",
    ),
    "attribute_inference": (
        "Attribute inference",
        "a cell is guessed better for people of the train table, from all others; worst column",
    ),
    "membership_auc": (
        "Membership inference, AUC",
        "how well the best attack tells who was in the train set; 0.5 is chance",
    ),
    "membership_tpr_1": (
        "Membership, found at 1 % false alarms",
        "share of the train set that is recognized with hardly an error; 0.01 is chance",
    ),
    "membership_tpr_10": (
        "Membership, found at 10 % false alarms",
        "the same of a bolder attacker; 0.1 is chance",
    ),
    "membership_rarest_auc": (
        "Membership of the rarest tenth, AUC",
        "the best attack on those who are least like others",
    ),
    "membership_model_auc": (
        "Membership by the model's likelihood, AUC",
        "what whoever holds the model file, and not its rows alone, can tell; 0.5 is chance",
    ),
    "exact_copies": (
        "Exact copies",
        "rows unlike all others that stand in the release, beyond those of people it never saw",
    ),
    "near_copies": (
        "Near copies",
        "the same with every number within a hundredth of its ranks",
    ),
    "identifier_copies": (
        "Copied identifiers",
        "identifiers and texts of one person that stand in the release",
    ),
    "unique_matches": (
        "Unique quasi-identifiers",
        "people alone with their quasi-identifiers whose combination stands in the release",
    ),
}
DIAGNOSTICS = {
    "dcr_share": ("DCR share", "synthetic rows nearer to train than to holdout rows"),
    "nndr": ("NNDR", "distance of the nearest over that of the second nearest train row"),
    "identical_match_share": ("IMS", "synthetic rows equal to a train row"),
    "nearest_share": ("Nearer to train", "molecules nearer to train than to holdout molecules"),
    "nearest_tanimoto": (
        "Nearest train molecule",
        "mean Tanimoto similarity; beside it that to as many holdout molecules",
    ),
}
# of molecules some risks mean something else
_OF_MOLECULES = {
    "exact_copies": (
        "Exact copies",
        "train molecules (InChIKey) that stand in the release, beyond those it never saw",
    ),
    "near_copies": ("Copied skeletons", "the same by atoms and bonds, stereochemistry aside"),
    "scaffold_copies": (
        "Copied scaffolds",
        "scaffolds of one train molecule that stand in the release, beyond those it never saw",
    ),
}
_WORDS = {
    "table": {
        "title": "Privacy of a synthetic table",
        "records": "rows",
        "people": "people",
        "diagnosed": "a leak of four cells in ten passes them",
    },
    "molecules": {
        "title": "Privacy of synthetic molecules",
        "records": "molecules",
        "people": "molecules",
        "diagnosed": "copies of a few molecules pass them",
    },
}
_TIERS = {
    "internal": "Internal: computed on raw {records}, for those who may see them",
    "publishable": "Publishable: figures rounded, small counts suppressed",
}


def label(requirement: str, about: str = "table") -> str:
    """What a reader calls a requirement: a risk's label, or the requirement's own words."""
    known = _labels(about)
    return known[requirement][0] if requirement in known else requirement


def render(report: dict[str, Any]) -> str:
    """The page of a privacy report, `PrivacyReport.to_dict`, or of a gate."""
    limits = {check["requirement"]: check for check in report.get("checks", [])}
    about = report["about"]
    labels = _labels(about)
    page = environment().get_template("privacy.html")
    return page.render(
        report=report,
        words=_WORDS[about],
        risks=[
            _row(name, *labels[name], report[name], limits.get(name))
            for name in labels
            if name in report
        ],
        diagnostics=[
            _row(name, *DIAGNOSTICS[name], found, None)
            for name, found in report["diagnostics"].items()
        ],
        label=label,
        tier=_TIERS[report["tier"]].format(**_WORDS[about]),
        gate=report.get("gate"),
    )


def _labels(about: str) -> dict[str, tuple[str, str]]:
    return LABELS | _OF_MOLECULES if about == "molecules" else LABELS


def _row(
    name: str, label: str, meaning: str, found: dict[str, Any], check: dict[str, Any] | None
) -> dict[str, Any]:
    parts = found.get("parts", {})

    def interval(one: Mapping[str, Any]) -> str:
        return "" if not one["ci"] else " to ".join(map(_number, one["ci"]))

    return {
        "name": name,
        "label": label,
        "meaning": meaning,
        "value": _number(found["value"]),
        "interval": interval(found),
        "baseline": _number(found["baseline"]),
        "n": found["n"],
        "reason": found["reason"],
        "known": found["value"] is not None,
        "worst": parts.get("worst"),
        "of": [
            (of, _number(one["value"]), interval(one)) for of, one in parts.get("of", {}).items()
        ],
        "limit": "" if check is None else _number(check["limit"]),
        "upper": "" if check is None else _number(check["upper"]),
        "passed": None if check is None else check["passed"],
    }


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
