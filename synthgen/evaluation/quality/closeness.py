"""How near synthetic rows lie to real ones: near enough to look real, not so near as to be copies.

Alpha-precision, beta-recall and authenticity are those of Alaa et al., "How Faithful is your
Synthetic Data?" (2022), sections 3 and 4, in their naive form: no learned hypersphere; the points
are those of `MixedEmbedding` and the centre is their mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.evaluation.auc import Z95
from synthgen.evaluation.features import Floats
from synthgen.evaluation.quality.align import row_hashes
from synthgen.evaluation.quality.embedding import Floats32, MixedEmbedding, neighbours
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult

MOST_QUERIES = 5_000
MOST_REFERENCE = 50_000
_ALPHAS = np.linspace(0.0, 1.0, 30)
# Distances are computed as |x|^2 - 2xy + |y|^2; what cancels to this is the same point.
_SAME = 1e-4

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Closeness:
    """Distances of synthetic rows to real rows, in five figures.

    Attributes:
        alpha_precision: 1 minus the mean gap between alpha and the share of synthetic points
            inside the ball that holds a share alpha of the real points, over the mean alpha.
        beta_recall: The same for beta and the share of real points that have a synthetic point
            nearer than their nearest other real point, this one inside the ball round the
            synthetic mean that holds a share beta of such. Of real rows about .5.
        authenticity: Share of synthetic points farther from their nearest real point than that
            one from its nearest other real point. Of real rows about .5; copies are not.
        dcr_share: Share of synthetic points nearer to train points than to as many holdout points;
            ties count half. Ideal .5; copies push it up.
        exact_copies: Share of synthetic rows equal to a real row in every cell; the baseline is
            that of holdout rows.
        singletons: Share of the values held by exactly one real row that appear in the synthetic
            table, over all columns.
    """

    alpha_precision: MetricResult
    beta_recall: MetricResult
    authenticity: MetricResult
    dcr_share: MetricResult
    exact_copies: MetricResult
    singletons: MetricResult


def closeness(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    queries: int = MOST_QUERIES,
    seed: int = 0,
) -> Closeness:
    """Measure how near ``synthetic`` rows lie to ``real`` ones.

    Args:
        real: Real train rows.
        synthetic: Synthetic rows of the same columns.
        holdout: Real rows not trained on; their own figures become the baselines.
        queries: At most so many rows of a table are measured, against at most 50,000 others.
        seed: Of the thinning.

    Raises:
        InvalidInputError: If the columns differ.
    """
    embedding = MixedEmbedding.of(real)
    size = min(fair_size(synthetic, holdout, queries), len(real))
    points = {
        "real": embedding.points(thin(real, MOST_REFERENCE, seed)),
        "synthetic": embedding.points(thin(synthetic, size, seed + 1)),
    }
    if holdout is not None:
        points["holdout"] = embedding.points(thin(holdout, size, seed + 2))
    note = thinned_reason(size, len(synthetic), "synthetic rows")
    sample = embedding.points(thin(real, size, seed + 3))
    alpha, beta = _precision_recall(sample, points["synthetic"])
    authentic, error = _authenticity(points["real"], points["synthetic"])
    held = points.get("holdout")
    base = (None, None) if held is None else _precision_recall(sample, held)
    base_authentic = None if held is None else _authenticity(points["real"], held)[0]
    return Closeness(
        MetricResult(alpha, "higher", size, "share", baseline=base[0], reason=note),
        MetricResult(beta, "higher", size, "share", baseline=base[1], reason=note),
        MetricResult(
            authentic, "higher", size, "share", _ci(authentic, error), base_authentic, note
        ),
        _dcr_share(embedding, real, points["synthetic"], holdout, seed, note),
        exact_copies(real, synthetic, holdout=holdout),
        singletons(real, synthetic, holdout=holdout, seed=seed),
    )


def exact_copies(
    real: pd.DataFrame, synthetic: pd.DataFrame, *, holdout: pd.DataFrame | None = None
) -> MetricResult:
    """Share of synthetic rows that are a real row in every cell, over all rows."""
    known = row_hashes(real)
    copied = np.isin(row_hashes(synthetic), known)
    baseline = None if holdout is None else float(np.isin(row_hashes(holdout), known).mean())
    value = float(copied.mean())
    ci = _ci(value, float(copied.std() / np.sqrt(len(copied))))
    return MetricResult(value, "lower", len(synthetic), "share", ci, baseline)


def singletons(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
) -> MetricResult:
    """Share of the cell values of exactly one real row that the synthetic table holds too.

    Synthetic and holdout table are thinned to the same size.
    """
    size = fair_size(synthetic, holdout)
    tables = [thin(table, size, seed) for table in (synthetic, holdout) if table is not None]
    single, emitted = 0, [0] * len(tables)
    for name in real.columns:
        counts = real[name].value_counts()
        values = counts.index[counts == 1]
        single += len(values)
        for index, table in enumerate(tables):
            emitted[index] += int(values.isin(table[name].dropna().unique()).sum())
    if not single:
        reason = "no column of the real table has a value held by one row only"
        return MetricResult(None, "lower", size, "share", reason=reason)
    value = emitted[0] / single
    ci = _ci(value, float(np.sqrt(value * (1 - value) / single)))
    baseline = None if holdout is None else emitted[1] / single
    note = thinned_reason(size, len(synthetic), "synthetic rows")
    return MetricResult(value, "lower", size, "share", ci, baseline, note)


def _precision_recall(real: Floats32, synthetic: Floats32) -> tuple[float, float]:
    """Alpha-precision and beta-recall, integrated over the share."""
    radii = np.quantile(_radius(real, real), _ALPHAS)
    inside = (_radius(synthetic, real)[:, None] <= radii[None, :]).mean(axis=0)
    own, _ = _nearest(real, real, itself=True)
    distance, nearest = _nearest(real, synthetic)
    covered = distance <= own + _SAME
    from_centre = _radius(synthetic, synthetic)[nearest]
    radii = np.quantile(from_centre, _ALPHAS)
    recalled = (covered[:, None] & (from_centre[:, None] <= radii[None, :])).mean(axis=0)
    return _integrated(inside), _integrated(recalled)


def _integrated(shares: Floats) -> float:
    return 1.0 - float(np.abs(_ALPHAS - shares).sum() / _ALPHAS.sum())


def _radius(points: Floats32, around: Floats32) -> Floats:
    centre = around.mean(axis=0, dtype=np.float64)
    return np.asarray(np.linalg.norm(points - centre, axis=1))


def _authenticity(real: Floats32, synthetic: Floats32) -> tuple[float, float]:
    """The share, and its standard error."""
    distance, nearest = _nearest(synthetic, real)
    seen, inverse = np.unique(nearest, return_inverse=True)
    own, _ = _nearest(real[seen], real, itself=True)
    authentic = distance > own[inverse] + _SAME
    return float(authentic.mean()), float(authentic.std() / np.sqrt(len(authentic)))


def _dcr_share(
    embedding: MixedEmbedding,
    real: pd.DataFrame,
    synthetic: Floats32,
    holdout: pd.DataFrame | None,
    seed: int,
    note: str | None,
) -> MetricResult:
    n = len(synthetic)
    if holdout is None:
        return MetricResult(None, "lower", n, "share", reason="no holdout table was given")
    size = min(len(real), len(holdout), MOST_REFERENCE)
    train, test = (
        _nearest(synthetic, embedding.points(thin(table, size, seed + 4)))[0]
        for table in (real, holdout)
    )
    won = np.where(np.abs(train - test) <= _SAME, 0.5, (train < test).astype(np.float64))
    value, error = float(won.mean()), float(won.std() / np.sqrt(n))
    return MetricResult(value, "lower", n, "share", _ci(value, error), 0.5, note)


def _nearest(
    queries: Floats32, points: Floats32, itself: bool = False
) -> tuple[Floats, npt.NDArray[np.int_]]:
    """Distance to, and index of, the nearest point; ``itself``: queries are among the points.

    Shape:
        (n_queries,) each
    """
    if itself and len(points) < 2:
        return np.full(len(queries), np.inf), np.zeros(len(queries), dtype=np.int_)
    # A query that is among the points finds itself first, or a twin as near as itself.
    distance, index = neighbours(queries, points, 2 if itself else 1)
    return distance[:, -1], index[:, -1]


def _ci(value: float, error: float) -> tuple[float, float]:
    return max(0.0, value - Z95 * error), min(1.0, value + Z95 * error)
