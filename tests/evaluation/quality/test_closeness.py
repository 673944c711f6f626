from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality.closeness import closeness, exact_copies, singletons
from synthgen.evaluation.quality.embedding import MixedEmbedding, QuantileScale

Adult = tuple[pd.DataFrame, pd.DataFrame]


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return np.sqrt(((one[:, None].astype(float) - other[None].astype(float)) ** 2).sum(axis=2))


def test_places_by_hand() -> None:
    scale = QuantileScale.of(np.array([1.0, 1.0, 2.0, 4.0, np.nan]))
    found = scale.place(np.array([1, 2, 3, 4, np.nan]))
    assert found[:4] == pytest.approx([0.25, 0.625, 0.75, 0.875])
    assert np.isnan(found[4])
    outside = scale.place(np.array([-9.0, 0.9, 4.1, 99.0]))
    assert 0 <= outside[0] < outside[1] < 0.25 and 0.875 < outside[2] < outside[3] <= 1


def test_points_by_hand() -> None:
    real = pd.DataFrame({"c": ["a", "b", None], "n": [1.0, 3.0, None]})
    rows = MixedEmbedding.of(real).points(real)
    gaps = distances(rows, rows)
    # Other category: 1. Places .25 and .75: .5. Missing against known: 1 each, and .25 of place.
    assert gaps[0, 1] == pytest.approx(np.sqrt(1 + 0.25))
    assert gaps[0, 2] == pytest.approx(np.sqrt(1 + 1 + 0.0625))


def test_against_brute_force(parts: Adult) -> None:
    train, test = parts
    real, made, held = train.head(400), train.iloc[400:800], test.head(400)
    found = closeness(real, made, holdout=held)
    embedding = MixedEmbedding.of(real)
    r, s, h = (embedding.points(t) for t in (real, made, held))
    own = distances(r, r) + np.diag(np.full(400, np.inf))
    across = distances(s, r)
    nearest = across.argmin(axis=1)
    authentic = across.min(axis=1) > own.min(axis=1)[nearest] + 1e-4
    assert found.authenticity.value == pytest.approx(authentic.mean(), abs=0.006)
    held_gap = distances(s, h).min(axis=1)
    won = np.where(np.abs(across.min(axis=1) - held_gap) < 1e-4, 0.5, across.min(axis=1) < held_gap)
    assert found.dcr_share.value == pytest.approx(won.mean())
    alphas = np.linspace(0, 1, 30)
    from_real = np.linalg.norm(r - r.mean(axis=0), axis=1)
    made_radius = np.linalg.norm(s - r.mean(axis=0), axis=1)
    inside = [(made_radius <= np.quantile(from_real, a)).mean() for a in alphas]
    expected = 1 - np.abs(alphas - inside).sum() / alphas.sum()
    assert found.alpha_precision.value == pytest.approx(expected, abs=1e-3)
    covered = across.min(axis=0) <= own.min(axis=1) + 1e-4
    radius = np.linalg.norm(s - s.mean(axis=0), axis=1)[across.argmin(axis=0)]
    recall = [(covered & (radius <= np.quantile(radius, a))).mean() for a in alphas]
    expected = 1 - np.abs(alphas - recall).sum() / alphas.sum()
    assert found.beta_recall.value == pytest.approx(expected, abs=0.01)


def test_copies_are_flagged(parts: Adult) -> None:
    train, test = parts
    found = closeness(train, train.sample(frac=1, random_state=1), holdout=test, queries=500)
    assert found.authenticity.value == 0
    assert 0.3 < (found.authenticity.baseline or 0) < 0.7
    assert found.dcr_share.value is not None and found.dcr_share.value > 0.7
    assert found.exact_copies.value == 1 and (found.exact_copies.baseline or 0) < 0.01
    assert found.authenticity.reason is not None and "500" in found.authenticity.reason


def test_real_rows_are_neither_far_nor_copies(parts: Adult) -> None:
    train, test = parts
    found = closeness(train, test.head(700), holdout=test.tail(700))
    assert found.dcr_share.value == pytest.approx(0.5, abs=0.06)
    assert found.alpha_precision.value is not None and found.alpha_precision.value > 0.9
    assert found.beta_recall.value == pytest.approx(found.beta_recall.baseline, abs=0.1)


def test_copies_and_singletons_by_hand() -> None:
    real = pd.DataFrame({"n": [1, 2, 2, 3], "c": ["a", "a", "b", "b"]})
    made = pd.DataFrame({"n": [2.0, 3.0, 9.0], "c": ["a", "a", "b"]})
    held = pd.DataFrame({"n": [1, 3, 9], "c": ["b", "z", "z"]})
    assert exact_copies(real, made, holdout=held).value == pytest.approx(1 / 3)
    assert exact_copies(real, made, holdout=held).baseline == 0
    # 1 and 3 are held by one row each; made has 3, held has both.
    found = singletons(real, made, holdout=held)
    assert (found.value, found.baseline) == (0.5, 1)


def test_reasons() -> None:
    real = pd.DataFrame({"n": [1, 1, 2, 2]})
    assert singletons(real, real).value is None
    found = closeness(real, real)
    assert found.dcr_share.value is None and "holdout" in (found.dcr_share.reason or "")
