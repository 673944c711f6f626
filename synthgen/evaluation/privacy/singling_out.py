"""Singling out: does a synthetic table tell of a property that exactly one real person has?

The first of the three risks of the Article 29 Working Party's opinion 05/2014, attacked as by
Giomi et al. (2023), section 4.1: predicates that a synthetic row is alone with are tried on train
rows, and on as many holdout rows for control.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthgen.evaluation.features import Floats
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import Risk, excess, lacking

ATTACKS = 2_000
# columns of a predicate, rounds of drawing predicates, and rows compared at once
_COLUMNS, _FEW_COLUMNS, _ROUNDS, _DRAWN = (3, 4, 5, 6), (2, 3), 150, 500
_WHY_FEW = "the synthetic table has no row that is alone with such a property"


@dataclass(frozen=True)
class Predicates:
    """Conjunctions of conditions.

    Shape:
        column, operator, value: (n, k); operator 0 is equal, -1 at most, 1 at least; NaN equals
        NaN.
    """

    column: np.ndarray
    operator: np.ndarray
    value: Floats

    def __len__(self) -> int:
        return len(self.column)

    def take(self, rows: np.ndarray) -> Predicates:
        """Some of them."""
        return Predicates(self.column[rows], self.operator[rows], self.value[rows])

    def counts(self, table: Floats) -> np.ndarray:
        """Rows (n,) of a table (m, n_columns) that each holds for."""
        found = np.empty(len(self), np.int64)
        columns = np.ascontiguousarray(table.T)
        for i in range(len(self)):
            # each condition looks only at the rows that are left
            rows: np.ndarray | None = None
            for c, o, v in zip(self.column[i], self.operator[i], self.value[i], strict=True):
                cells = columns[c] if rows is None else columns[c][rows]
                holds = _holds(cells, o, v)
                rows = np.flatnonzero(holds) if rows is None else rows[holds]
                if not len(rows):
                    break
            found[i] = 0 if rows is None else len(rows)
        return found


def singling_out(people: People, attacks: int = ATTACKS) -> dict[str, Risk]:
    """Risks ``singling_out_univariate`` and ``singling_out_multivariate``."""
    synthetic = people.numbers["synthetic"]
    rng = people.rng("singling out")
    single = univariate(synthetic, attacks, rng)
    if len(single) < attacks:
        # an attacker who has no more values goes on to pairs; few attacks would bound nothing
        more = multivariate(people, attacks - len(single), rng, _FEW_COLUMNS)
        single = _joined([single, more], attacks)
    found = {"univariate": single, "multivariate": multivariate(people, attacks, rng)}
    # as many rows of each, for what a row is alone with depends on how many there are
    n = min(len(people.members), len(people.controls))
    tables = [people.numbers[role][:n] for role in ("members", "controls")]
    return {
        f"singling_out_{name}": _risk(predicates, *tables) for name, predicates in found.items()
    }


def univariate(synthetic: Floats, attacks: int, rng: np.random.Generator) -> Predicates:
    """Values of one synthetic row only, and what lies beyond all others."""
    found = []
    for j, cells in enumerate(synthetic.T):
        values, count = np.unique(cells[~np.isnan(cells)], return_counts=True)
        found += [(j, 0, value) for value in values[count == 1]]
        if len(values):
            found += [(j, -1, values[0]), (j, 1, values[-1])]
        if np.isnan(cells).sum() == 1:
            found.append((j, 0, np.nan))
    chosen = [found[i] for i in rng.permutation(len(found))[:attacks]]
    column, operator, value = zip(*chosen, strict=True) if chosen else ((), (), ())
    return Predicates(
        np.array(column, int)[:, None],
        np.array(operator, int)[:, None],
        np.array(value, float)[:, None],
    )


def multivariate(
    people: People,
    attacks: int,
    rng: np.random.Generator,
    columns: tuple[int, ...] = _COLUMNS,
) -> Predicates:
    """Several cells of one synthetic row, numbers from the median outwards, that no other has."""
    synthetic = people.numbers["synthetic"]
    ordered = _ordered(people)
    medians = np.array([_median(cells) for cells in synthetic.T])
    n_columns = synthetic.shape[1]
    parts: list[Predicates] = []
    for round_ in range(_ROUNDS):
        k = min(columns[round_ % len(columns)], n_columns)
        row = rng.integers(len(synthetic), size=_DRAWN)
        column = np.argsort(rng.random((_DRAWN, n_columns)), axis=1)[:, :k]
        value = synthetic[row[:, None], column]
        outwards = np.where(value >= medians[column], 1, -1)
        operator = np.where(ordered[column] & ~np.isnan(value), outwards, 0)
        drawn = Predicates(column, operator, value)
        parts.append(drawn.take(drawn.counts(synthetic) == 1))
        if sum(map(len, parts)) >= attacks:
            break
    return _joined(parts, attacks)


def _risk(predicates: Predicates, members: Floats, controls: Floats) -> Risk:
    n = len(predicates)
    if not n:
        return lacking(_WHY_FEW)
    hits, control = (int((predicates.counts(t) == 1).sum()) for t in (members, controls))
    few = f"only {n:,} such properties were found" if n < ATTACKS else None
    return excess(
        hits, n, control, n, normalized=True,
        unit="excess success", baseline=0.0, reason=few,
    )  # fmt: skip


def _holds(cells: Floats, operator: int, value: float) -> np.ndarray:
    if operator == 0:
        return np.asarray(np.isnan(cells) if np.isnan(value) else cells == value)
    return np.asarray(cells <= value if operator < 0 else cells >= value)


def _ordered(people: People) -> np.ndarray:
    """(n_columns,) whether cells are numbers or times."""
    kinds = people.embedding.features.columns
    return np.array([one.reading not in ("category", "boolean") for one in kinds])


def _median(cells: Floats) -> float:
    known = cells[~np.isnan(cells)]
    return float(np.median(known)) if len(known) else 0.0


def _joined(parts: list[Predicates], most: int) -> Predicates:
    """All predicates, the shorter filled up with conditions that repeat their first."""
    k = max(part.column.shape[1] for part in parts)

    def filled(cells: np.ndarray) -> np.ndarray:
        return np.concatenate([cells, np.repeat(cells[:, :1], k - cells.shape[1], axis=1)], axis=1)

    joined = [
        np.concatenate([filled(getattr(part, name)) for part in parts])[:most]
        for name in ("column", "operator", "value")
    ]
    return Predicates(*joined)
