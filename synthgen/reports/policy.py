"""Policies: what evidence a release needs, and whether it is there.

A policy limits upper confidence bounds, all of them holding together. What it requires and what was
not measured fails it; what it does not name is reported as not tested.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from synthgen.errors import InvalidInputError
from synthgen.evaluation.privacy.judge import RISKS
from synthgen.evaluation.privacy.risk import Risk
from synthgen.schema import nearest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 1 << 20


class EpsilonRule(BaseModel):
    """What differential privacy a policy asks for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most: float = Field(gt=0)


class Policy(BaseModel):
    """A policy.

    Attributes:
        name, summary, sources: For the reader.
        tier: Who gets the rows.
        epsilon: Differential privacy required of the model, if any.
        limits: Risk -> the most that its upper bound may be.
        quasi_identifiers, sensitive: Columns, for ``unique_matches``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    tier: Literal["open", "partner", "internal"]
    summary: str = ""
    sources: list[str] = []
    epsilon: EpsilonRule | None = None
    limits: dict[str, float] = Field(min_length=1)
    quasi_identifiers: list[str] = []
    sensitive: list[str] = []


def shipped() -> list[str]:
    """Names of the policies that come with the package."""
    folder = files("synthgen.reports") / "policies"
    return sorted(one.name[:-5] for one in folder.iterdir() if one.name.endswith(".toml"))


def load(policy: str | Path) -> tuple[Policy, str]:
    """A shipped policy by its name, or one from a file; and its text.

    Raises:
        InvalidInputError: If there is none, or it is not one.
    """
    text = _text(policy)
    try:
        return _valid(policy, Policy.model_validate(tomllib.loads(text))), text
    except tomllib.TOMLDecodeError as error:
        raise InvalidInputError(f"{policy}: not TOML ({error})") from None
    except ValidationError as error:
        # a key that is misspelt also leaves its place empty: that is not what is wrong
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        where = ".".join(map(str, first["loc"]))
        known = list(Policy.model_fields)
        tip = nearest(where, known) if first["type"] == "extra_forbidden" else ""
        raise InvalidInputError(f"{policy}: {where}: {first['msg']}{tip}") from None


def checks(
    policy: Policy, risks: Mapping[str, Risk], claim: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Every requirement, and whether it holds.

    Each is ``{"requirement", "limit", "measured", "upper", "passed", "reason"}``.

    Args:
        policy: The policy.
        risks: What was measured.
        claim: The privacy claim of the model, checked; ``None`` without a model.
    """
    found = [
        _limited(name, limit, risks.get(name), len(policy.limits))
        for name, limit in policy.limits.items()
    ]
    if policy.epsilon is not None:
        found.append(_epsilon(policy.epsilon.most, claim))
    found += [
        _check(requirement, not reasons, "; ".join(reasons) or None)
        for requirement, reasons in (claim or {"checks": {}})["checks"].items()
    ]
    return found


def _limited(name: str, limit: float, risk: Risk | None, claims: int) -> dict[str, Any]:
    upper = None if risk is None else risk.upper(claims)
    entry = {
        "requirement": name,
        "limit": limit,
        "measured": None if risk is None else risk.value,
        "upper": upper,
    }
    if risk is None or upper is None:
        why = "not measured" if risk is None else f"not measured: {risk.reason}"
        return entry | {"passed": False, "reason": why}
    reason = None if upper <= limit else f"upper bound {upper:.4g} is above {limit:g}"
    return entry | {"passed": upper <= limit, "reason": reason}


def _epsilon(most: float, claim: Mapping[str, Any] | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"requirement": "epsilon", "limit": most, "measured": None}
    if claim is None or claim["epsilon"] is None:
        why = "no model was given" if claim is None else "the model claims no epsilon"
        return entry | {"upper": None, "passed": False, "reason": f"{why}; epsilon is required"}
    epsilon = float(claim["epsilon"])
    reason = None if epsilon <= most else f"epsilon {epsilon:g} is above {most:g}"
    return entry | {
        "measured": epsilon, "upper": epsilon, "passed": epsilon <= most, "reason": reason
    }  # fmt: skip


def _check(requirement: str, passed: bool, reason: str | None) -> dict[str, Any]:
    return {
        "requirement": requirement, "limit": None, "measured": None, "upper": None,
        "passed": passed, "reason": reason,
    }  # fmt: skip


def _valid(source: str | Path, policy: Policy) -> Policy:
    for name, limit in policy.limits.items():
        if name not in RISKS:
            raise InvalidInputError(
                f"{source}: limits.{name}: no such risk{nearest(name, list(RISKS))}"
            )
        if not 0 <= limit <= 1:
            raise InvalidInputError(f"{source}: limits.{name}: expected 0 to 1, got {limit:g}")
    if "unique_matches" in policy.limits and not policy.quasi_identifiers:
        raise InvalidInputError(
            f"{source}: limits.unique_matches needs quasi_identifiers = [columns]"
        )
    return policy


def _text(policy: str | Path) -> str:
    path = Path(policy)
    if str(policy) in shipped():
        return (files("synthgen.reports") / "policies" / f"{policy}.toml").read_text("utf-8")
    if not path.is_file():
        raise InvalidInputError(
            f"no policy {str(policy)!r}: it is neither a file nor one of {', '.join(shipped())}"
        )
    if path.stat().st_size > _MOST_BYTES:
        raise InvalidInputError(f"{policy}: larger than {_MOST_BYTES} bytes; not a policy")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInputError(f"{policy}: not UTF-8 text; not a policy") from None
