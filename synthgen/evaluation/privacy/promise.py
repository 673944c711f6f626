"""What differential privacy allows an attack, and what attacks show of epsilon.

Under (epsilon, delta) an attack with a false positive rate a has a true positive rate of at most
min(e^epsilon a + delta, 1 - e^-epsilon (1 - delta - a)) (Kairouz, Oh and Viswanath, 2015, theorem
2.1 and remark). What it reaches bounds epsilon from below.
"""

from __future__ import annotations

import math

from synthgen.evaluation.privacy.membership import FALSE_ALARMS
from synthgen.evaluation.privacy.risk import Risk


def allowed(epsilon: float, delta: float, false_alarms: float) -> float:
    """The most true positives."""
    return min(
        math.exp(epsilon) * false_alarms + delta,
        1 - math.exp(-epsilon) * (1 - delta - false_alarms),
        1.0,
    )


def measured_epsilon(risks: dict[str, Risk], delta: float) -> float:
    """Epsilon that the attacks prove to be exceeded, with 95 % confidence; 0 if none."""
    best = 0.0
    for label, level in FALSE_ALARMS.items():
        low = _lower(risks, f"membership_tpr_{label}")
        if low > delta:
            best = max(best, math.log((low - delta) / level))
    return best


def contradicted(risks: dict[str, Risk], epsilon: float, delta: float) -> list[str]:
    """Attacks whose lower bound is above what the promise allows."""
    found = []
    for label, level in FALSE_ALARMS.items():
        low, most = _lower(risks, f"membership_tpr_{label}"), allowed(epsilon, delta, level)
        if low > most:
            found.append(
                f"membership inference has a true positive rate of at least {low:.2%} at "
                f"{level:.0%} false positives, where epsilon {epsilon:g} and delta {delta:g} allow "
                f"{most:.2%}"
            )
    return found


def _lower(risks: dict[str, Risk], name: str) -> float:
    risk = risks.get(name)
    low = None if risk is None else risk.lower(len(FALSE_ALARMS))
    return 0.0 if low is None else low
