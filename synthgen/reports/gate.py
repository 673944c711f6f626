"""The gate: a release's evidence against a policy, and the documents that a reviewer signs."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from synthgen.errors import InvalidInputError
from synthgen.reports.croissant import croissant
from synthgen.reports.pack import packed
from synthgen.reports.policy import Policy, checks
from synthgen.reports.privacy import PrivacyReport
from synthgen.reports.privacypage import label, render
from synthgen.reports.published import published
from synthgen.reports.report import as_json

_QUALITY = ("xgb_c2st", "xgb_c2st_holdout", "shape_error_pct", "trend_error_pct", "mle", "mle_real")


@dataclass(frozen=True)
class Gate:
    """A verdict and its evidence.

    Attributes:
        passed: Whether every requirement holds.
        checks: Every requirement, and whether it holds.
        contents: The internal report, verdict included.
    """

    passed: bool
    checks: list[dict[str, Any]]
    contents: dict[str, Any] = field(repr=False)
    policy_text: str = field(repr=False)

    def documents(self, released: pd.DataFrame, name: str, sha256: str) -> dict[str, str]:
        """Members of the evidence pack.

        Args:
            released: The synthetic rows.
            name: Their file's name.
            sha256: Its hash; the release is no secret.
        """
        everybody = published(self.contents)
        claim = self.contents["claim"]
        version = self.contents["made"]["versions"]["synthgen"]
        made_by = (claim or {}).get("model") or "unknown"
        return {
            "internal.html": render(self.contents),
            "internal.json": as_json(self.contents),
            "publishable.html": render(everybody),
            "publishable.json": as_json(everybody),
            "model-card.md": model_card(everybody),
            "croissant.json": as_json(
                croissant(name, released, sha256, version, _about(everybody), made_by)
            ),
            "policy.toml": self.policy_text,
        }

    def pack(self, documents: Mapping[str, str]) -> bytes:
        """The evidence pack."""
        facts = {
            "verdict": "passed" if self.passed else "failed",
            "policy": self.contents["gate"]["policy"]["name"],
            "versions": self.contents["made"]["versions"],
            "seed": self.contents["made"]["seed"],
            "command": self.contents["command"],
        }
        return packed(documents, facts)


def gate(
    report: PrivacyReport,
    policy: Policy,
    policy_text: str,
    *,
    inputs: Mapping[str, bytes],
    command: str,
    quality: Mapping[str, Any] | None = None,
) -> Gate:
    """Hold a privacy report against a policy.

    Args:
        report: With the claim of the model, where there is one.
        policy: The policy.
        policy_text: As it stands in its file.
        inputs: Name -> SHA-256 of a file that went in. They are told as salted commitments: a
            plain hash of few possible tables gives them away.
        command: The command line.
        quality: A quality report, for the figures of use.

    Raises:
        InvalidInputError: If the quality report is none.
    """
    found = checks(policy, report.risks, report.contents["claim"])
    salt = secrets.token_bytes(32)
    tested = set(policy.limits)
    untested = [
        f"{label(name)}: measured, but not required by the policy"
        for name, risk in report.risks.items()
        if name not in tested and risk.value is not None
    ]
    passed = all(check["passed"] for check in found)
    contents = {
        **report.to_dict(),
        "checks": found,
        "command": command,
        "salt": salt.hex(),
        "commitments": {
            name: hmac.new(salt, digest, hashlib.sha256).hexdigest()
            for name, digest in inputs.items()
        },
        "gate": {
            "passed": passed,
            "policy": policy.model_dump(),
            "quality": None if quality is None else _quality(quality),
        },
    }
    contents["not_tested"] = [*contents["not_tested"], *untested]
    return Gate(passed, found, contents, policy_text)


def model_card(report: Mapping[str, Any]) -> str:
    """A model card (Mitchell et al., 2019) of a publishable report, in Markdown."""
    gate, claim = report["gate"], report["claim"]
    lines = [
        f"# Model card: synthetic table, {gate['policy']['name']}",
        "",
        "## What it is",
        "",
        f"{report['rows']['synthetic'].capitalize()} synthetic rows, drawn from a generative model "
        f"that was fitted on {report['rows']['train']} real rows. Made with synthgen "
        f"{report['made']['versions']['synthgen']}.",
        "",
        "## Intended use",
        "",
        f"Release tier: {gate['policy']['tier']}. {gate['policy']['summary']}",
        "",
        "## Privacy",
        "",
        _claim_text(claim),
        "",
        "| risk | measured | limit | verdict |",
        "|---|--:|--:|---|",
    ]
    for check in report["checks"]:
        verdict = "holds" if check["passed"] else "fails"
        numbers = f"{_cell(check['measured'])} | {_cell(check['limit'])}"
        lines.append(f"| {label(check['requirement'])} | {numbers} | {verdict} |")
    lines += ["", "## Limits", "", "Not tested:", ""]
    lines += [f"- {text}" for text in report["not_tested"]]
    lines += ["", f"Verdict: {'passed' if gate['passed'] else 'failed'}.", ""]
    return "\n".join(lines)


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _claim_text(claim: Mapping[str, Any] | None) -> str:
    if claim is None:
        return "No model was given; nothing is claimed."
    if claim["epsilon"] is None:
        return "The model was fitted without differential privacy."
    return (
        f"Fitted with differential privacy: epsilon {claim['epsilon']:g}, delta "
        f"{claim['delta']:g}, unit {claim['unit']}, neighbours: {claim['neighbours']}."
    )


def _about(report: Mapping[str, Any]) -> str:
    return (
        "Synthetic rows drawn from a generative model. Release tier: "
        f"{report['gate']['policy']['tier']}. {_claim_text(report['claim'])}"
    )


def _quality(found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    try:
        return {name: {key: found[name][key] for key in ("value", "baseline")} for name in _QUALITY}
    except (KeyError, TypeError):
        raise InvalidInputError(
            "--quality: not a JSON report of synthgen quality; make one with -o quality.json"
        ) from None
