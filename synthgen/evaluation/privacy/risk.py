"""What an attack returns: a risk with bounds at any confidence, and what it is compared with.

A release is judged by upper bounds, and by several attacks at once; so a risk keeps what bounds
are made of, and gives them at the confidence that the number of claims calls for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import beta, norm

from synthgen.evaluation.auc import auc_with_error
from synthgen.evaluation.features import Floats

CONFIDENCE = 0.95
# what bounds are made of -> lower and upper bound at an error of each side
Bounds = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Risk:
    """One measured risk; lower is better.

    Attributes:
        value: The figure; ``None`` where it could not be measured, and then ``reason`` says why.
        n: Attacks that it rests on.
        unit: What it is.
        baseline: The figure of an attack that learns nothing from the release.
        bounds: Lower and upper bound, given the error of each.
        reason: Why there is no value, or what to keep in mind.
        parts: What it is the worst of, or made from.
    """

    value: float | None
    n: int
    unit: str = ""
    baseline: float | None = None
    bounds: Bounds | None = field(default=None, repr=False, compare=False)
    reason: str | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("a risk without a value needs a reason")

    def interval(self, claims: int = 1) -> tuple[float, float] | None:
        """Bounds that hold together with those of ``claims`` - 1 other risks (Bonferroni)."""
        return None if self.bounds is None else self.bounds((1 - CONFIDENCE) / 2 / claims)

    def upper(self, claims: int = 1) -> float | None:
        """One-sided upper bound that holds together with ``claims`` - 1 others."""
        return None if self.bounds is None else self.bounds((1 - CONFIDENCE) / claims)[1]

    def lower(self, claims: int = 1) -> float | None:
        """One-sided lower bound that holds together with ``claims`` - 1 others."""
        return None if self.bounds is None else self.bounds((1 - CONFIDENCE) / claims)[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        ci = self.interval()
        return {
            "value": self.value,
            "ci": None if ci is None else list(ci),
            "n": self.n,
            "direction": "lower",
            "unit": self.unit,
            "baseline": self.baseline,
            "reason": self.reason,
            **({"parts": dict(self.parts)} if self.parts else {}),
        }


def lacking(reason: str, n: int = 0) -> Risk:
    """A risk that was not measured."""
    return Risk(None, n, reason=reason)


def worst(risks: Mapping[str, Risk]) -> Risk:
    """The largest of several risks; its bounds hold for all of them together."""
    known = {name: risk for name, risk in risks.items() if risk.value is not None}
    if not known:
        reasons = {risk.reason for risk in risks.values()}
        return lacking("; ".join(sorted(filter(None, reasons))) or "nothing to attack")
    named = max(known, key=lambda name: known[name].value or 0.0)
    top = known[named]

    def bounds(error: float) -> tuple[float, float]:
        found = [r.bounds(error / len(known)) for r in known.values() if r.bounds is not None]
        return max(low for low, _ in found), max(high for _, high in found)

    parts = {"worst": named, "of": {name: risk.to_dict() for name, risk in risks.items()}}
    return Risk(top.value, top.n, top.unit, top.baseline, bounds, top.reason, parts)


def excess(
    hits: int, n: int, control_hits: int, control_n: int, *, normalized: bool, **settings: Any
) -> Risk:
    """Success beyond that on people who are not in the train table.

    Normalized it is a share of what could be won, (r - c) / (1 - c) (Giomi et al., *A Unified
    Framework for Quantifying Privacy Risk in Synthetic Data*, 2023, equation 2). Bounds: Newcombe
    (1998), method 10.
    """
    r, c = hits / n, control_hits / control_n
    room = max(1.0 - c, 1e-9) if normalized else 1.0

    def bounds(error: float) -> tuple[float, float]:
        (low_r, high_r), (low_c, high_c) = (
            wilson(k, m, error) for k, m in ((hits, n), (control_hits, control_n))
        )
        low = (r - c) - np.hypot(r - low_r, high_c - c)
        high = (r - c) + np.hypot(high_r - r, c - low_c)
        return float(low / room), float(min(high / room, 1.0))

    parts = {"success": r, "control": c, "control_n": control_n}
    parts |= settings.pop("parts", {})
    return Risk((r - c) / room, n, bounds=bounds, parts=parts, **settings)


def auc(members: Floats, controls: Floats, **settings: Any) -> Risk:
    """AUC of scores (n,) of members against those (m,) of others."""
    value, error_of = auc_with_error(members, controls)

    def bounds(error: float) -> tuple[float, float]:
        z = float(norm.isf(error))
        # of a perfect separation DeLong's error is 0; no finite sample shows that much
        least = 1 / (2 * min(len(members), len(controls)))
        wide = z * max(error_of, least)
        return max(0.0, value - wide), min(1.0, value + wide)

    return Risk(
        value, min(len(members), len(controls)), "AUC", baseline=0.5, bounds=bounds, **settings
    )


def caught_at(members: Floats, controls: Floats, false_alarms: float, **settings: Any) -> Risk:
    """True positive rate of an attack that calls so few others members.

    The threshold is itself measured: upper bounds take the lowest that could be the right one,
    lower bounds the highest.

    Args:
        members: (n,) scores.
        controls: (m,) scores.
        false_alarms: False positive rate.
    """
    n, ordered = len(controls), np.sort(controls)[::-1]

    def hits(alarms: float) -> int:
        # a score that many share is called or not called for all of them: above the threshold
        at = ordered[min(int(np.floor(alarms)), n - 1)]
        return int((members > at).sum())

    def bounds(error: float) -> tuple[float, float]:
        half = error / 2
        z = float(norm.isf(half))
        wide = z * np.sqrt(n * false_alarms * (1 - false_alarms))
        low = clopper_pearson(hits(max(0.0, n * false_alarms - wide)), len(members), half)[0]
        high = clopper_pearson(hits(n * false_alarms + wide), len(members), half)[1]
        return low, high

    value = hits(n * false_alarms) / len(members)
    unit = f"true positive rate at {false_alarms:.0%} false"
    return Risk(value, len(members), unit, baseline=false_alarms, bounds=bounds, **settings)


def clopper_pearson(hits: int, n: int, error: float) -> tuple[float, float]:
    """Exact bounds of a share (Clopper and Pearson, 1934), each with an error of ``error``."""
    low = float(beta.ppf(error, hits, n - hits + 1)) if hits else 0.0
    high = float(beta.isf(error, hits + 1, n - hits)) if hits < n else 1.0
    return low, high


def wilson(hits: int, n: int, error: float) -> tuple[float, float]:
    """Score bounds of a share (Wilson, 1927)."""
    z, p = float(norm.isf(error)), hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    wide = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, float(middle - wide)), min(1.0, float(middle + wide))
