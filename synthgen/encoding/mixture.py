"""Variational Gaussian mixtures in one dimension, fitted for all columns at once.

Each column is given as weighted points (a compressed histogram), so the cost depends on the
number of columns, points and components, not on the number of rows.

Update equations: Bishop, *Pattern Recognition and Machine Learning* (2006), section 10.2, for the
one-dimensional Gaussian with a normal-gamma prior; used as "mode-specific normalization" by Xu et
al., *Modeling Tabular Data using Conditional GAN* (2019), section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma

from synthgen.encoding.quantiles import MIN_ROWS

_CHUNK = 4_000_000
_WEIGHT_PRIOR = 1e-3
_MEAN_STRENGTH = 1e-3
_MIN_SCALE = 1e-4
_KMEANS_ITERATIONS = 20


@dataclass(frozen=True)
class Mixture:
    """A Gaussian mixture of one column.

    Shape:
        weight, mean, std: (n_components,) float64.
    """

    weight: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Log density of each component times its weight: (n,) -> (n, n_components)."""
        z = (x[:, None] - self.mean) / self.std
        return np.asarray(np.log(self.weight) - np.log(self.std) - 0.5 * z * z - 0.9189385332046727)

    def responsibilities(self, x: np.ndarray) -> np.ndarray:
        """Posterior probability of each component: (n,) -> (n, n_components)."""
        log = self.log_density(x)
        p = np.exp(log - log.max(axis=1, keepdims=True))
        return np.asarray(p / p.sum(axis=1, keepdims=True))


