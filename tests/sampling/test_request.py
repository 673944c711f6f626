"""Conditions and rebalancing as codes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen import frames
from synthgen.encoding.table import TableEncoder
from synthgen.errors import ConditionError, SchemaError
from synthgen.sampling.request import Request, draw_exact
from synthgen.schema import Schema

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def encoder(adult: pd.DataFrame) -> TableEncoder:
    frame, _ = frames.read(adult.head(3000))
    return TableEncoder.fit(frame, Schema.infer(frame))


def drawn(encoder: TableEncoder, request: Request, name: str, n: int = 1000) -> pd.Series:
    j = encoder.position(name)
    codes = request.draw(n, np.random.default_rng(0))[:, j]
    return pd.Series([encoder.columns[j].levels[c] for c in codes])  # type: ignore[attr-defined]


def test_values_and_sets(encoder: TableEncoder) -> None:
    request = Request.of(encoder, {"sex": "Female", "race": {"White", "Black"}})
    assert set(drawn(encoder, request, "sex")) == {"Female"}
    races = drawn(encoder, request, "race").value_counts(normalize=True)
    share = dict(
        zip(
            encoder.columns[encoder.position("race")].levels,  # type: ignore[attr-defined]
            encoder.columns[encoder.position("race")].share,
            strict=False,
        )
    )
    assert races["Black"] == pytest.approx(
        share["Black"] / (share["Black"] + share["White"]), abs=0.002
    )


def test_balance(encoder: TableEncoder) -> None:
    equal = drawn(encoder, Request.of(encoder, balance="income"), "income").value_counts()
    assert equal.tolist() == [500, 500]
    given = Request.of(encoder, balance={"income": {">50K": 0.7, "<=50K": 0.3}})
    assert drawn(encoder, given, "income").value_counts().to_dict() == {">50K": 700, "<=50K": 300}


@pytest.mark.parametrize(
    ("where", "balance", "error", "says"),
    [
        ({"sexx": "Male"}, None, SchemaError, "no column 'sexx'; did you mean 'sex'"),
        ({"sex": "Femal"}, None, ConditionError, "did you mean 'Female'"),
        ({"sex": set()}, None, ConditionError, "the set of values is empty"),
        ({"sex": ("A", "B")}, None, ConditionError, "which have no range"),
        ({"sex": "Male"}, "sex", ConditionError, "both where and balance"),
        (None, "fnlwgt", ConditionError, "cannot be balanced"),
        (None, {"sex": {"Male": -1}}, ConditionError, "shares of at least 0"),
    ],
)
def test_impossible_requests_are_explained(
    encoder: TableEncoder,
    where: object,
    balance: object,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says.replace("(", r"\(")):
        Request.of(encoder, where, balance)  # type: ignore[arg-type]


def test_shares_are_met_to_within_a_row() -> None:
    share = np.array([0.5, 0.3, 0.15, 0.05])
    for n in (1, 7, 1000):
        counts = np.bincount(draw_exact(share, n, RNG), minlength=4)
        assert counts.sum() == n and (np.abs(counts - share * n) <= 1).all()
