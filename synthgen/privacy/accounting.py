"""What mechanisms cost together: epsilon at a delta, by two accountants.

Renyi differential privacy (Mironov, 2017) and privacy loss distributions composed by Fourier
transforms (Koskela et al., 2020; Doroshenko et al., 2022), both from Google's ``dp-accounting``.
The second is tight, the first an upper bound of its own that a fault of the second would cross.
Neighbours differ by one record that is added or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from synthgen.errors import InvalidInputError, MissingExtraError

# the tight accountant may exceed the other by rounding alone, and stays within this factor below
_ROUNDING, _APART = 1.02, 4.0
# grid of privacy losses: errors stay below this much of epsilon even after a thousand compositions
_INTERVAL = 1e-4
_SEARCH_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Gaussian:
    """``times`` Gaussian mechanisms on a Poisson sample of the records.

    Attributes:
        noise_multiplier: Standard deviation of the noise over the sensitivity.
        sampling_rate: With which each record takes part; 1 for all of them.
        times: How often.
    """

    noise_multiplier: float
    sampling_rate: float = 1.0
    times: int = 1

    def event(self) -> Any:
        """As `dp_accounting` has it."""
        dp = _library()
        event = dp.GaussianDpEvent(self.noise_multiplier)
        if self.sampling_rate < 1:
            event = dp.PoissonSampledDpEvent(self.sampling_rate, event)
        return dp.SelfComposedDpEvent(event, self.times) if self.times > 1 else event


@dataclass(frozen=True)
class Epsilon:
    """Epsilon of a composition by both accountants."""

    rdp: float
    pld: float


def epsilon(mechanisms: Sequence[Gaussian], delta: float) -> Epsilon:
    """What a composition of ``mechanisms`` costs at ``delta``.

    Raises:
        InvalidInputError: If the accountants contradict each other.
    """
    found = Epsilon(_rdp(mechanisms, delta), _pld(mechanisms, delta))
    if found.pld > _ROUNDING * found.rdp + 1e-3 or found.rdp > _APART * found.pld + 0.05:
        raise InvalidInputError(
            f"the accountants disagree: epsilon {found.rdp:.4g} by RDP, {found.pld:.4g} by privacy "
            "loss distributions; nothing is released. Choose a larger noise or fewer steps, and "
            "report this"
        )
    return found


def least_noise(
    others: Sequence[Gaussian], made: Callable[[float], Gaussian], limit: float, delta: float
) -> float:
    """The smallest noise multiplier with which a composition stays within ``limit``.

    Args:
        others: What is spent beside.
        made: The mechanism with a noise multiplier.
        limit: Epsilon.
        delta: Delta.

    Raises:
        InvalidInputError: If no noise is enough, since the others spent it all.
    """
    low, high = 0.0, 1.0
    while _pld([*others, made(high)], delta) > limit:
        low, high = high, 2 * high
        if high > 1e5:
            raise InvalidInputError(
                f"epsilon {limit:g} at delta {delta:g} leaves nothing for this step; raise epsilon"
            )
    while high - low > _SEARCH_TOLERANCE * high:
        middle = (low + high) / 2
        within = _pld([*others, made(middle)], delta) <= limit
        low, high = (low, middle) if within else (middle, high)
    return high


def _rdp(mechanisms: Sequence[Gaussian], delta: float) -> float:
    _library()
    from dp_accounting.rdp import RdpAccountant

    return _composed(RdpAccountant(), mechanisms, delta)


def _pld(mechanisms: Sequence[Gaussian], delta: float) -> float:
    _library()
    from dp_accounting.pld import PLDAccountant

    return _composed(PLDAccountant(value_discretization_interval=_INTERVAL), mechanisms, delta)


def _composed(accountant: Any, mechanisms: Sequence[Gaussian], delta: float) -> float:
    if not mechanisms:
        return 0.0
    # Gaussian mechanisms on all records are one whose precision is the sum of theirs
    whole = [m for m in mechanisms if m.sampling_rate >= 1]
    precision = sum(m.times / m.noise_multiplier**2 for m in whole)
    sampled = [m for m in mechanisms if m.sampling_rate < 1]
    for mechanism in ([Gaussian(precision**-0.5)] if whole else []) + sampled:
        accountant.compose(mechanism.event())
    return float(accountant.get_epsilon(delta))


def _library() -> Any:
    try:
        import dp_accounting
    except ImportError:
        raise MissingExtraError(
            "differential privacy needs the extra 'privacy': pip install 'synthgen[privacy]'"
        ) from None
    return dp_accounting
