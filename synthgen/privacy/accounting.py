"""What mechanisms cost together: epsilon at a delta, by two accountants.

Renyi differential privacy (Mironov, 2017) and privacy loss distributions composed by Fourier
transforms (Koskela et al., 2020; Doroshenko et al., 2022), both from Google's ``dp-accounting``.
The second is tight, the first an upper bound of its own that a fault of the second would cross.
Neighbours differ by one record that is added or removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from synthgen.errors import InvalidInputError, MissingExtraError

# the tight accountant may exceed the other by rounding alone, and stays within this factor below
_ROUNDING, _APART = 1.02, 4.0
# grid of privacy losses, rounded up: at epsilon 1 that costs less than a thousandth of it
_INTERVAL = 5e-4
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
    found = Epsilon(_rdp(mechanisms, delta), spent_epsilon(mechanisms, delta))
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
    while spent_epsilon([*others, made(high)], delta) > limit:
        low, high = high, 2 * high
        if high > 1e5:
            raise InvalidInputError(
                f"epsilon {limit:g} at delta {delta:g} leaves nothing for this step; raise epsilon"
            )
    while high - low > _SEARCH_TOLERANCE * high:
        middle = (low + high) / 2
        within = spent_epsilon([*others, made(middle)], delta) <= limit
        low, high = (low, middle) if within else (middle, high)
    return high


def spent_epsilon(mechanisms: Sequence[Gaussian], delta: float) -> float:
    """Epsilon at ``delta`` by privacy loss distributions alone."""
    _library()
    if not mechanisms:
        return 0.0
    precision, sampled = _merged(mechanisms)
    if not sampled:
        return _gaussian(precision**-0.5, delta)
    return _sampled(precision, sampled, delta)


def _rdp(mechanisms: Sequence[Gaussian], delta: float) -> float:
    from dp_accounting.rdp import RdpAccountant

    if not mechanisms:
        return 0.0
    # orders at which a series does not converge are left out, which it tells at length
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        return float(_composed(RdpAccountant(), *_merged(mechanisms)).get_epsilon(delta))
    finally:
        logger.setLevel(level)


@lru_cache(maxsize=4096)
def _gaussian(noise_multiplier: float, delta: float) -> float:
    """Exact (Balle and Wang, 2018, theorem 8), and a thousand times as fast."""
    from dp_accounting.gaussian_mechanism import get_epsilon_gaussian

    return float(get_epsilon_gaussian(noise_multiplier, delta))


@lru_cache(maxsize=4096)
def _sampled(precision: float, sampled: tuple[Gaussian, ...], delta: float) -> float:
    return float(_pld(precision, sampled).get_epsilon(delta))


@lru_cache(maxsize=64)
def _pld(precision: float, sampled: tuple[Gaussian, ...]) -> Any:
    from dp_accounting.pld import PLDAccountant

    accountant = PLDAccountant(value_discretization_interval=_INTERVAL)
    return _composed(accountant, precision, sampled)


def _merged(mechanisms: Sequence[Gaussian]) -> tuple[float, tuple[Gaussian, ...]]:
    """Precision of one Gaussian in place of all on whole tables, and the sampled ones.

    Gaussian mechanisms together are one whose 1 / noise_multiplier^2 is the sum of theirs.
    """
    whole = [m for m in mechanisms if m.sampling_rate >= 1]
    precision = sum(m.times / m.noise_multiplier**2 for m in whole)
    return precision, tuple(m for m in mechanisms if m.sampling_rate < 1)


def _composed(accountant: Any, precision: float, sampled: Sequence[Gaussian]) -> Any:
    for mechanism in ([Gaussian(precision**-0.5)] if precision else []) + list(sampled):
        accountant.compose(mechanism.event())
    return accountant


def _library() -> Any:
    try:
        import dp_accounting
    except ImportError:
        raise MissingExtraError(
            "differential privacy needs the extra 'privacy': pip install 'synthgen[privacy]'"
        ) from None
    return dp_accounting
