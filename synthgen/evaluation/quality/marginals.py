"""How well the frequencies of single columns, pairs and triples of columns are kept."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from synthgen.evaluation.quality.binning import Binning, Ints, total_variation
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult

MOST_ROWS = 50_000
MOST_MARGINALS = 500


@dataclass(frozen=True)
class Marginals:
    """1 minus the total variation distance at ten quantile bins of the real table, as means.

    Attributes:
        one_way: Over columns.
        two_way: Over pairs of columns.
        three_way: Over triples of columns; at most 500 of them, drawn at random.
        broken: Total variation distance of every measured pair beyond the larger one of its two
            columns: dependence that was lost or made up, not columns that are off.
    """

    one_way: MetricResult
    two_way: MetricResult
    three_way: MetricResult
    broken: dict[tuple[str, str], float]


def marginals(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
) -> Marginals:
    """Compare one-, two- and three-way frequencies (McKenna et al. 2021 use the same kind).

    Synthetic and holdout table are thinned to the same size, at most 50,000 rows: finite tables
    differ by chance, more so in three columns than in one.

    Raises:
        InvalidInputError: If the columns differ.
    """
    size = fair_size(synthetic, holdout, MOST_ROWS)
    binning = Binning.of(real)
    known = binning.codes(thin(real, MOST_ROWS, seed))
    found = binning.codes(thin(synthetic, size, seed + 1))
    held = None if holdout is None else binning.codes(thin(holdout, size, seed + 2))
    note = thinned_reason(size, len(synthetic), "synthetic rows")
    names = [str(column.name) for column in binning.features.columns]
    results, distances = [], []
    for ways in (1, 2, 3):
        chosen = _chosen(len(names), ways, seed)
        gaps = [_distance(known, found, binning.sizes, columns) for columns in chosen]
        base = (
            None
            if held is None
            else [_distance(known, held, binning.sizes, columns) for columns in chosen]
        )
        distances.append(dict(zip(chosen, gaps, strict=True)))
        results.append(_mean(gaps, base, size, ways, note))
    single, pairs = distances[0], distances[1]
    broken = {
        (names[a], names[b]): max(0.0, gap - max(single[(a,)], single[(b,)]))
        for (a, b), gap in pairs.items()
        if (a,) in single and (b,) in single
    }
    return Marginals(results[0], results[1], results[2], broken)


def _mean(
    gaps: list[float], base: list[float] | None, size: int, ways: int, note: str | None
) -> MetricResult:
    if not gaps:
        reason = f"the tables have fewer than {ways} columns"
        return MetricResult(None, "higher", size, "1 - total variation", reason=reason)
    baseline = None if base is None else 1 - float(np.mean(base))
    return MetricResult(
        1 - float(np.mean(gaps)), "higher", size, "1 - total variation", None, baseline, note
    )


def _chosen(columns: int, ways: int, seed: int) -> list[tuple[int, ...]]:
    """All sets of columns, or some of them at random without listing the rest."""
    total = 1
    for step in range(ways):
        total = total * (columns - step) // (step + 1)
    if total <= MOST_MARGINALS:
        return list(combinations(range(columns), ways))
    if ways == 1:
        return [(column,) for column in range(columns)]
    rng = np.random.default_rng(seed)
    most = MOST_MARGINALS if ways == 3 else 4 * MOST_MARGINALS
    drawn: set[tuple[int, ...]] = set()
    while len(drawn) < min(most, total):
        drawn.add(tuple(sorted(int(c) for c in rng.choice(columns, ways, replace=False))))
    return sorted(drawn)


def _distance(one: Ints, other: Ints, sizes: tuple[int, ...], columns: tuple[int, ...]) -> float:
    left, right, cells = one[:, columns[0]], other[:, columns[0]], sizes[columns[0]]
    for column in columns[1:]:
        left = left * sizes[column] + one[:, column]
        right = right * sizes[column] + other[:, column]
        cells *= sizes[column]
    return total_variation(left, right, cells)
