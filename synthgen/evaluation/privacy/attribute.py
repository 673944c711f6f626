"""Attribute inference: do the other columns and the release give a cell away?

The third risk of opinion 05/2014, attacked as by Giomi et al. (2023), section 4.3: the cell of the
synthetic row that is nearest in all other columns is the guess. What can be guessed of people who
are not in the train table is what the release is for; a risk is only what is guessed better of
those who are.
"""

from __future__ import annotations

import numpy as np

from synthgen.evaluation.features import Floats
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.risk import Risk, excess, lacking, worst

ATTACKS = 8_000
# relative error within which a number is guessed
_TOLERANCE = 0.05
_BLOCK = 1 << 20
# two numbers are 1 apart at most; a missing one is 1 and half a place from one that is not
_MOST_OF_ONE = 1.25 + 1e-3


def attribute_inference(people: People) -> Risk:
    """The worst column's excess of right guesses."""
    names = [str(name) for name in people.synthetic.columns]
    if len(names) < 2:
        return lacking("with one column nothing is known beside it")
    guessed = {role: _guessed(people, role) for role in ("members", "controls")}
    risks = {}
    for j, name in enumerate(names):
        sides = [guessed[role][:, j] for role in ("members", "controls")]
        known = [side[side >= 0] for side in sides]
        if min(map(len, known)) < 2:
            risks[name] = lacking("hardly any cell is known")
            continue
        (hits, n), (control, m) = ((int(side.sum()), len(side)) for side in known)
        risks[name] = excess(
            hits, n, control, m, normalized=False, unit="excess of right guesses", baseline=0.0
        )
    return worst(risks)


def _guessed(people: People, role: str) -> np.ndarray:
    """Per attacked row and column 1 for a right guess, 0 for a wrong one, -1 for a missing cell.

    No column adds more than `_MOST_OF_ONE` to a squared distance. So the row that is nearest in all
    columns but one is among those whose whole distance is at most that above the least.
    """
    rows = people.points[role][:ATTACKS]
    own = people.numbers[role][:ATTACKS]
    synthetic, cells = people.points["synthetic"], people.numbers["synthetic"]
    readings = [one.reading for one in people.embedding.features.columns]
    out = np.zeros(own.shape, np.int8)
    whole, target = (synthetic**2).sum(axis=1), np.ascontiguousarray(-2 * synthetic.T)
    size = max(1, _BLOCK // len(synthetic))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        # what is the same for all synthetic rows does not matter to which is nearest
        total = part @ target + whole
        near = total <= total.min(axis=1, keepdims=True) + _MOST_OF_ONE
        row, place = np.nonzero(near)
        distance, first = total[row, place], np.flatnonzero(np.r_[True, np.diff(row) > 0])
        for j, block in enumerate(people.embedding.blocks):
            of_column = ((part[row, block] - synthetic[place, block]) ** 2).sum(axis=1)
            nearest = place[_least(distance - of_column, first)]
            ordered = readings[j] not in ("category", "boolean")
            truth = own[start : start + size, j]
            out[start : start + size, j] = _right(truth, cells[nearest, j], ordered)
    return out


def _least(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Where the least value of each run is, of values (n,) whose runs begin at ``first``."""
    group = np.zeros(len(values), np.int64)
    group[first[1:]] = 1
    group = group.cumsum()
    least = np.flatnonzero(values <= np.minimum.reduceat(values, first)[group])
    return np.asarray(least[np.unique(group[least], return_index=True)[1]])


def _right(truth: Floats, guess: Floats, ordered: bool) -> np.ndarray:
    near = _TOLERANCE * np.abs(truth) if ordered else 0.0
    right = (np.abs(guess - truth) <= near).astype(np.int8)
    return np.where(np.isnan(truth), np.int8(-1), right)
