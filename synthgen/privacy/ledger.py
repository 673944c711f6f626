"""The ledger: every touch of private rows, what it cost, and what all of them cost together.

Private rows live in a `PrivateTable`, which gives away nothing but the results of mechanisms, each
entered here before it runs. The unit of privacy is a row, or the rows of one entity (see `Units`);
neighbours differ by one of them, added or removed. Every mechanism is Gaussian or adds
discrete Gaussian noise, so a budget is shared out in parts of 1 / noise_multiplier^2, which add up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from synthgen.errors import InvalidInputError
from synthgen.privacy.accounting import Epsilon, Gaussian, epsilon, least_noise, spent_epsilon
from synthgen.privacy.mechanisms import discrete_gaussian, entropy, release_threshold
from synthgen.privacy.units import Units

Rows = TypeVar("Rows", bound="Indexed")
# of delta, what thresholds on values found in the data may take
_THRESHOLD_SHARE = 0.1


class Indexed(Protocol):
    """Rows that can be taken by index."""

    def __len__(self) -> int: ...

    def take(self: Rows, rows: np.ndarray) -> Rows:
        """The rows (k,)."""


@dataclass(frozen=True)
class Entry:
    """One touch.

    Attributes:
        what: Read for what.
        mechanism: Its name.
        sensitivity: Largest change of the exact answer by one unit, in the Euclidean norm.
        spent: What it costs.
        delta: Of it alone, for a value found in the data that nobody should be named by.
    """

    what: str
    mechanism: str
    sensitivity: float
    spent: Gaussian
    delta: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {
            "what": self.what,
            "mechanism": self.mechanism,
            "sensitivity": self.sensitivity,
            "noise_multiplier": self.spent.noise_multiplier,
            "sampling_rate": self.spent.sampling_rate,
            "times": self.spent.times,
            "delta": self.delta,
        }


@dataclass
class Ledger:
    """A budget and what was spent of it.

    Attributes:
        epsilon, delta: The most that all touches may cost together.
        unit: The unit of privacy, in words.
        public: What was declared public and therefore read for nothing.
        entries: The touches so far.
    """

    epsilon: float
    delta: float
    unit: str = "row"
    public: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.epsilon > 0 or not np.isfinite(self.epsilon):
            raise InvalidInputError(f"epsilon must be above 0, got {self.epsilon!r}; try 1.0")
        if not 0 < self.delta < 1:
            raise InvalidInputError(
                f"delta must be between 0 and 1, got {self.delta!r}; take less than 1 over the "
                "number of rows, for example 1e-6"
            )
        self._whole = least_noise([], Gaussian, self.epsilon, self.mechanisms_delta)

    @property
    def mechanisms_delta(self) -> float:
        """What of delta is left to the noise, thresholds set aside."""
        return (1 - _THRESHOLD_SHARE) * self.delta

    def noise(self, share: float) -> float:
        """Noise multiplier of one mechanism that costs a ``share`` of the budget."""
        return float(self._whole / np.sqrt(share))

    def enter(self, entry: Entry) -> None:
        """Add a touch before it happens.

        Raises:
            InvalidInputError: If the budget does not allow it.
        """
        spent = [*self.entries, entry]
        delta = sum(e.delta for e in spent)
        # a sum of floats may be above its parts' budget by the last bit
        if delta > _THRESHOLD_SHARE * self.delta * (1 + 1e-9):
            raise InvalidInputError(f"{entry.what}: delta {self.delta:g} is spent")
        if spent_epsilon([e.spent for e in spent], self.mechanisms_delta) > self.epsilon * (
            1 + 1e-6
        ):
            raise InvalidInputError(
                f"{entry.what}: epsilon {self.epsilon:g} is spent; nothing more is read"
            )
        self.entries.append(entry)

    def left(self, made: Callable[[float], Gaussian]) -> Gaussian:
        """The mechanism with the least noise that what is left of the budget allows.

        Raises:
            InvalidInputError: If nothing is left.
        """
        others = [e.spent for e in self.entries]
        return made(least_noise(others, made, self.epsilon, self.mechanisms_delta))

    def resume(self, entries: list[dict[str, Any]]) -> None:
        """Enter again what an earlier process of the same run had bought.

        Args:
            entries: As `Entry.to_dict` gave them.

        Raises:
            InvalidInputError: If the budget does not allow it.
        """
        for held in entries:
            of_noise = ("noise_multiplier", "sampling_rate", "times")
            spent = Gaussian(*(held[name] for name in of_noise))
            rest = {name: value for name, value in held.items() if name not in of_noise}
            self.enter(Entry(spent=spent, **rest))

    def total(self) -> Epsilon:
        """What everything costs together."""
        return epsilon([e.spent for e in self.entries], self.mechanisms_delta)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready certificate."""
        total = self.total()
        return {
            "epsilon": self.epsilon,
            "delta": self.delta,
            "spent": {"epsilon_pld": round(total.pld, 6), "epsilon_rdp": round(total.rdp, 6)},
            "neighbours": "add or remove one " + self.unit,
            "unit": self.unit,
            "public": self.public,
            "entries": [entry.to_dict() for entry in self.entries],
        }


