"""Numbers that are another column's in some rows: found, sampled as often, conditioned, imputed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgen import (
    ConditionError,
    ModelFileError,
    Schema,
    SchemaError,
    SynthGen,
    frames,
    modelfile,
)
from synthgen.encoding.numeric import NumericEncoder
from synthgen.relations import Completion, confidence, describe, find_relations, with_relations
from synthgen.relations.plan import Plan
from synthgen.sampling.request import Request
from synthgen.schema import Column, Relation
from synthgen.seeds import Streams


def found(frame: pd.DataFrame) -> list[Relation]:
    canonical, _ = frames.read(frame)
    relations = find_relations(canonical, Schema.infer(frame))
    return [relation for relation in relations if relation.kind == "partial_copy"]


def pairs(frame: pd.DataFrame) -> set[tuple[str | int, ...]]:
    return {relation.columns for relation in found(frame)}


def bills(n: int = 1500, seed: int = 0) -> pd.DataFrame:
    """A quarter of the payments are the bill; more of them for one kind of customer."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["punctual", "other"], n, p=[0.4, 0.6])
    billed = rng.gamma(2, 500, n).round(2)
    same = rng.random(n) < np.where(kind == "punctual", 0.45, 0.12)
    paid = np.where(same, billed, rng.gamma(1, 200, n).round(2))
    paid[rng.random(n) < 0.15] = 0
    due = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, n), "min")
    done = pd.Timestamp("2024-06-01") + pd.to_timedelta(rng.integers(0, 10**6, n), "min")
    frame = pd.DataFrame({"kind": kind, "billed": billed, "paid": paid, "due": due})
    frame["done"] = frame["due"].where(rng.random(n) < 0.3, done)
    frame.loc[(rng.random(n) < 0.08) & (frame["paid"] != frame["billed"]), "billed"] = np.nan
    return frame


def equality(frame: pd.DataFrame) -> tuple[float, float]:
    return (frame["billed"] == frame["paid"]).mean(), (frame["due"] == frame["done"]).mean()


@pytest.fixture(scope="module")
def fitted() -> SynthGen:
    return SynthGen(max_steps=250, seed=7).fit(bills())


def test_found_with_their_share() -> None:
    frame = bills()
    (money, time) = found(frame)
    free = frame["paid"] > 0
    assert money.columns == ("billed", "paid") and time.columns == ("due", "done")
    assert money.rows == free.sum() and time.rows == len(frame)
    assert money.share == round((frame["paid"] == frame["billed"])[free].mean(), 2)
    assert describe(money) == "paid = billed in some rows"
    assert confidence(money).startswith("in ") and f"of {free.sum():,} rows" in confidence(money)
    assert confidence(Relation(kind="partial_copy", columns=("a", "b"))) == "declared"


@pytest.mark.parametrize("share", [0.01, 0.02, 0.05, 0.2, 0.6, 0.97])
@pytest.mark.parametrize("rows", [300, 9000])
def test_above_three_percent_and_not_below(share: float, rows: int) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1000, (2, rows)).round(2)
    same = np.zeros(rows, bool)
    same[: int(share * rows)] = True
    frame = pd.DataFrame({"a": a, "b": np.where(rng.permutation(same), a, b)})
    assert pairs(frame) == ({("a", "b")} if share > 0.03 else set())


def test_three_sources_at_most_the_best_first() -> None:
    rng = np.random.default_rng(2)
    n = 4000
    frame = pd.DataFrame(rng.normal(0, 1000, (n, 5)).round(2), columns=list("abcde"))
    pick = rng.choice(6, n, p=[0.05, 0.2, 0.1, 0.15, 0.12, 0.38])
    own = np.column_stack([frame[list("abcde")], rng.normal(0, 1000, n).round(2)])
    frame["t"] = own[np.arange(n), pick]
    assert [r.columns for r in found(frame)] == [("b", "t"), ("d", "t"), ("e", "t")]


