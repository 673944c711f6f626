"""The publishable tier of a privacy report: nothing in it depends much on any one person.

The internal report is computed on raw rows and tells exact figures of them. Here figures are
rounded, small counts suppressed, and what speaks of single groups is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthgen.evaluation.privacy.judge import RISKS

# counts below this are not told; figures are rounded to hundredths
SMALL = 10
_DECIMALS = 2
_LEFT_OUT = ("classes", "notes", "power", "attacked", "salt", "commitments", "command")


def published(contents: Mapping[str, Any]) -> dict[str, Any]:
    """The same report for everybody.

    Args:
        contents: Of a `PrivacyReport`, or of a gate's internal report.
    """
    found: dict[str, Any] = {
        name: value for name, value in contents.items() if name not in (*_LEFT_OUT, *RISKS)
    }
    for name in RISKS:
        found[name] = _rounded_risk(contents[name])
    found["diagnostics"] = {
        name: _rounded_risk(one) for name, one in contents.get("diagnostics", {}).items()
    }
    found["rows"] = {role: count(n) for role, n in contents["rows"].items()}
    if "checks" in contents:
        found["checks"] = [
            check | {key: _rounded(check[key]) for key in ("measured", "upper")} | {"reason": None}
            for check in contents["checks"]
        ]
    if contents.get("claim") is not None:
        found["claim"] = _claim(contents["claim"])
    return found | {"tier": "publishable", "classes": [], "notes": [], "power": [], "attacked": {}}


def count(n: int) -> str:
    """A number of people to two digits, or that it is small."""
    if n < SMALL:
        return f"fewer than {SMALL}"
    digits = len(str(n)) - 2
    return f"about {round(n, -digits):,}"


def _rounded_risk(risk: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: risk[key] for key in ("direction", "unit", "reason")}
    ci = risk["ci"]
    return kept | {
        "value": _rounded(risk["value"]),
        "ci": None if ci is None else [_rounded(end) for end in ci],
        "baseline": _rounded(risk["baseline"]),
        "n": _leading(risk["n"]),
    }


def _leading(n: int) -> int:
    """A number to one digit; 0 where it is small."""
    return 0 if n < SMALL else round(n, 1 - len(str(n)))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DECIMALS) + 0.0


def _claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    """The certificate; the measured bound of epsilon to a tenth."""
    found = dict(claim)
    if found.get("measured_epsilon") is not None:
        found["measured_epsilon"] = round(float(found["measured_epsilon"]), 1)
    found["checks"] = {
        name: ["does not hold"] if reasons else [] for name, reasons in claim["checks"].items()
    }
    return found
