"""Mixtures of many columns at once, against known mixtures and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from sklearn.mixture import BayesianGaussianMixture

from synthgen.encoding.mixture import Mixture, fit_mixtures, histogram


def points(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value, count = np.unique(values, return_counts=True)
    return histogram(value, count)


def likelihood(mixture: Mixture, x: np.ndarray) -> float:
    return float(logsumexp(mixture.log_density(x), axis=1).mean())


def three_modes(rng: np.random.Generator, n: int) -> np.ndarray:
    mode = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return rng.normal(np.array([-4.0, 0.0, 6.0])[mode], np.array([0.5, 1.0, 0.3])[mode])


def test_finds_separated_modes() -> None:
    (mixture,) = fit_mixtures([points(three_modes(np.random.default_rng(0), 20_000))])
    for mean, std, weight in ((-4, 0.5, 0.5), (0, 1, 0.3), (6, 0.3, 0.2)):
        near = np.abs(mixture.mean - mean) < 3 * std
        assert mixture.weight[near].sum() == pytest.approx(weight, abs=0.02)
        assert np.average(mixture.mean[near], weights=mixture.weight[near]) == pytest.approx(
            mean, abs=0.1
        )


@pytest.mark.parametrize("shape", ["modes", "lognormal", "uniform", "heavy"])
def test_held_out_likelihood_is_that_of_scikit_learn(shape: str) -> None:
    rng = np.random.default_rng(1)
    draw = {
        "modes": lambda n: three_modes(rng, n),
        "lognormal": lambda n: rng.lognormal(sigma=0.8, size=n),
        "uniform": lambda n: rng.uniform(size=n) * 1e6,
        "heavy": lambda n: rng.standard_t(3, size=n),
    }[shape]
    train, test = draw(8000), draw(8000)
    (ours,) = fit_mixtures([points(train)])
    theirs = BayesianGaussianMixture(
        n_components=10, weight_concentration_prior=1e-3, max_iter=100, random_state=0
    ).fit(train[:, None])
    assert likelihood(ours, test) >= theirs.score(test[:, None]) - 0.01


def test_columns_do_not_disturb_each_other() -> None:
    rng = np.random.default_rng(2)
    columns = [points(three_modes(rng, 3000)), points(rng.exponential(size=500) * 1e9)]
    together = fit_mixtures(columns)
    for column, mixture in zip(columns, together, strict=True):
        (alone,) = fit_mixtures([column])
        x = column[0]
        assert likelihood(mixture, x) == pytest.approx(likelihood(alone, x), abs=0.02)


def test_no_mode_tells_of_fewer_than_five_rows() -> None:
    values = np.r_[np.random.default_rng(3).normal(size=95), 1e6, 2e6]
    (mixture,) = fit_mixtures([points(values)])
    assert not np.isin(mixture.mean, [1e6, 2e6]).any()


def test_one_distinct_value_and_two() -> None:
    one, two = fit_mixtures([points(np.full(100, 3.0)), points(np.repeat([0.0, 1.0], 50))])
    assert one.mean == pytest.approx([3.0], abs=1e-6)
    assert np.isfinite(two.mean).all() and (two.std > 0).all()


def test_histogram_keeps_weight_and_mean() -> None:
    values = np.sort(np.random.default_rng(4).lognormal(size=50_000))
    value, weight = histogram(values, np.ones(len(values)), 300)
    assert len(value) <= 600
    assert weight.sum() == len(values)
    assert np.average(value, weights=weight) == pytest.approx(values.mean())
