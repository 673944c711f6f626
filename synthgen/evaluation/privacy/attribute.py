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
_BLOCK = 1 << 19


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
    """Per attacked row and column 1 for a right guess, 0 for a wrong one, -1 for a missing cell."""
    rows = people.points[role][:ATTACKS]
    own = people.numbers[role][:ATTACKS]
    synthetic, cells = people.points["synthetic"], people.numbers["synthetic"]
    readings = [one.reading for one in people.embedding.features.columns]
    blocks = people.embedding.blocks
    out = np.zeros(own.shape, np.int8)
    squared = [(synthetic[:, block] ** 2).sum(axis=1) for block in blocks]
    # of a column what is to be added to a whole distance, as one product: -square + 2 x y
    targets = [
        np.ascontiguousarray(np.column_stack([2 * synthetic[:, block], -one]).T)
        for block, one in zip(blocks, squared, strict=True)
    ]
    whole, target = np.sum(squared, axis=0), np.ascontiguousarray(-2 * synthetic.T)
    size = max(1, _BLOCK // len(synthetic))
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        # what is the same for all synthetic rows does not matter to which is nearest
        total = part @ target + whole
        one = np.ones((len(part), 1), np.float32)
        for j, block in enumerate(blocks):
            rest = np.concatenate([part[:, block], one], axis=1) @ targets[j]
            rest += total
            guess = cells[rest.argmin(axis=1), j]
            ordered = readings[j] not in ("category", "boolean")
            out[start : start + size, j] = _right(own[start : start + size, j], guess, ordered)
    return out


def _right(truth: Floats, guess: Floats, ordered: bool) -> np.ndarray:
    near = _TOLERANCE * np.abs(truth) if ordered else 0.0
    right = (np.abs(guess - truth) <= near).astype(np.int8)
    return np.where(np.isnan(truth), np.int8(-1), right)
