from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthgen.errors import InvalidInputError
from synthgen.evaluation.features import ColumnFeature, TableFeatures


def test_matrix_by_hand() -> None:
    real = pd.DataFrame(
        {
            "n": [3, 1, 2],
            "c": ["b", "a", None],
            "t": pd.to_datetime(["2020-01-02", "2020-01-01", None]),
            "d": pd.to_timedelta([60, None, 1], unit="s"),
            "o": pd.Categorical(["low", "high", "low"], ["low", "high"], ordered=True),
        }
    )
    other = pd.DataFrame(
        {
            "o": ["high", None, "middle"],
            "c": ["a", "z", "b"],
            "n": [1.5, np.nan, 2],
            "t": pd.to_datetime(["2019-12-31", None, "2020-01-01 00:00:00.5"], format="mixed"),
            "d": pd.to_timedelta([1, 2, None], unit="s"),
        }
    )
    features = TableFeatures.of(real)
    nan = np.nan
    np.testing.assert_array_equal(
        features.matrix(real),
        [[3, 1, 86400, 60, 0], [1, 0, 0, nan, 1], [2, nan, nan, 1, 0]],
    )
    np.testing.assert_array_equal(
        features.matrix(other),
        [[1.5, 0, -86400, 1, 1], [nan, -1, nan, 2, nan], [2, 1, 0.5, nan, -1]],
    )


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Series([True, None, False], dtype="boolean"), [1, np.nan, 0]),
        (pd.Series([True, None], dtype="bool[pyarrow]"), [1, np.nan]),
        (pd.Series([7, None], dtype="Int64"), [7, np.nan]),
        (
            pd.Series([Decimal("1.5"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
            [1.5, np.nan],
        ),
        (pd.Series([1, None], dtype="duration[s][pyarrow]"), [1, np.nan]),
        (pd.Series(["a", None], dtype="string[pyarrow]"), [0, np.nan]),
        (pd.Series(["a", None], dtype="string"), [0, np.nan]),
        (
            pd.Series(
                ["2020-01-01", None, "2020-01-02"], dtype="timestamp[us, Europe/Berlin][pyarrow]"
            ),
            [0, np.nan, 86400],
        ),
        (
            pd.Series(pd.to_datetime(["2020-03-28", "2020-03-30"])).dt.tz_localize("Europe/Berlin"),
            [0, 47 * 3600],
        ),
        (pd.Series(["2020-01-01", "2020-01-02"], dtype="date32[pyarrow]"), [0, 86400]),
    ],
    ids=lambda value: str(value.dtype) if isinstance(value, pd.Series) else "",
)
def test_every_dtype(column: pd.Series, expected: list[float]) -> None:
    feature = ColumnFeature.of(column.rename("x"))
    np.testing.assert_array_equal(feature.numbers(column), expected)
    # The same cells as plain objects: what a table from another source may hold.
    np.testing.assert_array_equal(feature.numbers(column.astype(object)), expected)


def test_a_number_is_not_its_text() -> None:
    feature = ColumnFeature.of(pd.Series(["1", "2"], name="x"))
    np.testing.assert_array_equal(feature.numbers(pd.Series([1, 2])), [-1, -1])


def test_missing_column_is_named() -> None:
    features = TableFeatures.of(pd.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(InvalidInputError, match="lacks the column 'b'"):
        features.matrix(pd.DataFrame({"a": [1]}))
