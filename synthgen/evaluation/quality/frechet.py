"""Frechet distance and diversity of tables: what FID and Inception Score are to pictures.

The embedding is fixed by the real table and learns nothing from synthetic rows: numbers as normal
scores of their quantile, categories as indicators, projected onto the leading principal axes of the
real table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from synthgen.evaluation.features import Floats
from synthgen.evaluation.quality.embedding import MixedEmbedding
from synthgen.evaluation.quality.thinning import fair_size, thin, thinned_reason
from synthgen.evaluation.result import MetricResult

MOST_ROWS = 50_000
_AXES = 32
_CLUSTERS = 30
_EDGE = 1e-4


@dataclass(frozen=True)
class Frechet:
    """Attributes are figures of one size of table.

    Attributes:
        distance: Squared Frechet distance of the normal distributions fitted to both tables'
            points (Heusel et al. 2017, equation 6); 0 for equal means and covariances.
        diversity: exp of the mean divergence between a row's cluster probabilities and their mean
            (Salimans et al. 2016, section 4), over clusters of the real table: 1 when all rows
            are alike, and at most the number of clusters.
    """

    distance: MetricResult
    diversity: MetricResult


@dataclass(frozen=True)
class PrincipalAxes:
    """A linear map onto the axes along which a real table varies most."""

    embedding: MixedEmbedding
    mean: Floats
    axes: Floats

    @classmethod
    def of(cls, real: pd.DataFrame) -> PrincipalAxes:
        """Learn the axes of ``real``."""
        embedding = MixedEmbedding.of(real)
        points = _normal_scores(embedding, real)
        mean = points.mean(axis=0)
        covariance = np.cov(points, rowvar=False).reshape(len(mean), len(mean))
        variances, vectors = np.linalg.eigh(covariance)
        kept = np.argsort(-variances)[: min(_AXES, int((variances > 1e-12).sum()))]
        return cls(embedding, mean, vectors[:, kept])

    def points(self, table: pd.DataFrame) -> Floats:
        """Rows as points.

        Shape:
            (n_rows, n_axes)
        """
        return (_normal_scores(self.embedding, table) - self.mean) @ self.axes


def frechet(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    holdout: pd.DataFrame | None = None,
    seed: int = 0,
) -> Frechet:
    """Frechet distance and diversity of ``synthetic``, those of ``holdout`` beside them.

    Synthetic and holdout table are thinned to the same size, at most 50,000: the distance of finite
    tables is never quite 0 and falls as they grow.

    Raises:
        InvalidInputError: If the columns differ.
    """
    size = fair_size(synthetic, holdout, MOST_ROWS)
    if min(size, len(real)) < 2:
        few = MetricResult(None, "lower", size, reason="a covariance needs two rows of each table")
        return Frechet(few, few)
    real = thin(real, MOST_ROWS, seed)
    axes = PrincipalAxes.of(real)
    clusters = _Clusters.of(axes.points(real), seed)
    known = axes.points(real)
    found = axes.points(thin(synthetic, size, seed + 1))
    held = None if holdout is None else axes.points(thin(holdout, size, seed + 2))
    note = thinned_reason(size, len(synthetic), "synthetic rows")
    base = None if held is None else frechet_distance(known, held)
    distance = MetricResult(
        frechet_distance(known, found), "lower", size, "squared distance", None, base, note
    )
    like = clusters.diversity(known if held is None else held)
    diversity = MetricResult(
        clusters.diversity(found), "higher", size, "effective clusters", None, like, note
    )
    return Frechet(distance, diversity)


def frechet_distance(one: Floats, other: Floats) -> float:
    """``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`` of two sets of points.

    Shape:
        one, other: (n_points, n_dimensions)
    """
    gap = one.mean(axis=0) - other.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(points, rowvar=False)) for points in (one, other))
    # (S1 S2)^(1/2) has the trace of (R S2 R)^(1/2) with R the root of S1, which is symmetric.
    variances, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(variances, 0))) @ vectors.T
    mixed = np.linalg.eigvalsh(root @ second @ root)
    trace = float(np.trace(first) + np.trace(second) - 2 * np.sqrt(np.maximum(mixed, 0)).sum())
    return max(0.0, float(gap @ gap) + trace)


@dataclass(frozen=True)
class _Clusters:
    """Centres in the real table, and twice the variance per axis round them.

    Cluster probabilities are those of a mixture of normals of this variance, equal in weight.
    """

    centres: Floats
    spread: float

    @classmethod
    def of(cls, points: Floats, seed: int) -> _Clusters:
        from sklearn.cluster import MiniBatchKMeans

        count = min(_CLUSTERS, len(np.unique(points.round(9), axis=0)))
        model = MiniBatchKMeans(count, random_state=seed, n_init=3, batch_size=4096).fit(points)
        return cls(model.cluster_centers_, max(1e-12, 2 * model.inertia_ / points.size))

    def diversity(self, points: Floats) -> float:
        """Inception Score with cluster probabilities in place of a classifier's."""
        squares = (
            (points**2).sum(axis=1)[:, None]
            - 2 * points @ self.centres.T
            + (self.centres**2).sum(axis=1)[None, :]
        )
        return inception_score(-squares / self.spread)


def inception_score(logits: Floats) -> float:
    """``exp(mean_x KL(p(y|x) || p(y)))`` of class logits.

    Shape:
        logits: (n_rows, n_classes)
    """
    logits = logits - logits.max(axis=1, keepdims=True)
    chance = np.exp(logits)
    chance /= chance.sum(axis=1, keepdims=True)
    mean = chance.mean(axis=0)
    tiny = np.finfo(np.float64).tiny
    divergence = chance * (np.log(np.maximum(chance, tiny)) - np.log(np.maximum(mean, tiny)))
    return float(np.exp(divergence.sum(axis=1).mean()))


def _normal_scores(embedding: MixedEmbedding, table: pd.DataFrame) -> Floats:
    """Points of the mixed embedding with places of numbers as normal scores."""
    points = embedding.points(table).astype(np.float64)
    start = 0
    for scale, kept in zip(embedding.scales, embedding.kept, strict=True):
        if scale is not None:
            points[:, start] = ndtri(np.clip(points[:, start], _EDGE, 1 - _EDGE))
        start += 2 if kept is None else len(kept) + 2
    return points