def test_a_source_explains_what_others_leave() -> None:
    rng = np.random.default_rng(2)
    a, b, c = rng.normal(0, 1000, (3, 3000)).round(2)
    b = np.where(rng.random(3000) < 0.3, a, b)
    c = np.where(rng.random(3000) < 0.3, b, c)
    # c is a in 9 % of the rows, all of them rows in which it is b
    assert pairs(pd.DataFrame({"a": a, "b": b, "c": c})) == {("a", "b"), ("b", "c")}


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), rows=st.integers(60, 3000))
def test_values_that_meet_by_chance_are_no_copies(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    age = rng.normal(45, 15, rows).round().clip(17, 90)
    spike = np.where(rng.random(rows) < 0.5, 40, rng.integers(1, 99, rows))
    level = rng.normal(100, 30, rows)
    # a price list: no two prices are as far apart as others, but the middle ones are frequent
    prices = np.sort(rng.gamma(2, 100, 45)).round(2)
    price, cost = prices[rng.normal(22, 5, (2, rows)).round().clip(0, 44).astype(int)]
    frame = pd.DataFrame(
        {
            "dice": rng.integers(1, 7, rows), "die": rng.integers(1, 7, rows),
            "stars": rng.integers(0, 11, rows) / 2, "rating": rng.integers(0, 11, rows) / 2,
            "age": age, "partner": (age + rng.normal(0, 4, rows)).round(),
            "hours": spike, "worked": rng.permutation(spike),
            "before": level.round(), "after": (level + rng.normal(0, 2, rows)).round(),
            "tens": (level / 10).round() * 10, "more": (level / 10 + rng.random(rows)).round() * 10,
            "price": price, "cost": cost,
            "first": rng.geometric(0.05, rows), "second": rng.geometric(0.05, rows),
        }
    )  # fmt: skip
    assert found(frame) == []


def test_measured_tables_without_copies(adult: pd.DataFrame) -> None:
    penguins = pd.read_csv(Path(__file__).parents[1] / "data" / "penguins.csv")
    assert found(adult) == [] and found(penguins) == []


def test_columns_that_follow_are_left_out() -> None:
    rng = np.random.default_rng(0)
    fare = rng.gamma(2, 20, 900).round(2)
    tip = np.where(rng.random(900) < 0.6, 0, rng.gamma(1, 5, 900).round(2))
    frame = pd.DataFrame({"fare": fare, "tip": tip, "total": (fare + tip).round(2)})
    assert pairs(frame) == set(), "the total is a sum, in every row"


@pytest.mark.parametrize(
    ("relations", "says"),
    [
        ([("partial_copy", "xy"), ("partial_copy", "yz")], None),
        ([("partial_copy", "xy"), ("partial_copy", "yx")], "in a circle"),
        ([("partial_copy", "xd")], "only numbers, or times in one unit"),
        ([("partial_copy", "cx")], "only numbers, or times in one unit"),
        ([("sum", "xy"), ("partial_copy", "zx")], "'x' is computed"),
        ([("sum", "xy"), ("partial_copy", "xz")], "'x' is computed"),
        ([("dependency", "cx"), ("partial_copy", "yx")], "'x' is computed"),
        ([("dependency", "xc"), ("partial_copy", "yx")], "decides"),
        ([("dependency", "xc"), ("partial_copy", "xy")], None),
        ([("partial_copy", f"{k}z") for k in "xyvw"], "same as 3 others already"),
        ([("copy", "xy"), ("partial_copy", "xy")], None),
    ],
)
def test_which_go_together(relations: list[tuple[str, str]], says: str | None) -> None:
    columns = (
        *(Column(name=name, kind="float", decimals=2) for name in "vwxyz"),
        Column(name="c", kind="category"),
        Column(name="d", kind="datetime"),
    )
    made = tuple(Relation.model_validate({"kind": k, "columns": list(c)}) for k, c in relations)
    schema = Schema(columns=columns, relations=made)
    if says is None:
        Plan.of(schema)
    else:
        with pytest.raises(SchemaError, match=says):
            Plan.of(schema)


def test_declared_ones_are_checked() -> None:
    frame, _ = frames.read(bills())

    def declared(*columns: str, **more: Any) -> Schema:
        relation = {"kind": "partial_copy", "columns": list(columns)} | more
        data = Schema.infer(frame).to_dict() | {"relations": [relation]}
        return with_relations(frame, Schema.from_dict(data))

    assert declared("billed", "paid").relations
    with pytest.raises(SchemaError, match="of two columns"):
        declared("billed", "paid", "due")
    with pytest.raises(SchemaError, match="'share' needs"):
        declared("billed", "paid", share=2)
    frame["other"] = np.linspace(-9, -1, len(frame))
    with pytest.raises(SchemaError, match="'other = billed in some rows' holds in fewer than 5"):
        declared("billed", "other")


def test_a_rare_one_may_be_declared_and_a_found_one_deleted() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 99, (2, 800)).round(2)
    b[:10] = a[:10]
    frame = pd.DataFrame({"b": b, "a": a})
    assert found(frame) == []
    relation = {"kind": "partial_copy", "columns": ["a", "b"]}
    schema = Schema.from_dict(Schema.infer(frame).to_dict() | {"relations": [relation]})
    fitted = SynthGen(max_steps=5, seed=1).fit(frame, schema=schema)
    assert fitted.completion_.full.copies == ((0, (1,)),), "from a later column"
    sampled = fitted.sample(2000, seed=1)
    assert 0 < (sampled["a"] == sampled["b"]).mean() < 0.1
    nothing = schema.model_copy(update={"relations": ()})
    assert SynthGen(max_steps=2, seed=1).fit(frame, schema=nothing).completion_.full.copies == ()


