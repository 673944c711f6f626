from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import sqrtm

from synthgen.evaluation.quality.frechet import frechet, frechet_distance, inception_score

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_distance_against_a_matrix_root() -> None:
    rng = np.random.default_rng(0)
    one = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4))
    other = rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)) + 1
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    gap = one.mean(axis=0) - other.mean(axis=0)
    expected = gap @ gap + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-9)


def test_distance_of_one_axis_by_hand() -> None:
    # Normals of one axis: (m1 - m2)^2 + (s1 - s2)^2.
    one = np.array([[0.0], [2.0]]) / np.sqrt(2)
    assert frechet_distance(one, 3 * one + 5) == pytest.approx((2 * np.sqrt(0.5) + 5) ** 2 + 4)


def test_inception_score_by_hand() -> None:
    sure = np.log(np.array([[1, 1e-300], [1e-300, 1]]))
    assert inception_score(sure) == pytest.approx(2)
    assert inception_score(np.zeros((5, 3))) == pytest.approx(1)
    chance = np.array([[0.8, 0.2], [0.4, 0.6]])
    mean = chance.mean(axis=0)
    expected = np.exp((chance * np.log(chance / mean)).sum(axis=1).mean())
    assert inception_score(np.log(chance)) == pytest.approx(expected)


def test_independent_columns_are_far_and_test_rows_near(parts: Adult) -> None:
    train, test = parts
    rng = np.random.default_rng(0)
    loose = pd.DataFrame({name: rng.permutation(train[name]) for name in train.columns})
    far = frechet(train, loose, holdout=test)
    assert far.distance.baseline is not None and far.distance.value is not None
    assert far.distance.value > 5 * far.distance.baseline
    assert far.distance.n == len(test)


def test_one_row_repeated_has_no_diversity(parts: Adult) -> None:
    train, _ = parts
    found = frechet(train, pd.concat([train.head(1)] * 200)).diversity
    assert found.value == pytest.approx(1)
    assert found.baseline is not None and found.baseline > 3
