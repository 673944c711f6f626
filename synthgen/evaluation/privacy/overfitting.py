"""Distances of synthetic rows to train and to holdout rows: signs of overfitting, no evidence.

Train rows with most of their cells exchanged pass all three (see `power`), so no policy reads them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from synthgen.evaluation.auc import Z95
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.quality.embedding import neighbours
from synthgen.evaluation.result import MetricResult

_QUERIES = 5_000
_NOTE = "overfitting diagnostic: passing it is no evidence of privacy"
_SAME = 1e-4


def diagnostics(people: People) -> dict[str, MetricResult]:
    """``dcr_share``, ``nndr`` and ``identical_match_share``; ideal is what holdout rows have."""
    n = min(len(people.members), len(people.controls))
    train, other = people.points["members"][:n], people.points["controls"][:n]
    rows = people.points["synthetic"]
    rows = rows[people.rng("diagnostics").permutation(len(rows))[:_QUERIES]]
    near = {
        role: neighbours(rows, among, 2)[0]
        for role, among in (("train", train), ("holdout", other))
    }
    one, held = near["train"][:, 0], near["holdout"][:, 0]
    won = np.where(np.abs(one - held) <= _SAME, 0.5, one < held)
    ratio = {role: d[:, 0] / np.maximum(d[:, 1], _SAME) for role, d in near.items()}
    same = {role: (d[:, 0] <= _SAME).astype(float) for role, d in near.items()}
    return {
        "dcr_share": mean_of(won, 0.5),
        "nndr": mean_of(ratio["train"], float(ratio["holdout"].mean()), "higher"),
        "identical_match_share": mean_of(same["train"], float(same["holdout"].mean())),
    }


def mean_of(values: Any, baseline: float, direction: Any = "lower") -> MetricResult:
    """The mean of values (n,) from 0 to 1, as a diagnostic."""
    value = float(values.mean())
    wide = Z95 * float(values.std()) / np.sqrt(len(values))
    ci = (max(0.0, value - wide), min(1.0, value + wide))
    return MetricResult(value, direction, len(values), "share", ci, baseline, _NOTE)