def test_sampled_as_often_as_real(fitted: SynthGen) -> None:
    real, sampled = bills(), fitted.sample(4000, seed=1)
    assert equality(sampled) == pytest.approx(equality(real), abs=0.03)
    for kind in ("punctual", "other"):
        shares = [equality(f[f["kind"] == kind])[0] for f in (sampled, real)]
        assert shares[0] == pytest.approx(shares[1], abs=0.05), "it depends on who pays"
    assert sampled["paid"].between(0, real["paid"].max()).all()
    pd.testing.assert_series_equal(sampled.dtypes, real.dtypes)
    # where no bill is, none is paid; a value of one row is not given away
    single = real["billed"].value_counts()
    single = single.index[single == 1]
    assert sampled["paid"].isin(single).mean() < 0.1


def test_every_model_takes_part() -> None:
    options = {"batch_size": 100, "width": 32, "evaluate_every": 50}
    model = SynthGen(model="ctgan", max_steps=100, seed=7, model_options=options).fit(bills())
    sampled = model.sample(4000, seed=1)
    assert equality(sampled) == pytest.approx(equality(bills()), abs=0.08)
    some = model.sample(300, where={"paid": 0}, seed=1)
    assert (some["paid"] == 0).all()


@pytest.mark.parametrize(
    "where",
    [
        {"paid": (100, 900)}, {"paid": (2000, 2500)}, {"paid": (0, 5)}, {"paid": 0.0},
        {"paid": (300, 700), "billed": (300, 700)}, {"paid": (100, 900), "billed": None},
        {"done": ("2024-02-01", "2024-05-01")}, {"kind": "punctual", "paid": (250, None)},
        {"billed": (400, 500)},
    ],
)  # fmt: skip
def test_conditions_are_met_in_every_row(fitted: SynthGen, where: dict[str, Any]) -> None:
    sampled = fitted.sample(200, where=where, seed=2)
    assert len(sampled) == 200
    for name, wanted in where.items():
        cells = sampled[name]
        if wanted is None:
            assert cells.isna().all()
        elif isinstance(wanted, tuple):
            low, high = (pd.Timestamp(e) if isinstance(e, str) else e for e in wanted)
            assert (cells >= low).all() and (high is None or (cells <= high).all())
        else:
            assert (cells == wanted).all()


def test_a_range_keeps_its_copies(fitted: SynthGen) -> None:
    """As many rows of a wide range are copies as among free rows in that range."""
    free = fitted.sample(20_000, seed=3)
    free = free[free["paid"].between(300, 3000)]
    asked = fitted.sample(3000, where={"paid": (300, 3000)}, seed=4)
    assert equality(asked)[0] == pytest.approx(equality(free)[0], abs=0.06)


def test_what_cannot_be_is_refused(fitted: SynthGen) -> None:
    with pytest.raises(ConditionError, match="nothing is generated"):
        fitted.sample(5, where={"paid": (10**6, 10**7)})
    with pytest.raises(ConditionError, match="cannot be balanced"):
        fitted.sample(5, balance="paid")


def test_a_critic_sees_the_numbers_that_are_emitted(fitted: SynthGen) -> None:
    model, completion = fitted.generator_, fitted.completion_
    request = Request.of(completion)
    drawn = model._weighted(2000, request, Streams(5))
    features = model._features(drawn)
    rows = completion.complete(drawn, Streams(5))
    plain = ~rows.mended
    assert plain.mean() > 0.9
    copied = 0
    for i, j in enumerate(completion.plan.modelled):
        encoder = completion.full.columns[j]
        if not isinstance(encoder, NumericEncoder):
            continue
        held = rows.held(j)
        emitted = (held.values - encoder.origin).astype(np.float32)
        here = plain & ~held.missing
        np.testing.assert_array_equal(features[here, i], emitted[here])
        assert (features[plain & held.missing, i] < -1e37).all()
        copied += int(encoder.is_copy[drawn.codes[:, i]].sum())
    assert copied > 500


