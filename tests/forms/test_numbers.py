"""Number texts against `decimal`, and the forms they are written in."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.forms import numbers

PLAIN = st.from_regex(r"-?(0|[1-9][0-9]{0,7})(\.[0-9]{1,6})?", fullmatch=True)


def texts_of(values: list[str]) -> np.ndarray:
    return np.array(values, dtype=object)


@given(st.lists(PLAIN, min_size=1))
def test_values_and_decimals_against_decimal(texts: list[str]) -> None:
    found = numbers.parse(texts_of(texts))
    assert found is not None
    assert found.values.tolist() == [float(text) for text in texts]
    assert found.values.dtype == (np.float64 if any("." in text for text in texts) else np.int64)
    exact = [Decimal(text).normalize() for text in texts]
    assert found.decimals == max(0, *(-int(number.as_tuple().exponent) for number in exact), 0)
    again = numbers.parse(numbers.write(found.values, found.picture, found.decimals))
    assert again is not None
    assert again.values.tolist() == [value + 0.0 for value in found.values.tolist()]


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1), st.integers(1, 4), st.booleans())
def test_written_as_they_came(ticks: list[int], digits: int, grouped: bool) -> None:
    comma = "," if grouped else ""
    texts = [f"{(tick or 1) / 10**digits:{comma}.{digits}f}" for tick in ticks]
    found = numbers.parse(texts_of(texts))
    assert found is not None
    assert numbers.write(found.values, found.picture, found.decimals).tolist() == texts


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=1))
def test_what_python_prints_is_read_exactly(texts: list[str]) -> None:
    found = numbers.parse(texts_of(texts))
    assert found is not None
    assert found.values.tolist() == [float(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "picture"),
    [
        (["1", "20"], "0"),
        (["1.0", "2.25"], "0.0"),
        (["1.50", "2.25"], "0.00"),
        (["1", "2.25"], "0"),
        (["$1", "$2"], "$0"),
        (["1,000", "12"], "#,##0"),
        (["1.5 %", "12.0 %"], "0.0 %"),
        (["\u20ac1,000.50", "\u20ac2.00"], "\u20ac#,##0.00"),
    ],
)
def test_pictures(texts: list[str], picture: str) -> None:
    found = numbers.parse(texts_of(texts))
    assert found is not None
    assert found.picture == picture
    assert numbers.write(found.values, found.picture, found.decimals).tolist() == texts


@pytest.mark.parametrize(
    "text",
    ["", "-", ".", "007", "-007", "+1", "1.2.3", "1-2", "--1", "1e", "abc", "0x10", "1_000", "1,00",
     "12 kg", "1" * 30, "1" * 60, "True", "nan", "(5)", "1/2", "10:30"],
)  # fmt: skip
def test_what_is_not_a_number(text: str) -> None:
    assert numbers.parse(texts_of([text, text])) is None
    assert numbers.parse(texts_of(["1", text])) is None
