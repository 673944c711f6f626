"""Personal fields are recognized by value; what replaces them is invented, unique and seeded."""

from __future__ import annotations

import re
import sys
import uuid
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen import cells
from synthgen.cells import Cells
from synthgen.detection import infer_column
from synthgen.errors import InvalidInputError, MissingExtraError
from synthgen.forms import patterns
from synthgen.personal import detect, generate
from synthgen.schema import Column

NAMES = ["Anna Schmidt", "Paul Weber", "Maria Lopez", "John O'Neil", "Wei Zhang", "Jean-Luc Petit",
         "Fatima Khan", "Peter Novak", "Susan Clark", "Dr. Emily Stone"]  # fmt: skip
ADDRESSES = ["12 Main Street", "285 COZINE AVENUE", "1000 5 AVENUE", "7B Oak Rd.", "Hauptstraße 12",
             "42 Rue Lafayette, Paris", "P.O. Box 17"]  # fmt: skip
NOT_PERSONAL = {
    "streets": ["ACADEMY STREET", "10 AVENUE", "5 AVENUE", "EAST 81 STREET", "BROADWAY"],
    "airports": ["Municipal Airport", "Plymouth Municipal Airport", "Shelby County Airport"],
    "countries": ["United-States", "Mexico", "Philippines", "Germany", "Jamaica"],
    "towns": ["Southampton", "Cherbourg", "Queenstown", "Austin", "Charlotte"],
    "species": ["Adelie", "Chinstrap", "Gentoo"],
    "companies": ["Endeavor Air Inc.", "American Airlines Inc.", "JetBlue Airways", "Delta"],
    "carriers": ["9E", "AA", "AS", "B6"],
    "addresses of machines": ["192.168.1.1", "10.0.0.12", "255.255.255.0"],
    "dates": ["2020-01-01", "2021-12-31"],
    "codes": ["123-45-67", "999-12-34"],
    "words": ["the quick brown fox", "jumps over the lazy dog"],
    "times": ["10:30", "12:45"],
    "cities": ["San Jose", "Santa Maria", "St Louis", "New York", "Los Angeles", "El Paso"],
    "months": ["January", "April", "May", "June"],
    "one": ["x"],
    "none": [],
}


@pytest.mark.parametrize(
    ("values", "name", "kind"),
    [
        (["a.b@example.com", "x+y@mail.co.uk", "jo_hn@sub.example.org"], "c1", "email"),
        (["a.b@example.com", "not a mail", "x@y"], "email", None),
        (["(212) 555-0123", "212-555-0199", "+1 212 555 0100"], "c1", "phone"),
        (["+49 30 1234567", "+44 20 7946 0958"], "c1", "phone"),
        (["030 123456", "0171 9876543"], "phone", "phone"),
        (["030 123456", "0171 9876543"], "c1", None),
        (NAMES, "c1", "name"),
        ([text.upper() for text in NAMES], "c1", "name"),
        ([f"{text.split()[-1]}, {text.split()[0]}" for text in NAMES], "c1", "name"),
        (["Anna", "Paul", "Maria", "Xolani"], "c1", "name"),
        (["Alva", "Brix", "Maria", "Xolani"], "first_name", "name"),
        (["Gatsby", "Brix", "Orlov", "Xolani"], "c1", None),
        (["Gatsby", "Brix", "Orlov", "Xolani"], "last_name", "name"),
        (["Smith", "Brix", "Garcia", "Nguyen"], "c1", "name"),
        (["17", "blue", "x9"], "last_name", None),
        (
            [
                "Braund, Mr. Owen Harris",
                'Cumings, Mrs. John Bradley (Florence Briggs "Flo" Thayer)',
                "Heikkinen, Miss. Laina",
            ],
            "c1",
            "name",
        ),
        (ADDRESSES, "c1", "address"),
        *[(values, "c1", None) for values in NOT_PERSONAL.values()],
        (NOT_PERSONAL["airports"], "name", None),
        (NOT_PERSONAL["companies"], "name", None),
        (NOT_PERSONAL["cities"], "city_name", None),
    ],
)
def test_detection_by_value(values: list[str], name: str, kind: str | None) -> None:
    assert detect(values, name) == kind


def test_a_few_persons_among_makers_are_not_enough() -> None:
    makers = ["BOEING COMPANY", "AIRBUS INDUSTRIE", "JOHN HESS", "PAUL BAKER", "ANN LEE"]
    assert detect(makers) == "name"
    assert detect(makers, counts=[900, 800, 1, 1, 3]) is None


def column_of(values: Any, name: str = "c1", dtype: Any = "object") -> Column:
    return infer_column(pd.Series(values, dtype=dtype), name)


def made(column: Column, n: int = 500, seed: int = 0) -> list[str]:
    texts = generate(column, n, np.random.default_rng(seed))
    assert texts.shape == (n,)
    assert all(type(text) is str for text in texts)
    if column.unique:
        assert len(set(texts)) == n
    return list(texts)


REAL = {
    "email": [f"user{i}@corp{i % 3}.com" for i in range(30)],
    "phone": [f"(212) 555-01{i:02d}" for i in range(30)],
    "name": [f"{a.split()[0]} {b.split()[-1]}" for a in NAMES for b in NAMES],
    "address": [f"{i} {word} AVENUE" for i in range(1, 31) for word in ("OAK", "ELM")],
}