class PrivateTable(Generic[Rows]):
    """Private rows, readable through mechanisms only.

    The rows are in closures, not in attributes: there is no name to reach them by. What a
    ``cells`` function is given stays within the call.

    Args:
        rows: The rows.
        ledger: Where touches are entered.
        units: Whose each row is; ``None``: each is a unit of its own.

    Attributes:
        most: Rows of one unit at most.
    """

    def __init__(self, rows: Rows, ledger: Ledger, units: Units | None = None) -> None:
        if units is not None and len(units.of) != len(rows):
            raise ValueError(f"{len(rows)} rows, and units of {len(units.of)}")
        self.ledger, self.most = ledger, 1 if units is None else units.most
        self._histogram = _histogram_of(rows)
        self._encoded = _encoded_of(rows)
        self._mapped = _mapped_of(rows, units)
        self._batches = _batches_of(rows, units or Units.rows(len(rows)))

    def sigma(self, share: float, parts: int) -> float:
        """Deviation of the noise of counts for a ``share``, of which a row is in so many."""
        return self._sensitivity(parts) * self.ledger.noise(share)

    def _sensitivity(self, parts: int) -> float:
        """Of counts: all rows of a unit may be in the same cells."""
        return self.most * float(np.sqrt(max(parts, 1)))

    def count(self, share: float) -> float:
        """Noisy number of rows."""

        def one(rows: Rows) -> np.ndarray:
            return np.zeros(len(rows), np.int64)

        return float(self.histogram("number of rows", one, 1, share)[0])

    def histogram(
        self, what: str, cells: Callable[[Rows], np.ndarray], n_cells: int, share: float
    ) -> np.ndarray:
        """Noisy counts (n_cells,) of cells (n,) int, of which a row has one or none (-1)."""
        return self.histograms(what, [(cells, n_cells)], share)[0]

    def histograms(
        self, what: str, parts: list[tuple[Callable[[Rows], np.ndarray], int]], share: float
    ) -> list[np.ndarray]:
        """Several histograms by one mechanism, with one noise: a row is in each of them."""
        spent = Gaussian(self.ledger.noise(share))
        sensitivity, sigma = self._sensitivity(len(parts)), self.sigma(share, len(parts))
        self.ledger.enter(Entry(what, "discrete Gaussian", sensitivity, spent))
        return [
            self._histogram(cells, n) + discrete_gaussian(sigma, n).astype(np.float64)
            for cells, n in parts
        ]

    def levels(
        self,
        what: str,
        keys: Callable[[Rows], dict[Any, int]],
        share: float,
        delta_share: float,
        most: int = 1,
    ) -> dict[Any, float]:
        """Values that enough rows hold, with noisy counts; the others are not told.

        Args:
            what: Read for what.
            keys: Counts of values, of which a row has ``most`` or fewer.
            share: Of the budget.
            delta_share: Of the delta that is set aside for thresholds.
            most: Values that a row may have.
        """
        delta = _THRESHOLD_SHARE * self.ledger.delta * delta_share
        spent = Gaussian(self.ledger.noise(share))
        sensitivity, sigma = self._sensitivity(most), self.sigma(share, most)
        entry = Entry(what, "discrete Gaussian, thresholded", sensitivity, spent, delta)
        self.ledger.enter(entry)
        held: dict[Any, int] = self._encoded(keys)
        names = sorted(held, key=lambda k: (type(k).__name__, repr(k)))
        noisy = np.array([held[k] for k in names]) + discrete_gaussian(sigma, len(names))
        # of a unit's values none may pass that it alone holds
        threshold = release_threshold(sigma, delta / (most * self.most), self.most)
        return {k: float(c) for k, c in zip(names, noisy, strict=True) if c >= threshold}

    def mapped(self, encode: Callable[[Rows], Any]) -> PrivateTable[Any]:
        """The rows in another form, with units in the same order; nothing is given away."""
        mapped: PrivateTable[Any] = self._mapped(encode, self.ledger)
        return mapped

    def batches(self, spent: Gaussian, what: str, size: int, done: int = 0) -> Iterator[list[Rows]]:
        """Poisson batches for noisy gradient descent, each in parts of at most ``size`` rows.

        For `synthgen.training.dpsgd` alone, which clips each row and adds the noise that is entered
        here, for ``most`` rows, for all steps at once, before the first of them. Of these an
        earlier process may have ``done`` some, which do not come again.
        """
        entry = Entry(what, "DP-SGD, Poisson-sampled Gaussian", float(self.most), spent)
        self.ledger.enter(entry)
        return self._batches(replace(spent, times=spent.times - done), size)


def _histogram_of(rows: Any) -> Callable[[Callable[[Any], np.ndarray], int], np.ndarray]:
    def histogram(cells: Callable[[Any], np.ndarray], n_cells: int) -> np.ndarray:
        found = cells(rows)
        return np.bincount(found[found >= 0], minlength=n_cells)[:n_cells].astype(np.float64)

    return histogram


def _encoded_of(rows: Any) -> Callable[[Callable[[Any], Any]], Any]:
    return lambda encode: encode(rows)


def _mapped_of(rows: Any, units: Units | None) -> Callable[[Callable[[Any], Any], Ledger], Any]:
    return lambda encode, ledger: PrivateTable(encode(rows), ledger, units)


def _batches_of(rows: Any, units: Units) -> Callable[[Gaussian, int], Iterator[list[Any]]]:
    def batches(spent: Gaussian, size: int) -> Iterator[list[Any]]:
        rng = entropy()
        for _ in range(spent.times):
            taken = units.sampled(spent.sampling_rate, rng)
            parts = np.array_split(taken, max(1, -(-len(taken) // size)))
            yield [rows.take(part) for part in parts]

    return batches
