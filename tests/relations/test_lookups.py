"""Lookups, their protection, and what dtypes hold."""

from __future__ import annotations

import numpy as np
import pytest

from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.relations.lookups import UNKNOWN, lookup_codes, pair_counts
from synthgen.relations.numbers import fits
from synthgen.schema import Column


def test_pairs_that_few_rows_hold_are_not_stored() -> None:
    first = np.repeat([0, 1, 2, 3], [20, MIN_ROWS, MIN_ROWS - 1, 7])
    second = np.repeat([5, 6, 7, 8], [20, MIN_ROWS, MIN_ROWS - 1, 7])
    sure = np.ones(len(first), bool)
    sure[-3:] = False
    counts = pair_counts((first, sure), (second, np.ones(len(first), bool)))
    table = lookup_codes(counts, 5)
    assert table.tolist() == [5, 6, UNKNOWN, UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("dtype", "values", "held"),
    [
        ("uint8", [-1, 0, 255, 256], [False, True, True, False]),
        ("Int8", [-129, -128, 127, 128], [False, True, True, False]),
        ("int16[pyarrow]", [-32769, 32767], [False, True]),
        ("float32", [-1e9, 1e9], [True, True]),
        ("object", [-1, 10**12], [True, True]),
    ],
)
def test_what_a_dtype_holds(dtype: str, values: list[int], held: list[bool]) -> None:
    column = Column(name="a", kind="integer", dtype=dtype)
    assert fits(np.array(values), column).tolist() == held
