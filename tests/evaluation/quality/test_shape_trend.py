from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality import shape_trend

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_by_hand() -> None:
    real = pd.DataFrame({"c": ["a"] * 6 + ["b"] * 4, "n": range(10)})
    synthetic = pd.DataFrame({"c": ["a"] * 3 + ["b"] * 5 + [None] * 2, "n": range(3, 13)})
    found = shape_trend(real, synthetic)
    # Total variation of the cells that are not missing: (|6/10 - 3/8| + |4/10 - 5/8|) / 2;
    # Kolmogorov-Smirnov: three of ten values lie below all others.
    assert found.columns == {"c": pytest.approx(22.5), "n": pytest.approx(30)}
    assert found.shape.value == pytest.approx(26.25)
    assert found.shape.direction == "lower" and found.shape.n == 10


def test_the_same_table_has_no_error(parts: Adult) -> None:
    train, test = parts
    found = shape_trend(train, train.sample(frac=1, random_state=0), holdout=test)
    assert found.shape.value == pytest.approx(0, abs=1e-9)
    assert found.trend.value == pytest.approx(0, abs=1e-9)
    assert 0 < (found.shape.baseline or 0) < 5
    assert 0 < (found.trend.baseline or 0) < 10


def test_independent_columns_have_shape_but_no_trend(parts: Adult) -> None:
    train, _ = parts
    rng = np.random.default_rng(0)
    shuffled = pd.DataFrame({name: rng.permutation(train[name]) for name in train.columns})
    found = shape_trend(train, shuffled)
    assert found.shape.value == pytest.approx(0, abs=1e-9)
    assert (found.trend.value or 0) > 10
    assert ("relationship", "sex") in found.pairs or ("sex", "relationship") in found.pairs


def test_times_durations_booleans_and_number_names() -> None:
    start = pd.Timestamp("2020-01-01", tz="Europe/Berlin")
    real = pd.DataFrame(
        {
            0: [start + pd.Timedelta(days=day) for day in range(8)],
            "d": pd.to_timedelta(range(8), unit="h"),
            "b": pd.Series([True, False] * 4, dtype="boolean"),
        }
    )
    later = real.assign(**{"d": real["d"] + pd.Timedelta(hours=2)})
    later[0] = real[0] + pd.Timedelta(days=4)
    found = shape_trend(real, later)
    assert found.columns == {"0": pytest.approx(50), "d": pytest.approx(25), "b": pytest.approx(0)}


def test_no_associated_pair_has_a_reason() -> None:
    table = pd.DataFrame({"a": [0, 0, 1, 1] * 20, "b": [0, 1, 0, 1] * 20})
    found = shape_trend(table, table)
    assert found.trend.value is None
    assert found.trend.reason is not None and "associated" in found.trend.reason