def fit_mixtures(
    points: list[tuple[np.ndarray, np.ndarray]],
    n_components: int = 10,
    *,
    max_iterations: int = 200,
    tolerance: float = 3e-5,
    min_weight: float = 1e-3,
) -> list[Mixture]:
    """Fit one mixture to each column of weighted ``points`` (value, weight), both (n_points,).

    Components lighter than ``min_weight``, or than `MIN_ROWS` rows, are dropped: a mode must not
    tell of a few rows. Columns are handled together, in chunks
    that bound memory.
    """
    width = max((len(value) for value, _ in points), default=1)
    step = max(1, _CHUNK // (width * n_components))
    fitted: list[Mixture] = []
    for start in range(0, len(points), step):
        fitted += _fit_chunk(
            points[start : start + step], n_components, max_iterations, tolerance, min_weight
        )
    return fitted


def histogram(
    value: np.ndarray, weight: np.ndarray, max_points: int = 600
) -> tuple[np.ndarray, np.ndarray]:
    """Compress sorted weighted values to at most ``2 * max_points`` means of neighbours.

    Half of the bins hold equal weight and half are of equal width, so that neither dense nor
    sparse regions are blurred.
    """
    if len(value) <= max_points:
        return value, weight.astype(np.float64)
    by_weight = np.minimum(
        (np.cumsum(weight) - weight) * max_points // max(weight.sum(), 1), max_points - 1
    )
    span = value[-1] - value[0]
    by_width = np.minimum((value - value[0]) / span * max_points, max_points - 1).astype(np.int64)
    first = np.flatnonzero(
        np.r_[True, (by_weight[1:] != by_weight[:-1]) | (by_width[1:] != by_width[:-1])]
    )
    total = np.add.reduceat(weight, first).astype(np.float64)
    return np.add.reduceat(value * weight, first) / total, total


def _fit_chunk(
    points: list[tuple[np.ndarray, np.ndarray]],
    n_components: int,
    max_iterations: int,
    tolerance: float,
    min_weight: float,
) -> list[Mixture]:
    x, w, centre, scale = _standardize(points)
    posterior = _iterate(x, w, n_components, max_iterations, tolerance)
    weight = posterior.alpha / posterior.alpha.sum(axis=1, keepdims=True)
    mean = posterior.mean * scale[:, None] + centre[:, None]
    std = np.sqrt(posterior.b / posterior.a) * scale[:, None]
    lightest = np.maximum(min_weight, MIN_ROWS / w.sum(axis=1).clip(1))
    return [_pruned(weight[c], mean[c], std[c], lightest[c]) for c in range(len(points))]


@dataclass
class _Posterior:
    """Dirichlet weights ``alpha``; normal-gamma ``mean``, ``beta``, ``a``, ``b``: all (C, K)."""

    alpha: np.ndarray
    mean: np.ndarray
    beta: np.ndarray
    a: np.ndarray
    b: np.ndarray


def _iterate(
    x: np.ndarray, w: np.ndarray, n_components: int, max_iterations: int, tolerance: float
) -> _Posterior:
    """Alternate both steps; a column leaves as soon as its own bound has settled."""
    responsibility = _nearest(x, _initial_means(x, w, n_components))
    result = _Posterior(*np.ones((5, len(x), n_components)))
    active, previous = np.arange(len(x)), np.full(len(x), -np.inf)
    for _ in range(max_iterations):
        posterior = _posterior(x, w, responsibility)
        for name, values in vars(posterior).items():
            getattr(result, name)[active] = values
        responsibility, bound = _responsibility(x, w, posterior)
        moving = np.abs(bound - previous) >= tolerance
        if not moving.any():
            break
        if not moving.all():
            x, w, responsibility = x[moving], w[moving], responsibility[moving]
            active, bound = active[moving], bound[moving]
        previous = bound
    return result


def _posterior(x: np.ndarray, w: np.ndarray, responsibility: np.ndarray) -> _Posterior:
    """M step: sufficient statistics, then the variational posteriors (Bishop 10.58-10.63)."""
    rw = responsibility * w[:, :, None]
    n_k = rw.sum(axis=1) + 1e-10
    x_bar = np.einsum("cbk,cb->ck", rw, x) / n_k
    square = np.einsum("cbk,cb->ck", rw, x * x) / n_k
    variance = np.maximum(square - x_bar**2, 0.0)
    beta = _MEAN_STRENGTH + n_k
    spread = n_k * variance + _MEAN_STRENGTH * n_k / beta * x_bar**2
    return _Posterior(
        alpha=_WEIGHT_PRIOR + n_k,
        mean=n_k * x_bar / beta,
        beta=beta,
        a=1.0 + n_k / 2,
        b=_MIN_SCALE**2 + 0.5 * spread,
    )


def _responsibility(
    x: np.ndarray, w: np.ndarray, posterior: _Posterior
) -> tuple[np.ndarray, np.ndarray]:
    """E step: (C, B, K) shares of each point, and the mean log evidence (C,) (Bishop 10.46)."""
    alpha, a, b = posterior.alpha, posterior.a, posterior.b
    log_weight = digamma(alpha) - digamma(alpha.sum(axis=1, keepdims=True))
    log_precision = digamma(a) - np.log(b)
    distance = (x[:, :, None] - posterior.mean[:, None]) ** 2 * (a / b)[:, None]
    distance += 1 / posterior.beta[:, None]
    log = (log_weight + 0.5 * log_precision)[:, None] - 0.5 * distance
    top = log.max(axis=2, keepdims=True)
    responsibility = np.exp(log - top)
    total = responsibility.sum(axis=2, keepdims=True)
    responsibility /= total
    evidence = ((np.log(total) + top)[:, :, 0] * w).sum(axis=1) / w.sum(axis=1).clip(1e-10)
    return responsibility, evidence


def _standardize(
    points: list[tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pad to (n_columns, n_points) and scale every column to mean 0 and deviation 1."""
    width = max(len(value) for value, _ in points)
    x, w = np.zeros((2, len(points), max(width, 1)))
    for c, (value, weight) in enumerate(points):
        x[c, : len(value)], w[c, : len(value)] = value, weight
    total = w.sum(axis=1).clip(1e-10)
    centre = (x * w).sum(axis=1) / total
    scale = np.sqrt(((x - centre[:, None]) ** 2 * w).sum(axis=1) / total)
    scale = np.where(scale > 0, scale, 1.0)
    return np.where(w > 0, (x - centre[:, None]) / scale[:, None], 0.0), w, centre, scale


def _initial_means(x: np.ndarray, w: np.ndarray, n_components: int) -> np.ndarray:
    """Weighted k-means in one dimension, started at quantiles of the values: (C, B) -> (C, K)."""
    order = np.argsort(np.where(w > 0, x, np.inf), axis=1, kind="stable")
    x, w = np.take_along_axis(x, order, 1), np.take_along_axis(w, order, 1)
    total = w.sum(axis=1, keepdims=True).clip(1e-10)
    middle = (np.cumsum(w, axis=1) - w / 2) / total
    level = (np.arange(n_components) + 0.5) / n_components
    means = np.stack([np.interp(level, m, v) for m, v in zip(middle, x, strict=True)])
    for _ in range(_KMEANS_ITERATIONS):
        near = _nearest(x, means) * w[:, :, None]
        held = near.sum(axis=1)
        centres = np.einsum("cbk,cb->ck", near, x) / held.clip(1e-10)
        means = np.where(held > 0, centres, means)
    return np.sort(means, axis=1)


def _nearest(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """One-hot assignment of points to the nearest mean: (C, B), (C, K) -> (C, B, K)."""
    nearest = np.abs(x[:, :, None] - mean[:, None]).argmin(axis=2)
    return np.asarray(nearest[:, :, None] == np.arange(mean.shape[1]), np.float64)


def _pruned(weight: np.ndarray, mean: np.ndarray, std: np.ndarray, min_weight: float) -> Mixture:
    keep = weight >= min(min_weight, weight.max())
    order = np.flatnonzero(keep)[np.argsort(mean[keep], kind="stable")]
    return Mixture(weight[order] / weight[order].sum(), mean[order], std[order])
