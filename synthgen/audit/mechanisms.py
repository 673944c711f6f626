"""The mechanisms of private fits on worst-case neighbours, many runs each.

What runs is the production path: `PrivateTable`, `buy_encoder` and `private_descent` as a fit calls
them. The auditor sees what they give away and nothing else. Neighbours differ by one row, the
canary, in whatever shows it most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from synthgen.audit.bounds import CONFIDENCE, gaussian_lower_bound, lower_bound
from synthgen.cells import Cells
from synthgen.encoding.bought import COUNTS_SHARE, CellRows, buy_encoder
from synthgen.encoding.numeric import NumericEncoder
from synthgen.privacy.accounting import Gaussian, spent_epsilon
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.privacy.units import Units
from synthgen.schema import Column, Schema
from synthgen.training.dpsgd import private_descent

EPSILON, DELTA = 1.0, 1e-5
# points of the claimed curve of epsilon over delta that are held against what was measured
DELTAS = (1e-5, 0.01, 0.1, 0.3, 0.5, 0.66, 0.7)
_ROWS = 20
# audited descents: noise as in a fit of large epsilon; and so little that a row shows in every step
# that it takes part in, which tells who took part how often
NOISY, SPARSE = Gaussian(0.5, 0.1, 10), Gaussian(0.25, 0.1, 10)
_CANARY = 100.0
# rows of each entity, where entities are audited
_OF_ENTITY = 3


@dataclass(frozen=True)
class Audit:
    """One mechanism, measured.

    Attributes:
        name: Of the mechanism.
        claimed: Epsilon that the ledger says, at `DELTA` or where it was crossed.
        lower_bound: Epsilon that was measured there.
        theory: Epsilon that the mechanism's exact law has for these neighbours.
    """

    name: str
    claimed: float
    lower_bound: float
    theory: float | None

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts the claim."""
        return self.lower_bound <= self.claimed

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {
            "name": self.name,
            "claimed": self.claimed,
            "lower_bound": self.lower_bound,
            "confidence": CONFIDENCE,
            "theory": self.theory,
            "holds": self.holds,
        }


def audit_count(runs: int) -> Audit:
    """A noisy count that takes the whole budget, of a table with a row more or less."""
    return _counted("discrete Gaussian count", runs, 1)


def audit_entity_count(runs: int) -> Audit:
    """The same with an entity more or less, which has as many rows as entities may have."""
    return _counted("count of rows by entity", runs, _OF_ENTITY)


