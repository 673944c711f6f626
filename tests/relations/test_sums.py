"""Sums against brute force, and exact in the columns' decimals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen import Schema, frames
from synthgen.relations import describe, find_relations
from synthgen.relations.kept import broken
from synthgen.relations.reader import Reader
from synthgen.schema import Relation


def sums(frame: pd.DataFrame) -> list[Relation]:
    canonical, _ = frames.read(frame)
    relations = find_relations(canonical, Schema.infer(frame))
    return [relation for relation in relations if relation.kind == "sum"]


def parts(rng: np.random.Generator, k: int, n: int = 300, decimals: int = 2) -> pd.DataFrame:
    return pd.DataFrame({f"p{i}": rng.gamma(2, 10 + i, n).round(decimals) for i in range(k)})


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    signs=st.lists(st.sampled_from([1, -1]), min_size=2, max_size=6),
    constant=st.sampled_from([0, 1, 100]),
    decimals=st.integers(0, 3),
    place=st.integers(0, 6),
)
def test_signed_sums_are_found_wherever_they_stand(
    seed: int, signs: list[int], constant: int, decimals: int, place: int
) -> None:
    rng = np.random.default_rng(seed)
    frame = parts(rng, len(signs), decimals=decimals).assign(noise=rng.normal(size=300))
    total = sum(s * frame[f"p{i}"] for i, s in enumerate(signs)) + constant
    frame.insert(min(place, frame.shape[1]), "total", total.round(decimals))
    (relation,) = sums(frame)
    assert set(relation.columns) == {"total", *(f"p{i}" for i in range(len(signs)))}
    # the relation as stated, in whole numbers
    whole = (frame * 10**decimals).round()
    first, *others = relation.columns
    stated = sum(w * whole[c] for w, c in zip(relation.factors, others, strict=True))
    assert (whole[first] == stated + relation.constant * 10**decimals).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda f: {"cents": (f["p0"] * 100).round().astype(int)}, "cents = 100 * p0"),
        (lambda f: {"f": (1.8 * f["p0"] + 32).round(3)}, "f = 1.8 * p0 + 32"),
        (lambda f: {"mid": (f["p0"] / 2 + f["p1"] / 2).round(3)}, "mid = 0.5 * p0 + 0.5 * p1"),
        (lambda f: {"hhmm": f["h"] * 100 + f["m"]}, "hhmm = 100 * h + m"),
        (lambda f: {"rest": (1 - f["r0"] - f["r1"]).round(2)}, "r0 + r1 + rest = 1"),
    ],
)
def test_multiples_means_and_shares(make: object, text: str) -> None:
    rng = np.random.default_rng(3)
    frame = parts(rng, 2)
    frame["h"], frame["m"] = rng.integers(0, 24, 300), rng.integers(0, 60, 300)
    frame["r0"], frame["r1"] = rng.dirichlet([1, 1, 1], 300)[:, :2].round(2).T
    found = [describe(relation) for relation in sums(frame.assign(**make(frame)))]  # type: ignore[operator]
    assert found in ([text], [text.replace("r0 + r1 + rest", "r1 + r0 + rest")])


def test_one_hot_columns_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(np.eye(5, dtype=int)[rng.integers(0, 5, 400)], columns=list("abcde"))
    (relation,) = sums(frame)
    assert len(relation.columns) == 5 and relation.constant == 1


def test_a_gap_in_a_part_is_a_gap_in_the_sum() -> None:
    rng = np.random.default_rng(0)
    frame = parts(rng, 2, n=500)
    frame.loc[rng.random(500) < 0.2, "p1"] = np.nan
    frame["total"] = (frame["p0"] + frame["p1"]).round(2)
    assert [describe(relation) for relation in sums(frame)] == ["total = p0 + p1"]
    frame["total"] = frame["total"].fillna(3.14)
    assert sums(frame) == [], "where it is known without its part, it is no sum"


def test_rows_that_break_a_sum() -> None:
    frame = parts(np.random.default_rng(0), 2)
    frame["total"] = (frame["p0"] + frame["p1"]).round(2)
    frame.loc[[4, 17], "total"] += 0.01
    reader = Reader(frame, Schema.infer(frame))
    rows = broken(Relation(kind="sum", columns=("total", "p0", "p1")), reader)
    assert np.flatnonzero(rows).tolist() == [4, 17]
