from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.errors import InvalidInputError
from synthgen.evaluation.quality.align import align, row_hashes


def kinds(tables: object) -> set[tuple[str, str, str | None]]:
    return {(note.kind, note.table, note.column) for note in tables.notes}  # type: ignore[attr-defined]


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns)


def test_order_and_labels_follow_the_real_table() -> None:
    real = table(a=range(60), b=["x", "y"] * 30)
    other = real[["b", "a"]].set_index(np.arange(60) + 7)
    found = align(real, other)
    pd.testing.assert_frame_equal(found.synthetic, real)
    assert kinds(found) == {("order", "synthetic", None)}


def test_numbers_written_as_text_are_read_as_numbers() -> None:
    real = table(a=range(60))
    found = align(real, table(a=["1", "2.5", "many"] * 20))
    assert found.synthetic["a"].head(2).tolist() == [1, 2.5]
    assert found.synthetic["a"].isna().sum() == 20
    (text,) = [note.text for note in found.notes if note.kind == "dtype"]
    assert "20 of its cells" in text and "category" in text and "'a'" not in text


def test_labels_read_as_numbers_are_labels_again() -> None:
    real = table(zip_code=["01", "2", "30"] * 20)
    found = align(real, table(zip_code=[2.0, 30.0, np.nan] * 20))
    assert found.synthetic["zip_code"].head(3).tolist() == ["2", "30", None]


def test_times_written_as_text() -> None:
    zone = pd.date_range("2020-01-01", periods=60, tz="Europe/Berlin")
    found = align(table(t=zone), table(t=[str(time) for time in zone]))
    assert (found.synthetic["t"] == zone).all()


def test_everything_odd_is_named() -> None:
    real = table(c=["a", "b"] * 30, k=1, e=[None] * 60, y=["yes"] * 60)
    made = table(c=["a", "z", "y", "z"] * 10, k=1, e=[None] * 40, y=["yes"] * 40)
    found = align(real, made, target="y")
    assert kinds(found) == {
        ("few_rows", "synthetic", None),
        ("constant", "real", "k"),
        ("empty", "real", "e"),
        ("constant_target", "real", "y"),
        ("unseen", "synthetic", "c"),
    }
    (unseen,) = [note.text for note in found.notes if note.kind == "unseen"]
    assert "2 values in 30 synthetic rows (75.00%)" in unseen and "'z', 'y'" in unseen


def test_no_shared_rows() -> None:
    real, made = table(a=range(60)), table(a=range(100, 160))
    assert ("no_shared_rows", "synthetic", None) in kinds(align(real, made))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (table(a=[1]), "lacks 'b'"),
        (table(a=[1], b=[1], c=[1]), "has in addition 'c'"),
        (table(a=[], b=[]), "empty"),
        (pd.DataFrame([[1, 2, 3]], columns=["a", "b", "b"]), "more than once"),
    ],
)
def test_tables_that_cannot_be_compared(made: pd.DataFrame, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        align(table(a=[1], b=[2]), made)


def test_no_such_target() -> None:
    with pytest.raises(InvalidInputError, match="no column 'c'"):
        align(table(a=[1]), table(a=[1]), target="c")


def test_hashes_of_rows_are_of_their_cells() -> None:
    one = table(n=[1, 2, 3], c=["a", None, "b"], x=[0.0, np.nan, 1.5])
    other = table(n=[1.0, 2.0, 4.0], c=["a", None, "b"], x=[-0.0, np.nan, 1.5])
    assert (row_hashes(one) == row_hashes(other)).tolist() == [True, True, False]