@pytest.mark.parametrize("kind", REAL)
def test_what_is_invented_looks_alike_and_is_new(kind: str) -> None:
    pytest.importorskip("faker")
    column = column_of(REAL[kind])
    assert column.personal == kind
    texts = made(column)
    assert detect(texts) == kind
    assert len(set(texts)) > 300
    if kind != "phone":  # a phone number of the same shape may exist
        assert len(set(texts) & set(REAL[kind])) <= 0.02 * len(texts)
    if kind == "email":
        assert all(re.search(r"@example\.(com|org|net)$", text) for text in texts)
    assert made(column) == texts
    assert made(column, seed=1) != texts


def test_case_and_order_are_kept() -> None:
    pytest.importorskip("faker")
    assert all(text.isupper() for text in made(column_of(REAL["address"])))
    surname_first = [f"{text.split()[-1]}, {text.split()[0]}" for text in NAMES]
    column = column_of(surname_first)
    assert column.text_format == "Last, First"
    assert all(", " in text for text in made(column))
    assert column_of([text.split()[0] for text in NAMES[:5]]).text_format == "First"


def test_global_random_state_is_left_alone() -> None:
    pytest.importorskip("faker")
    import random

    before, numpy_before = random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    made(column_of(REAL["name"]))
    assert random.getstate() == before
    assert (np.random.get_state()[1] == numpy_before).all()  # noqa: NPY002


def test_without_faker_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)
    for kind in ("name", "address"):
        with pytest.raises(MissingExtraError, match=r"synthgen\[personal\]"):
            generate(Column(name="x", kind="text", personal=kind), 3, np.random.default_rng(0))
    assert len(made(column_of(REAL["phone"]))) == 500


def test_unique_personal_fields() -> None:
    pytest.importorskip("faker")
    for kind in ("email", "name", "address"):
        column = Column(name="x", kind="identifier", personal=kind, unique=True)  # type: ignore[arg-type]
        made(column, 5000)


def test_uuids_are_valid() -> None:
    texts = made(column_of([str(uuid.UUID(int=i * 10**35)) for i in range(1, 9)]))
    assert all(str(uuid.UUID(text)) == text and uuid.UUID(text).version == 4 for text in texts)
    upper = made(column_of([str(uuid.UUID(int=i * 10**35)).upper() for i in range(100, 109)]))
    assert all(text == text.upper() and uuid.UUID(text).version == 4 for text in upper)


@pytest.mark.parametrize("dtype", ["int64", "Int64", "int32", "uint16", "float64"])
def test_integer_keys_are_new_and_unique(dtype: str) -> None:
    series = pd.Series([i * 37 + 12_001 for i in range(60)], name="record_id").astype(dtype)
    if dtype == "float64":
        series[3] = np.nan
    column = infer_column(series, "record_id")
    assert (column.kind, column.unique) == ("identifier", True)
    texts = np.array(made(column, 5000), dtype=object)
    back = cells.write(Cells(texts, np.zeros(5000, dtype=bool)), column)
    assert back.dtype == series.dtype
    assert back.is_unique
    assert back.between(10_000, 99_999).all()


def test_phone_patterns_keep_a_country_code_only() -> None:
    assert column_of(REAL["phone"]).pattern == "(999) 999-9999"
    swiss = [f"+41 44 668 18 {i}" for i in range(10, 30)]
    assert column_of(swiss).pattern == r"+\4\1 99 999 99 99"


def test_running_numbers() -> None:
    column = column_of(range(1, 31), "No", "int64")
    assert made(column, 4) == ["1", "2", "3", "4"]
    assert made(column.model_copy(update={"pattern": "#1000"}), 2) == ["1000", "1001"]
    with pytest.raises(InvalidInputError, match="#1"):
        generate(column.model_copy(update={"pattern": "#one"}), 2, np.random.default_rng(0))


def test_a_narrow_pattern_or_dtype_is_made_wider() -> None:
    assert len(set(made(Column(name="x", kind="identifier", pattern=r"\A9", unique=True)))) == 500
    assert len(set(made(Column(name="x", kind="identifier", pattern=r"\A", unique=True)))) == 500
    narrow = Column(name="x", kind="identifier", pattern="199", unique=True, dtype="int8")
    back = cells.write(Cells(np.array(made(narrow, 100), object), np.zeros(100, bool)), narrow)
    assert back.is_unique


def test_text_is_generic_and_of_typical_length() -> None:
    real = [f"the patient number {i} came back on day {i * 3} with a cough" for i in range(50)]
    column = column_of(real)
    texts = made(column, 2000)
    assert column.kind == "text"
    assert 40 < np.mean([len(text) for text in texts]) < 60
    assert not any("patient" in text for text in texts)
    assert made(column) == made(column)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.from_regex(r"[A-Z]{2}-[0-9]{4}[a-z]", fullmatch=True), min_size=5, unique=True))
def test_patterns_describe_what_they_are_made_from(texts: list[str]) -> None:
    pattern = patterns.infer_pattern(np.array(texts, dtype=object))
    assert pattern is not None
    alphabets = patterns.parse_pattern(pattern)
    for text in texts:
        assert all(letter in allowed for letter, allowed in zip(text, alphabets, strict=True))
    for text in patterns.draw(pattern, 20, np.random.default_rng(0), unique=False):
        assert re.fullmatch(r"[A-Z]{2}-[0-9]{4}[a-z]", text)


def test_few_rows_leave_no_letters_in_a_pattern() -> None:
    assert patterns.infer_pattern(np.array(["K-17", "K-18"], dtype=object)) == "A-99"
    five = np.array([f"K-{i}" for i in range(15, 20)], dtype=object)
    assert patterns.infer_pattern(five) == r"\K-\19"


def test_a_million_is_quick() -> None:
    import time

    start = time.process_time()
    generate(Column(name="x", kind="identifier", pattern="AA99999999", unique=True), 10**6,
             np.random.default_rng(0))  # fmt: skip
    assert time.process_time() - start < 8
