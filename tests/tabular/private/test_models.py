"""Private models: what they learn, draw under conditions, and store."""

import numpy as np
import pandas as pd
import pytest

from synthgen import Schema, SynthGen
from synthgen.errors import BudgetError, ConditionError, InvalidInputError, SchemaError
from synthgen.tabular.registry import PRIVATE_MODELS

MODELS = sorted(PRIVATE_MODELS)
# of so few steps as a test has time for; enough for the plainest dependence
STEPS = {"dp-ar": 60, "dp-gan": 150}


@pytest.fixture(scope="module")
def table():
    """A number and two categories that depend on each other."""
    rng = np.random.default_rng(0)
    n = 8000
    kind = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    centre = pd.Series(kind).map({"a": 20, "b": 50, "c": 80}).to_numpy()
    size = np.where(rng.random(n) < 0.1, 0, np.rint(rng.normal(centre, 5)).clip(0, 120))
    good = rng.random(n) < np.where(kind == "a", 0.9, 0.1)
    size = pd.array(np.where(rng.random(n) < 0.05, np.nan, size), dtype="Float64").astype("Int64")
    return pd.DataFrame({"kind": kind, "size": size, "good": good})


@pytest.fixture(scope="module")
def schema(table):
    return Schema.infer(table)


@pytest.fixture(scope="module", params=MODELS)
def fitted(request, table, schema):
    return SynthGen(
        model=request.param, epsilon=8.0, delta=1e-5, seed=0, max_steps=STEPS[request.param]
    ).fit(table, schema=schema)


def test_columns_keep_their_shares_and_dtypes(fitted, table):
    drawn = fitted.sample(5000, seed=1)
    assert drawn.dtypes.equals(table.dtypes)
    for name in ("kind", "good"):
        real, own = (frame[name].value_counts(normalize=True) for frame in (table, drawn))
        assert own.sub(real, fill_value=0).abs().max() < 0.03
    assert drawn["size"].isna().mean() == pytest.approx(0.05, abs=0.02)
    assert (drawn["size"] == 0).mean() == pytest.approx(0.1, abs=0.04)


def test_columns_depend_on_each_other(fitted, table):
    drawn = fitted.sample(5000, seed=1)
    share = drawn.groupby("kind")["good"].mean()
    # independent columns would have the same share everywhere
    assert share["a"] - share["c"] > 0.3


def test_the_ledger_spends_the_budget_and_no_more(fitted):
    ledger = fitted.privacy_
    assert ledger["epsilon"] == 8.0
    assert 7.9 < ledger["spent"]["epsilon_pld"] <= 8.0 * 1.001
    what = [entry["what"] for entry in ledger["entries"]]
    assert what[0] == "number of rows"
    assert "counts of all codes of all columns" in what
    assert what[-1].startswith("gradients of")
    assert ledger["entries"][-1]["times"] == fitted.training_["steps"]
    assert list(fitted.history_.columns) == ["step"]


def test_conditions_hold_in_every_row(fitted):
    drawn = fitted.sample(400, where={"kind": "c", "good": [True, False]}, seed=2)
    assert (drawn["kind"] == "c").all()
    drawn = fitted.sample(400, where={"size": None}, seed=2)
    assert drawn["size"].isna().all()
    assert fitted.sample(400, where={"size": 0}, seed=2)["size"].eq(0).all()
    balanced = fitted.sample(300, balance="kind", seed=2)["kind"].value_counts()
    assert balanced.tolist() == [100, 100, 100]


def test_a_range_holds_in_every_row_of_the_default_and_is_refused_by_the_one_shot_model(fitted):
    where = {"size": (43, 61)}
    if fitted.training_["model"] == "dp-gan":
        with pytest.raises(ConditionError, match="'size'.*model='auto'"):
            fitted.sample(10, where=where)
        return
    drawn = fitted.sample(1000, where=where, seed=3)
    assert drawn["size"].between(43, 61).all()
    # most of those are of kind b, though it comes after the other two
    assert (drawn["kind"] == "b").mean() > 0.6


def test_a_saved_model_draws_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "m.synthgen")
    again = SynthGen.load(tmp_path / "m.synthgen")
    pd.testing.assert_frame_equal(again.sample(500, seed=5), fitted.sample(500, seed=5))
    assert again.privacy_ == fitted.privacy_


def test_equal_seeds_do_not_make_equal_private_fits(table, schema):
    weights = [
        SynthGen(epsilon=1.0, delta=1e-5, seed=0, max_steps=2)
        .fit(table, schema=schema)
        .generator_.weights()
        for _ in range(2)
    ]
    assert any((weights[0][name] != weights[1][name]).any() for name in weights[0])


def test_without_a_schema_nothing_is_read(table):
    with pytest.raises(SchemaError, match="synthgen schema DATA -o schema.json"):
        SynthGen(epsilon=1.0, delta=1e-5).fit(table)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"epsilon": 1.0}, "epsilon without delta"),
        ({"delta": 1e-5}, "delta without epsilon"),
        ({"epsilon": 0.0, "delta": 1e-5}, "epsilon must be above 0"),
        ({"epsilon": 1.0, "delta": 0.01}, "delta 0.01 must be below 1 over"),
        ({"epsilon": 1.0, "delta": 1e-5, "model": "argan"}, "cannot keep epsilon.*dp-ar"),
        ({"epsilon": 1.0, "delta": 1e-5, "model": "ctgan"}, "cannot keep epsilon"),
        ({"epsilon": 1.0, "delta": 1e-5, "model_options": {"hiden": 3}}, "hiden"),
        ({"model": "dp-ar"}, "give epsilon and delta"),
    ],
)
def test_what_cannot_be_private_is_refused(table, schema, settings, text):
    with pytest.raises(InvalidInputError, match=text):
        SynthGen(**settings).fit(table, schema=schema)


def test_a_time_limit_becomes_a_number_of_steps(table, schema):
    with pytest.raises(BudgetError, match="no room for a step"):
        SynthGen(epsilon=1.0, delta=1e-5, time_limit_s=1e-3).fit(table, schema=schema)
    fitted = SynthGen(epsilon=1.0, delta=1e-5, time_limit_s=20).fit(table, schema=schema)
    assert fitted.training_["ended_by"] == "steps"
    assert fitted.privacy_["entries"][-1]["times"] == fitted.training_["steps"]


def test_relations_that_would_be_learned_from_rows_are_left_out(table, schema):
    ordered = schema.model_dump(mode="json")
    ordered["relations"] = [
        {"kind": "dependency", "columns": ["kind", "good"]},
        {"kind": "missing_together", "columns": ["size", "size2"]},
    ]
    wide = table.assign(size2=table["size"] + 1)
    ordered["columns"] = Schema.infer(wide).to_dict()["columns"]
    fitted = SynthGen(epsilon=8.0, delta=1e-5, max_steps=2).fit(wide, schema=ordered)
    assert [r.kind for r in fitted.schema_.relations] == ["missing_together"]
    drawn = fitted.sample(1000, seed=0)
    assert (drawn["size"].isna() == drawn["size2"].isna()).all()
    assert any("missing_together" in fact for fact in fitted.privacy_["public"])
