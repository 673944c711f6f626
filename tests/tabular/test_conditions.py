"""Training-by-sampling: what is drawn, and how often."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.tabular.conditions import FREE, RowIndex, TrainingSampler

RNG = np.random.default_rng(0)
CODES = np.stack([RNG.choice(3, 5000, p=[0.9, 0.09, 0.01]), RNG.integers(0, 2, 5000)], axis=1)
CODES = np.c_[CODES, np.zeros(5000)].astype(np.int32)
N_CODES = np.array([3, 2, 1])


def sampler(**changes: object) -> TrainingSampler:
    options: dict[str, object] = {"frequency": "log", "free_share": 0.0, "more_share": 0.0}
    return TrainingSampler(CODES, N_CODES, **(options | changes))  # type: ignore[arg-type]


def test_index_lists_the_rows_of_every_code() -> None:
    index = RowIndex.of(CODES, N_CODES)
    for j, n in enumerate(N_CODES):
        for code in range(n):
            rows = index.order[index.start[j][code] : index.start[j][code + 1], j]
            assert set(rows) == set(np.flatnonzero(CODES[:, j] == code))


@pytest.mark.parametrize("frequency", ["log", "true"])
@pytest.mark.parametrize("more", [0.0, 1.0])
def test_rows_meet_their_condition(frequency: str, more: float) -> None:
    condition, rows = sampler(frequency=frequency, more_share=more).draw(2000, RNG)
    given = condition != FREE
    assert given.any(axis=1).all()
    np.testing.assert_array_equal(condition[given], CODES[rows][given])


def test_log_frequencies_raise_rare_codes() -> None:
    condition, _ = sampler().draw(20_000, RNG)
    first = condition[condition[:, 0] != FREE, 0]
    counts = np.bincount(CODES[:, 0], minlength=3)
    expected = np.log1p(counts) / np.log1p(counts).sum()
    np.testing.assert_allclose(np.bincount(first) / len(first), expected, atol=0.02)


def test_true_frequencies_leave_them() -> None:
    condition, _ = sampler(frequency="true").draw(20_000, RNG)
    first = condition[condition[:, 0] != FREE, 0]
    expected = np.bincount(CODES[:, 0]) / len(CODES)
    np.testing.assert_allclose(np.bincount(first) / len(first), expected, atol=0.01)


def test_free_share_and_constant_columns() -> None:
    condition, _ = sampler(free_share=0.4).draw(10_000, RNG)
    assert (condition == FREE).all(axis=1).mean() == pytest.approx(0.4, abs=0.02)
    assert (condition[:, 2] == FREE).all(), "a column with one code is no condition"


def test_a_table_of_constants_has_no_conditions() -> None:
    constant = TrainingSampler(
        np.zeros((10, 2), np.int32),
        np.array([1, 1]),
        frequency="log",
        free_share=0.0,
        more_share=1.0,
    )
    condition, rows = constant.draw(5, RNG)
    assert (condition == FREE).all() and len(rows) == 5