def _counted(name: str, runs: int, most: int) -> Audit:
    def scores(n: int) -> np.ndarray:
        units = Units(np.arange(n) // most, most)
        return np.array(
            [PrivateTable(_cells(n), Ledger(EPSILON, DELTA), units).count(1.0) for _ in range(runs)]
        )

    ledger = Ledger(EPSILON, DELTA)
    claimed = spent_epsilon([Gaussian(ledger.noise(1.0))], ledger.mechanisms_delta)
    n = _ROWS * most
    found = gaussian_lower_bound(scores(n + most), scores(n), n + most / 2, ledger.mechanisms_delta)
    return Audit(name, claimed, found, claimed)


def audit_counts_of_codes(runs: int) -> Audit:
    """The counts of all codes that an encoder is made of: the share of the canary's code."""
    schema = _schema(categories=("a", "b"))

    def score(is_in: bool) -> float:
        table = PrivateTable(_letters("a" * _ROWS + "b" * (5 + is_in)), Ledger(EPSILON, DELTA))
        share = buy_encoder(schema, table, float(_ROWS)).columns[0].share
        # all that is known of the count: the shares keep their ratio
        return float(share[1] / share[0])

    claimed = _claimed_of_share(COUNTS_SHARE)
    found = _many(score, runs, claimed)
    return Audit("counts of codes", *found, claimed[DELTA])


def audit_found_values(runs: int) -> Audit:
    """Values found in the data: how often one that a single row holds is given away."""
    schema = _schema()

    def score(is_in: bool) -> float:
        table = PrivateTable(_letters("a" * 2000 + "b" * is_in), Ledger(EPSILON, DELTA))
        return float("b" in getattr(buy_encoder(schema, table, 2000.0).columns[0], "levels", ()))

    claimed = dict.fromkeys(DELTAS, EPSILON)
    return Audit("values found in the data", *_many(score, runs, claimed), None)


def audit_bounds(runs: int) -> Audit:
    """Bounds of numbers: the largest value that an encoder may emit, with one large row."""
    schema = Schema(columns=(Column(name="x", kind="integer", dtype="int64", nullable=False),))

    def score(is_in: bool) -> float:
        values = np.r_[np.arange(2000) % 100, [10**6] * is_in].astype(np.int64)
        rows = CellRows((Cells(values, np.zeros(len(values), bool)),))
        column = buy_encoder(schema, PrivateTable(rows, Ledger(EPSILON, DELTA)), 2000.0).columns[0]
        assert isinstance(column, NumericEncoder)
        return float(column.ends()[1])

    claimed = dict.fromkeys(DELTAS, EPSILON)
    return Audit("bounds of numbers", *_many(score, runs, claimed), None)


def audit_descent(runs: int, spent: Gaussian = NOISY, most: int = 1) -> Audit:
    """Noisy gradient descent with a row whose gradient is far above the clipping norm.

    The network is one weight, and every step's gradient is seen; the score is the largest of them.
    """

    def score(is_in: bool) -> float:
        return float(descended(is_in, spent, most).max())

    claimed = {delta: spent_epsilon([spent], delta) for delta in DELTAS}
    name = f"DP-SGD, noise multiplier {spent.noise_multiplier:g}"
    name += f", {most} rows of an entity" * (most > 1)
    return Audit(name, *_many(score, runs, claimed), None)


def audit_entity_descent(runs: int) -> Audit:
    """The same with an entity of several such rows."""
    return audit_descent(runs, NOISY, _OF_ENTITY)


def audit_sparse_descent(runs: int) -> Audit:
    """The same with hardly any noise."""
    return audit_descent(runs, SPARSE)


def descended(is_in: bool, spent: Gaussian, most: int = 1) -> np.ndarray:
    """(steps,) noisy gradient of each step along the canary's direction, over its bound."""
    n = _ROWS * most
    values = np.zeros(n + is_in * most)
    values[n:] = _CANARY
    units = Units(np.arange(len(values)) // most, most)
    ledger = Ledger(1e3, DELTA)
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    seen: list[float] = []

    def losses(held: nn.Module, rows: _Floats) -> Tensor:
        x = torch.as_tensor(rows.values, dtype=torch.float32)[:, None]
        # the gradient is the row's value
        gradient: Tensor = held(x).squeeze(1)
        return gradient

    def stepped(step: int) -> None:
        seen.append(-float(network.weight.detach()) / most)
        nn.init.zeros_(network.weight)

    private_descent(
        network,
        losses,
        PrivateTable(_Floats(values), ledger, units),
        spent,
        what="audit",
        clip=1.0,
        optimizer=torch.optim.SGD(network.parameters(), lr=1.0),
        expected_rows=1.0,
        stepped=stepped,
    )
    return np.array(seen)


@dataclass(frozen=True)
class _Floats:
    values: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> _Floats:
        return _Floats(self.values[rows])


def _many(
    score: Callable[[bool], float], runs: int, claimed: dict[float, float]
) -> tuple[float, float]:
    """Claimed epsilon and lower bound at `DELTA`, or where the claim is crossed furthest."""
    with_it = np.array([score(True) for _ in range(runs)])
    without = np.array([score(False) for _ in range(runs)])
    # each delta has its share of the error
    found = {delta: lower_bound(with_it, without, delta, len(claimed)) for delta in claimed}
    crossed = max(claimed, key=lambda delta: found[delta] - claimed[delta])
    delta = crossed if found[crossed] > claimed[crossed] else DELTA
    return claimed[delta], found[delta]


def _claimed_of_share(share: float) -> dict[float, float]:
    noise = Ledger(EPSILON, DELTA).noise(share)
    return {delta: spent_epsilon([Gaussian(noise)], delta) for delta in DELTAS}


def _cells(n: int) -> CellRows:
    return _letters("a" * n)


def _letters(text: str) -> CellRows:
    values = np.array([ord(letter) - ord("a") for letter in text], np.int32)
    return CellRows((Cells(values, np.zeros(len(text), bool), ("a", "b")),))


def _schema(categories: tuple[str, ...] | None = None) -> Schema:
    column = Column(name="x", kind="category", nullable=False, categories=categories)
    return Schema(columns=(column,))


# name -> how to audit it with so many runs, and how many runs a short and a whole audit take
AUDITS: dict[str, tuple[Callable[[int], Audit], int, int]] = {
    "count": (audit_count, 20_000, 200_000),
    "counts of codes": (audit_counts_of_codes, 400, 4_000),
    "found values": (audit_found_values, 300, 2_000),
    "bounds": (audit_bounds, 100, 1_000),
    "descent": (audit_descent, 400, 2_000),
    "sparse descent": (audit_sparse_descent, 400, 2_000),
    "entity count": (audit_entity_count, 5_000, 50_000),
    "entity descent": (audit_entity_descent, 400, 2_000),
}
