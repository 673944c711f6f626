"""Bugs planted in the production path: an audit that cannot find them proves nothing.

Each is a fault that published packages had. It is put in place, audited by the same outputs as the
sound path, and taken out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.audit import mechanisms
from synthgen.audit.mechanisms import DELTA, Audit
from synthgen.encoding import bought
from synthgen.errors import InvalidInputError
from synthgen.privacy import ledger as ledgers
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.privacy.units import Units
from synthgen.training import dpsgd


@dataclass(frozen=True)
class Planted:
    """A bug, and whether the audit found it.

    Attributes:
        name: Of the bug.
        caught: Whether the lower bound is above what is claimed, or the ledger refused.
        claimed, lower_bound: Of the audit; ``None`` where nothing was given away at all.
    """

    name: str
    caught: bool
    claimed: float | None
    lower_bound: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {
            "name": self.name,
            "caught": self.caught,
            "lower_bound": self.lower_bound,
            "claimed": self.claimed,
        }


@contextmanager
def _instead(module: Any, name: str, value: Any) -> Iterator[None]:
    """``module.name`` is ``value`` for a while."""
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _no_clipping() -> Any:
    sound = dpsgd._wrapped

    def wrapped(network: Any, optimizer: Any, noise: float, clip: float) -> tuple[Any, Any]:
        held, private = sound(network, optimizer, noise, clip)
        private.max_grad_norm, private.noise_multiplier = 1e9, noise * clip / 1e9
        return held, private

    return _instead(dpsgd, "_wrapped", wrapped)


def _shuffled_batches() -> Any:
    def batches_of(rows: Any, units: Units) -> Callable[[Gaussian, int], Iterator[list[Any]]]:
        def batches(spent: Gaussian, size: int) -> Iterator[list[Any]]:
            rng, per_pass = np.random.default_rng(), round(1 / spent.sampling_rate)
            parts: list[Any] = []
            for _ in range(spent.times):
                parts = parts or np.array_split(rng.permutation(len(rows)), per_pass)
                yield [rows.take(parts.pop())]

        return batches

    return _instead(ledgers, "_batches_of", batches_of)


def _doubled_forward() -> Any:
    sound = ledgers._batches_of

    def batches_of(rows: Any, units: Units) -> Callable[[Gaussian, int], Iterator[list[Any]]]:
        def batches(spent: Gaussian, size: int) -> Iterator[list[Any]]:
            for parts in sound(rows, units)(spent, size):
                yield [*parts, *parts]

        return batches

    return _instead(ledgers, "_batches_of", batches_of)


def _exact_frequencies() -> Any:
    return _instead(ledgers, "discrete_gaussian", lambda sigma, shape: np.zeros(shape, np.int64))


def _raw_bounds() -> Any:
    def bounds(schema: Any, table: PrivateTable[Any]) -> dict[int, tuple[float, float]]:
        ends: dict[int, tuple[float, float]] = {}

        def read(rows: Any) -> Any:
            for j, held in enumerate(rows.columns):
                ends[j] = (float(held.values.min()), float(held.values.max()))
            return rows

        table.mapped(read)
        return ends

    return _instead(bought, "_bounds", bounds)


def _stop_on_validation() -> Planted:
    """After the last step a fit looks at the loss of raw rows, to choose when to have stopped."""
    ledger = Ledger(1.0, DELTA)
    table = PrivateTable(mechanisms._cells(1000), ledger)
    left = ledger.left(lambda noise: Gaussian(noise, 0.1, 20))
    list(table.batches(left, "gradients", 100))
    try:
        table.histogram("loss of validation rows", lambda rows: np.zeros(len(rows), int), 1, 0.01)
    except InvalidInputError:
        return Planted("stop on raw validation", True, None, None)
    return Planted("stop on raw validation", False, ledger.epsilon, None)


def planted(scale: Callable[[str], int]) -> Iterator[Planted]:
    """Audits with each of the bugs in place; ``scale`` gives the runs of an audit by name."""
    bugs: list[tuple[str, Callable[[], Any], Callable[[int], Audit], str]] = [
        ("no clipping", _no_clipping, mechanisms.audit_descent, "descent"),
        ("shuffled batches", _shuffled_batches, mechanisms.audit_sparse_descent, "sparse descent"),
        ("doubled forward", _doubled_forward, mechanisms.audit_descent, "descent"),
        ("raw bounds", _raw_bounds, mechanisms.audit_bounds, "bounds"),
        ("exact frequencies", _exact_frequencies, mechanisms.audit_counts_of_codes,
         "counts of codes"),
    ]  # fmt: skip
    for name, plant, audit, runs in bugs:
        with plant():
            found = audit(scale(runs))
        yield Planted(name, not found.holds, found.claimed, found.lower_bound)
    yield _stop_on_validation()