def test_a_row_with_nothing_to_copy_is_reported(fitted: SynthGen) -> None:
    completion = fitted.completion_
    drawn = fitted.generator_._weighted(300, Request.of(completion), Streams(6))
    billed, paid = (completion.place[completion.full.position(n)] for n in ("billed", "paid"))
    target = completion.encoder.columns[paid]
    assert isinstance(target, NumericEncoder)
    drawn.codes[:, paid] = target.first_copy
    drawn.codes[:100, billed] = completion.encoder.columns[billed].n_codes - 1
    rows = completion.complete(drawn, Streams(6))
    assert rows.mended[:100].all() and not rows.broken.any()
    low, high = target.ends()
    held = rows.held(completion.full.position("paid"))
    assert not held.missing.any() and ((held.values >= low) & (held.values <= high)).all()


def test_imputed_copies_are_the_same(fitted: SynthGen) -> None:
    whole = bills(400, seed=9)
    whole["billed"] = whole["billed"].fillna(500.0)
    gaps = whole.copy()
    gaps.loc[::2, "paid"] = np.nan
    gaps.loc[1::2, "due"] = pd.NaT
    for method in ("best", "draw"):
        filled = fitted.impute(gaps, method=method, seed=1)
        assert not filled.isna().any().any()
        known = gaps.notna()
        assert ((filled == whole) | ~known).all().all(), "known cells stay"
        drawn = filled.iloc[::2]
        if method == "draw":
            assert equality(drawn)[0] == pytest.approx(equality(whole)[0], abs=0.1)
            codes = fitted.completion_.full.encode(frames.read(filled)[0], Streams(0)).codes
            assert (codes[:, 2] >= 0).all()


def test_the_best_guess_is_a_copy_where_that_is_likely() -> None:
    rng = np.random.default_rng(0)
    kind = rng.choice(["same", "own"], 900)
    a, b = rng.normal(0, 100, (2, 900)).round(1)
    frame = pd.DataFrame({"kind": kind, "a": a, "b": np.where(kind == "same", a, b)})
    model = SynthGen(max_steps=200, seed=1).fit(frame)
    assert model.completion_.full.copies
    filled = model.impute(frame.assign(b=np.nan), seed=1)
    same = frame["kind"] == "same"
    low, high = np.sort(frame["b"])[[9, -10]]
    inside = frame["a"].between(low, high)
    assert (filled["b"] == filled["a"])[same & inside].mean() > 0.98
    assert (filled["b"] == filled["a"])[~same].mean() < 0.05


def test_rows_whose_source_is_missing_are_drawn_again() -> None:
    """A column that is never anything but a copy: where nothing is there to copy, no row is."""
    rng = np.random.default_rng(0)
    a = np.where(rng.random(900) < 0.3, np.nan, rng.normal(0, 100, 900).round(1))
    frame = pd.DataFrame({"x": rng.random(900), "a": a, "b": a})
    frame.loc[rng.random(900) < 0.2, "b"] = np.nan
    model = SynthGen(max_steps=60, seed=1).fit(frame)
    own = model.completion_.full.columns[2]
    assert isinstance(own, NumericEncoder) and not own.has_own
    sampled = model.sample(1500, seed=1)
    held = sampled["b"].notna()
    assert (sampled["a"] == sampled["b"])[held].all() and 0.3 < held.mean() < 0.8


def test_save_and_load(fitted: SynthGen, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m.synthgen")
    loaded = SynthGen.load(tmp_path / "m.synthgen")
    pd.testing.assert_frame_equal(loaded.sample(80, seed=3), fitted.sample(80, seed=3))
    contents = modelfile.read(tmp_path / "m.synthgen")
    schema = loaded.schema_
    without = schema.model_copy(update={"relations": ()})
    with pytest.raises(ValueError, match="not those of the schema"):
        Completion.from_dict(without, contents.encoding)
    encoding = json.loads(json.dumps(contents.encoding))
    paid = next(c for c in encoding["columns"] if "copies" in c)
    paid["copies"]["sources"] = ["done"]
    changed = modelfile.ModelContents(**{**vars(contents), "encoding": encoding})
    modelfile.write(tmp_path / "m.synthgen", changed)
    with pytest.raises(ModelFileError, match="partial copies are not those"):
        SynthGen.load(tmp_path / "m.synthgen")


@pytest.mark.parametrize("make", [lambda f: f, lambda f: f.astype({"paid": "Float64"})])
def test_dtypes_of_source_and_copy_may_differ(make: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(-9000, 9000, (2, 700))
    frame = pd.DataFrame({"billed": a, "paid": np.where(rng.random(700) < 0.4, a, b) * 1.0})
    sampled = SynthGen(max_steps=40, seed=1).fit(make(frame)).sample(1000, seed=1)
    assert sampled["billed"].dtype == "int64" and sampled["paid"].dtype == make(frame)["paid"].dtype
    assert (sampled["billed"] == sampled["paid"]).mean() == pytest.approx(0.4, abs=0.12)
