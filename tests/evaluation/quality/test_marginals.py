from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality.binning import Binning, total_variation
from synthgen.evaluation.quality.marginals import marginals

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_bins_by_hand() -> None:
    real = pd.DataFrame({"n": np.arange(100.0), "c": list("ab") * 50, "z": [0] * 98 + [5, 7]})
    binning = Binning.of(real)
    other = pd.DataFrame({"n": [-1, 9, 10, 500, None], "c": ["a", "b", "q", None, "a"], "z": 0})
    codes = binning.codes(other)
    assert codes[:, 0].tolist() == [0, 0, 1, 9, 11]
    assert codes[:, 1].tolist() == [0, 1, 2, 3, 0]
    assert set(binning.codes(real)[:, 2]) == {0, 1, 2}


def test_total_variation_by_hand() -> None:
    one, other = np.array([0, 0, 1, 1]), np.array([0, 5_000_000])
    assert total_variation(one, other, 5_000_001) == 0.5


def test_total_variation_of_few_and_many_cells_agree() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 40, 300), rng.integers(0, 40, 200)
    expected = 0.5 * sum(abs((one == k).mean() - (other == k).mean()) for k in range(40))
    assert total_variation(one, other, 40) == pytest.approx(expected)
    assert total_variation(one, other, 10**6) == pytest.approx(expected)


def test_against_cross_tables(parts: Adult) -> None:
    columns = ["sex", "race", "income"]
    real, made = (part.head(1000)[columns] for part in parts)
    found = marginals(real, made)
    for ways, result in ((1, found.one_way), (2, found.two_way), (3, found.three_way)):
        gaps = []
        for chosen in combinations(columns, ways):
            shares = [table.value_counts(list(chosen), normalize=True) for table in (real, made)]
            gaps.append(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2)
        assert result.value == pytest.approx(1 - np.mean(gaps))


def test_independent_columns_keep_one_way_only(parts: Adult) -> None:
    train, test = parts
    rng = np.random.default_rng(0)
    loose = pd.DataFrame({name: rng.permutation(train[name]) for name in train.columns})
    found = marginals(train, loose, holdout=test)
    assert found.one_way.value == pytest.approx(found.one_way.baseline, abs=0.02)
    assert (found.two_way.value or 0) < (found.two_way.baseline or 0) - 0.03
    worst = max(found.broken, key=lambda pair: found.broken[pair])
    assert worst == ("education", "education-num")


def test_one_column_has_no_pairs() -> None:
    table = pd.DataFrame({"a": range(100)})
    found = marginals(table, table)
    assert found.one_way.value == 1
    assert found.two_way.value is None and "fewer than 2" in (found.two_way.reason or "")


def test_many_columns_are_drawn_from() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.integers(0, 3, (60, 90)))
    found = marginals(table, table)
    assert found.three_way.value == 1 and len(found.broken) == 2000
