"""Numbers that never repeat, over all parts of a table."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen.forms.keys import Place


@settings(max_examples=200, deadline=None)
@given(
    total=st.integers(1, 3000),
    spare=st.integers(0, 10**6) | st.integers(2**60, 2**70),
    key=st.integers(0, 2**62),
    cut=st.integers(0, 3000),
)
def test_parts_of_a_table_share_no_number(total: int, spare: int, key: int, cut: int) -> None:
    cut, room = min(cut, total), total + spare
    parts = [
        Place(0, total, key).distinct(cut, room),
        Place(cut, total, key).distinct(total - cut, room),
    ]
    numbers = np.concatenate(parts)
    assert len(np.unique(numbers)) == total
    assert numbers.min() >= 0 and int(numbers.max()) < room


def test_a_billion_rows_do_not_overflow() -> None:
    total = 10**9
    for room in (total, 7 * total, 10**18):
        last = Place(total - 1000, total, 5).distinct(1000, room)
        assert len(np.unique(last)) == 1000 and last.min() >= 0 and last.max() < room
