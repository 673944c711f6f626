"""Sampled rows: every relation holds in every one, whatever is asked and whoever drew them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthgen import ConditionError, ModelFileError, SynthGen, modelfile
from synthgen.relations import Completion

Kept = Callable[[pd.DataFrame], None]
Make = Callable[..., pd.DataFrame]


@pytest.fixture(params=["argan", "ctgan"])
def fitted(request: pytest.FixtureRequest) -> SynthGen:
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def test_all_rows_keep_all_relations(fitted: SynthGen, kept: Kept, make_related: Make) -> None:
    sampled, real = fitted.sample(1500, seed=1), make_related()
    kept(sampled)
    pd.testing.assert_series_equal(sampled.dtypes, real.dtypes)
    for name in ("total", "tip", "low", "high"):
        # redrawn a few times, then kept: hardly any sum is out of the range that was seen
        inside = sampled[name].between(real[name].min(), real[name].max())
        assert inside.mean() > 0.99, name
    assert len(fitted.sample(0)) == 0


def test_save_and_load(fitted: SynthGen, tmp_path: Path) -> None:
    fitted.save(tmp_path / "m.synthgen")
    loaded = SynthGen.load(tmp_path / "m.synthgen")
    pd.testing.assert_frame_equal(loaded.sample(80, seed=3), fitted.sample(80, seed=3))
    assert loaded.schema_ == fitted.schema_


@pytest.mark.parametrize(
    "where",
    [
        {"city": {"Rome", "Nice"}},
        {"city_code": 22},
        {"country": "FR"},
        {"country": {"FR", "BE"}, "city_code": {22, 31}},
        {"x": None},
        {"country": "BE", "y": None},
    ],
)
def test_conditions_on_columns_that_decide_or_follow(
    fitted: SynthGen, kept: Kept, where: dict[str, object]
) -> None:
    sampled = fitted.sample(200, where=where, seed=1)
    kept(sampled)
    for name, wanted in where.items():
        if wanted is None:
            assert sampled[name].isna().all()
        else:
            assert set(sampled[name]) <= (wanted if isinstance(wanted, set) else {wanted})


@pytest.mark.parametrize(
    "where",
    [
        {"city_code": (20, 25)},
        {"total": (40, 80)},
        {"paid": (40, 80), "country": "FR"},
        {"fare": (10, 30), "total": (30, 60)},
        {"mean": (10, 12)},
        {"low": (5, 15), "high": (10, 20)},
        {"end": ("2024-03-01", "2024-04-01")},
        {"y": (0, 1)},
    ],
)
def test_ranges(argan: SynthGen, kept: Kept, where: dict[str, tuple[object, object]]) -> None:
    sampled = argan.sample(150, where=where, seed=1)
    kept(sampled)
    for name, (low, high) in where.items():
        if name == "end":
            low, high = pd.Timestamp(str(low)), pd.Timestamp(str(high))
        assert sampled[name].between(low, high).all()


def test_balance_of_columns_that_follow(fitted: SynthGen, kept: Kept) -> None:
    codes = fitted.sample(300, balance="city_code", seed=1)
    countries = fitted.sample(300, balance={"country": {"FR": 0.2, "BE": 0.8}}, seed=1)
    for sampled in (codes, countries):
        kept(sampled)
    assert codes["city_code"].value_counts().tolist() == [50] * 6
    assert countries["country"].value_counts().to_dict() == {"BE": 240, "FR": 60}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"where": {"city": "Rome", "country": "FR"}}, "'country' and 'city' contradict"),
        ({"where": {"total": (-9, -5)}}, "nothing is generated"),
        ({"where": {"total": (100, 110), "fare": (1, 5), "tip": (1, 5)}}, "computed from other"),
        ({"balance": "total"}, "computed from 'fare', 'tip' and cannot be balanced"),
        ({"where": {"country": "FR"}, "balance": "city"}, "in both where and balance"),
        ({"where": {"country": "XX"}}, "has no value 'XX'"),
    ],
)
def test_impossible_requests(argan: SynthGen, asked: dict[str, object], says: str) -> None:
    with pytest.raises(ConditionError, match=says):
        argan.sample(20, **asked)  # type: ignore[arg-type]


def test_rare_values_are_not_in_the_lookups() -> None:
    rng = np.random.default_rng(0)
    key = np.r_[rng.integers(100, 140, 2000), [998, 998, 998], [997]]
    frame = pd.DataFrame({"key": key, "name": [f"name-{k}" for k in key], "x": rng.random(2004)})
    fitted = SynthGen(max_steps=5, seed=1).fit(frame)
    (relation,) = fitted.schema_.relations or ()
    assert relation.mutual
    keys, names, _ = fitted.completion_.to_dict()["columns"]
    assert keys["atoms"] == list(range(100, 140)) and len(keys["share"]) == 40
    assert not {"name-997", "name-998"} & set(names["levels"])
    sampled = fitted.sample(3000)
    assert not set(sampled["key"]) & {997, 998}
    assert (sampled["name"] == "name-" + sampled["key"].astype(str)).all()


def test_two_columns_that_decide_a_third_agree() -> None:
    rng = np.random.default_rng(0)
    n = 900
    region = rng.integers(0, 3, n)
    shop = region * 5 + rng.integers(0, 5, n)
    frame = pd.DataFrame({"zip": region * 4 + rng.integers(0, 4, n),
                          "shop": [f"s{s}" for s in shop],
                          "region": [f"r{r}" for r in region]})  # fmt: skip
    fitted = SynthGen(max_steps=5, seed=1).fit(frame)
    assert len(fitted.schema_.relations or ()) == 2
    for sampled in (fitted.sample(1000), fitted.sample(100, where={"shop": "s7"}),
                    fitted.sample(100, where={"zip": {1, 2}})):  # fmt: skip
        assert (sampled.groupby("zip")["region"].nunique() == 1).all()
        assert (sampled["shop"].str[1:].astype(int) // 5 == sampled["zip"] // 4).all()


def test_copies_of_identifiers_and_integers() -> None:
    rng = np.random.default_rng(0)
    who = [f"{i:06d}-{rng.integers(10)}" for i in rng.permutation(10**6)[:400]]
    frame = pd.DataFrame({"id": who, "x": rng.integers(0, 900, 400), "id2": who})
    frame["x2"] = frame["x"].astype(float)
    sampled = SynthGen(max_steps=5, seed=1).fit(frame).sample(500)
    assert (sampled["id"] == sampled["id2"]).all() and (sampled["x"] == sampled["x2"]).all()
    assert sampled["x2"].dtype == float and sampled["id"].is_unique
    assert not set(sampled["id"]) & set(who)


def test_small_integer_types_hold_their_sum() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.integers(0, 120, 500), "b": rng.integers(0, 120, 500)})
    frame = frame.assign(total=frame["a"] + frame["b"]).astype("uint8")
    sampled = SynthGen(max_steps=2, seed=1).fit(frame).sample(2000).astype(int)
    assert (sampled["a"] + sampled["b"] == sampled["total"]).all()


def test_a_file_whose_lookups_do_not_fit_is_refused(argan: SynthGen, tmp_path: Path) -> None:
    argan.save(tmp_path / "m.synthgen")
    contents = modelfile.read(tmp_path / "m.synthgen")
    for change in ({"codes": [0]}, {"codes": [99] * 6}, {"source": 5}):
        encoding = json.loads(json.dumps(contents.encoding))
        encoding["lookups"][0] |= change
        with pytest.raises(ValueError, match="lookup"):
            Completion.from_dict(argan.schema_, encoding)
    encoding = {**contents.encoding, "lookups": []}
    changed = modelfile.ModelContents(**{**vars(contents), "encoding": encoding})
    modelfile.write(tmp_path / "m.synthgen", changed)
    with pytest.raises(ModelFileError, match="not those of the schema's relations"):
        SynthGen.load(tmp_path / "m.synthgen")
