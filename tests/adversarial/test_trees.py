"""The tree critic's arrays against scikit-learn's own predictions, and its sampling weights."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from synthgen.adversarial.trees import TreeCritic, systematic

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(4000, 3)).astype(np.float32)
SYNTHETIC = RNG.normal(size=(6000, 3)).astype(np.float32)
SYNTHETIC[:, 1] = 0.8 * SYNTHETIC[:, 0] + 0.6 * SYNTHETIC[:, 1]


def fitted() -> TreeCritic:
    learned, judging = (REAL[:3000], SYNTHETIC[:5000]), (REAL[3000:], SYNTHETIC[5000:])
    return TreeCritic.fit(learned, judging, np.random.default_rng(1))


def test_arrays_predict_what_scikit_learn_predicts() -> None:
    rows, label = np.concatenate([REAL, SYNTHETIC]), np.repeat([1, 0], [4000, 6000])
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(rows, label)
    logit = TreeCritic._of(model, 20).logit(rows)
    np.testing.assert_allclose(logit, model.decision_function(rows), atol=1e-4)


def test_weights_turn_synthetic_rows_into_real_ones() -> None:
    critic = fitted()
    weight = np.exp(critic.logit(SYNTHETIC))
    before = np.corrcoef(SYNTHETIC[:, 0], SYNTHETIC[:, 1])[0, 1]
    taken = SYNTHETIC[systematic(weight, 600, np.random.default_rng(2))]
    after = np.corrcoef(taken[:, 0], taken[:, 1])[0, 1]
    assert before > 0.75 and abs(after) < 0.5 * before


def test_equal_tables_give_no_advice() -> None:
    learned, judging = (REAL[:1500], REAL[1500:3000]), (REAL[3000:3500], REAL[3500:])
    critic = TreeCritic.fit(learned, judging, np.random.default_rng(1))
    assert critic.logit(REAL).std() < 0.3


def test_it_learns_no_more_than_rows_that_judge_confirm() -> None:
    """Rows learned from differ in a way that others do not, as those a generator knows do."""
    rng = np.random.default_rng(3)
    known, unknown, drawn = rng.normal(size=(3, 3000, 3)).astype(np.float32)
    known[:, 2] = np.abs(known[:, 2])
    learned = TreeCritic.fit((known, drawn[:2000]), (known, drawn[2000:]), rng)
    judged = TreeCritic.fit((known, drawn[:2000]), (unknown, drawn[2000:]), rng)
    assert learned.logit(unknown).std() > 1 and judged.logit(unknown).std() < 0.3


def test_arrays_come_back() -> None:
    critic = fitted()
    again = TreeCritic.from_arrays(critic.to_arrays(), 3)
    np.testing.assert_array_equal(critic.logit(REAL), again.logit(REAL))


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("feature", np.int32(3)),
        ("left", np.int32(-1)),
        ("right", np.int32(10**6)),
        ("value", np.float32("nan")),
    ],
)
def test_arrays_that_point_elsewhere_are_refused(name: str, bad: np.generic) -> None:
    arrays = fitted().to_arrays()
    arrays[name] = arrays[name].copy()
    arrays[name][0] = bad
    with pytest.raises(ValueError, match="tree critic"):
        TreeCritic.from_arrays(arrays, 3)


def test_systematic_sampling_is_proportional_and_without_repetition() -> None:
    weight = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 40.0])
    found = np.zeros(6)
    for seed in range(4000):
        taken = systematic(weight, 3, np.random.default_rng(seed))
        assert len(np.unique(taken)) == 3
        found[taken] += 1 / 4000
    # the heaviest is always in, the others share the two places left by their weights
    np.testing.assert_allclose(found, [0, 0.2, 0.4, 0.6, 0.8, 1.0], atol=0.03)


def test_all_rows_can_be_taken() -> None:
    taken = systematic(np.array([1.0, 5.0, 0.1]), 3, np.random.default_rng(0))
    assert sorted(taken) == [0, 1, 2]
