"""What differential privacy allows an attack, and what attacks show of epsilon.

Under (epsilon, delta) an attack with a false positive rate a has a true positive rate of at most
min(e^epsilon a + delta, 1 - e^-epsilon (1 - delta - a)) (Kairouz, Oh and Viswanath, 2015, theorem
2.1 and remark). The area under that curve bounds its AUC. What it reaches bounds epsilon from
below.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from synthgen.evaluation.privacy.membership import FALSE_ALARMS
from synthgen.evaluation.privacy.risk import Risk

_AUCS = {
    "membership_auc": "membership inference",
    "membership_rarest_auc": "membership inference of the rarest rows",
    "membership_model_auc": "membership inference by the model's own likelihood",
}
# bounds that hold together
_CLAIMS = len(FALSE_ALARMS) + len(_AUCS)
_LEVELS, _MOST_EPSILON = np.linspace(0, 1, 1001), 100.0


def allowed(epsilon: float, delta: float, false_alarms: float) -> float:
    """The most true positives."""
    return min(
        math.exp(epsilon) * false_alarms + delta,
        1 - math.exp(-epsilon) * (1 - delta - false_alarms),
        1.0,
    )


def allowed_auc(epsilon: float, delta: float) -> float:
    """The largest AUC."""
    return float(np.mean([allowed(epsilon, delta, level) for level in _LEVELS]))


def measured_epsilon(risks: dict[str, Risk], delta: float) -> float:
    """Epsilon that the attacks prove to be exceeded, with 95 % confidence; 0 if none."""
    best = 0.0
    for label, level in FALSE_ALARMS.items():
        low = _lower(risks, f"membership_tpr_{label}")
        if low > delta:
            best = max(best, math.log((low - delta) / level))
    low = max(_lower(risks, name) for name in _AUCS)
    if low >= allowed_auc(_MOST_EPSILON, delta):
        return _MOST_EPSILON
    if low > allowed_auc(best, delta):
        best = brentq(lambda epsilon: allowed_auc(epsilon, delta) - low, best, _MOST_EPSILON)
    return float(best)


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
    for name, attack in _AUCS.items():
        low, most = _lower(risks, name), allowed_auc(epsilon, delta)
        if low > most:
            found.append(
                f"{attack} has an AUC of at least {low:.3f}, where epsilon {epsilon:g} and delta "
                f"{delta:g} allow {most:.3f}"
            )
    return found


def _lower(risks: dict[str, Risk], name: str) -> float:
    risk = risks.get(name)
    low = None if risk is None else risk.lower(_CLAIMS)
    return 0.0 if low is None else low
