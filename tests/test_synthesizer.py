"""`SynthGen` as its users call it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone

from synthgen import (
    BudgetError,
    InvalidInputError,
    ModelFileError,
    NotFittedError,
    Schema,
    SchemaError,
    SynthGen,
)

QUICK = {"batch_size": 100, "hidden": 32, "evaluate_every": 5}


def quick(**changes: object) -> SynthGen:
    options: dict[str, object] = {"seed": 7, "max_steps": 10, "model_options": QUICK}
    return SynthGen(**(options | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def small(adult: pd.DataFrame) -> pd.DataFrame:
    return adult.head(1500)


@pytest.fixture(scope="module")
def fitted(small: pd.DataFrame) -> SynthGen:
    return quick().fit(small)


def test_fit_on_the_class(small: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    # the class's own defaults, but for the length of training
    monkeypatch.setitem(SynthGen.__init__.__kwdefaults__, "max_steps", 2)
    synthetic = SynthGen.fit(small).sample(20)
    assert list(synthetic) == list(small)
    pd.testing.assert_series_equal(synthetic.dtypes, small.dtypes)


def test_same_frame_kind_names_and_types_come_out(small: pd.DataFrame) -> None:
    arrow = pa.Table.from_pandas(small, preserve_index=False)
    polars = pl.from_pandas(small).with_columns(
        pl.col("sex").cast(pl.Categorical), pl.col("age").cast(pl.UInt8)
    )
    from_arrow, from_polars = (quick(max_steps=2).fit(t).sample(15) for t in (arrow, polars))
    assert isinstance(from_arrow, pa.Table) and from_arrow.schema.equals(arrow.schema)
    assert isinstance(from_polars, pl.DataFrame) and from_polars.schema == polars.schema
    assert from_arrow.num_rows == from_polars.height == 15


def test_values_stay_inside_what_was_seen(fitted: SynthGen, small: pd.DataFrame) -> None:
    synthetic = fitted.sample(2000)
    for name in small.select_dtypes("number"):
        assert synthetic[name].between(small[name].min(), small[name].max()).all()
    for name in small.select_dtypes(exclude="number"):
        assert set(synthetic[name]) <= set(small[name])


def test_rare_categories_never_come_out(adult: pd.DataFrame) -> None:
    country = adult["native-country"].value_counts()
    rare = set(country.index[country < 5])
    assert rare, "the table has a country that fewer than five rows hold"
    synthetic = quick(max_steps=2).fit(adult).sample(20_000)
    assert not rare & set(synthetic["native-country"])


def test_seeds(fitted: SynthGen, small: pd.DataFrame, tmp_path: Path) -> None:
    pd.testing.assert_frame_equal(fitted.sample(50, seed=1), fitted.sample(50, seed=1))
    assert not fitted.sample(50, seed=1).equals(fitted.sample(50, seed=2))
    assert not fitted.sample(50).equals(fitted.sample(50)), "successive samples differ"
    again = quick().fit(small)
    fitted.save(tmp_path / "one.synthgen")
    again.save(tmp_path / "two.synthgen")
    assert (tmp_path / "one.synthgen").read_bytes() == (tmp_path / "two.synthgen").read_bytes()


def test_save_and_load(fitted: SynthGen, tmp_path: Path) -> None:
    path = tmp_path / "adult.synthgen"
    fitted.save(path)
    loaded = SynthGen.load(path)
    pd.testing.assert_frame_equal(loaded.sample(100, seed=3), fitted.sample(100, seed=3))
    pd.testing.assert_frame_equal(loaded.history_, fitted.history_)
    assert loaded.schema_ == fitted.schema_ and loaded.privacy_ is None
    assert loaded.training_ == fitted.training_


def test_a_clock_ended_run_repeats_by_its_steps(small: pd.DataFrame, tmp_path: Path) -> None:
    start = time.monotonic()
    # on a fast machine it would converge before
    lasting = {**QUICK, "patience": 10**6}
    timed = quick(max_steps=10**6, time_limit_s=6, model_options=lasting).fit(small)
    assert time.monotonic() - start < 8
    assert timed.training_["ended_by"] == "time" and timed.training_["budget_exhausted"]
    steps = timed.training_["steps"]
    repeated = quick(max_steps=steps, model_options=lasting).fit(small)
    pd.testing.assert_frame_equal(timed.sample(50, seed=1), repeated.sample(50, seed=1))


def test_the_history_of_the_gan_has_the_nash_gap(adult: pd.DataFrame) -> None:
    model = quick(model="ctgan", model_options={"batch_size": 100, "evaluate_every": 5})
    history = model.fit(adult.head(300)).history_
    assert {"step", "score", "critic_accuracy", "diversity", "critic_loss"} <= set(history)
    assert history["critic_accuracy"].between(0, 1).all()


def test_where_and_balance(fitted: SynthGen) -> None:
    women = fitted.sample(200, where={"sex": "Female", "income": {">50K", "<=50K"}})
    assert set(women["sex"]) == {"Female"}
    assert fitted.sample(200, balance="income")["income"].value_counts().tolist() == [100, 100]


def test_scikit_learn_conventions() -> None:
    model = quick()
    copy = clone(model)
    assert copy is not model and copy.get_params() == model.get_params()
    assert copy.set_params(seed=3).seed == 3


def test_a_schema_made_from_text_serves_typed_columns(small: pd.DataFrame) -> None:
    text = Schema.infer(small.astype("string"))
    model = quick(max_steps=2).fit(small, schema=text)
    pd.testing.assert_series_equal(model.sample(10).dtypes, small.dtypes)


def test_a_corrected_schema_is_obeyed(small: pd.DataFrame) -> None:
    data = Schema.infer(small).to_dict()
    for column in data["columns"]:
        if column["name"] == "fnlwgt":
            column |= {"kind": "identifier"}
    model = quick(max_steps=2).fit(small, schema=data)
    synthetic = model.sample(300)
    assert model.schema_["fnlwgt"].kind == "identifier"
    assert synthetic["fnlwgt"].dtype == small["fnlwgt"].dtype


def test_batches_are_one_table(fitted: SynthGen, small: pd.DataFrame) -> None:
    batches = list(fitted.sample_batches(250, seed=3, batch_rows=100))
    assert [len(batch) for batch in batches] == [100, 100, 50]
    pd.testing.assert_frame_equal(batches[0], fitted.sample(100, seed=3))
    again = list(fitted.sample_batches(250, seed=3, batch_rows=100))
    pd.testing.assert_frame_equal(pd.concat(batches), pd.concat(again))
    assert not batches[0].equals(batches[1])
    with pytest.raises(InvalidInputError, match="batch_rows must be 1 or more"):
        fitted.sample_batches(10, batch_rows=0)


def test_what_is_unique_is_unique_over_all_batches(small: pd.DataFrame) -> None:
    names = ["Ana Smith", "Bob Jones", "Eva Brown", "Tom Clark", "Ida Moore", "Max White"]
    n = 300
    table = pd.DataFrame(
        {
            "key": np.arange(1, n + 1),
            "code": [f"KX-{i * 37 % 9973:04d}" for i in range(n)],
            "email": [f"user{i}@mail.com" for i in range(n)],
            "person": [f"{names[i % 6]}{'abcdefghij'[i // 6 % 10] * (i // 60)}" for i in range(n)],
            "x": np.random.default_rng(0).normal(size=n),
        }
    )
    model = quick(max_steps=2).fit(table)
    made = pd.concat(model.sample_batches(2500, seed=1, batch_rows=700))
    unique = [column.name for column in model.schema_ if column.unique]
    assert {"key", "code", "email"} <= set(unique)
    for name in unique:
        assert made[name].is_unique, name
    assert made["key"].tolist() == list(range(1, 2501))


def test_no_rows_asked(fitted: SynthGen, small: pd.DataFrame) -> None:
    empty = fitted.sample(0)
    assert len(empty) == 0
    pd.testing.assert_series_equal(empty.dtypes, small.dtypes)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"epsilon": 1.0, "delta": 1e-6}, InvalidInputError, "a private fit needs a schema"),
        ({"delta": 1e-6}, InvalidInputError, "nothing was trained"),
        ({"model": "ctgann"}, InvalidInputError, "did you mean 'ctgan'"),
        ({"time_limit_s": 0}, InvalidInputError, "time_limit_s must be above 0"),
        ({"max_steps": -1}, InvalidInputError, "max_steps must be above 0"),
        ({"seed": -1}, InvalidInputError, "seed must be at least 0"),
        ({"device": "gpu9"}, InvalidInputError, "not available on this machine"),
        ({"memory_limit_mb": 10}, BudgetError, "above memory_limit_mb"),
        ({"model_options": {"wide": 3}}, InvalidInputError, "there is token"),
    ],
)
def test_bad_options(
    small: pd.DataFrame, options: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        quick(**options).fit(small)


@pytest.mark.parametrize("n", [-1, 2.5, True, "10"])
def test_bad_row_numbers(fitted: SynthGen, n: object) -> None:
    with pytest.raises(InvalidInputError, match="n must be a whole number"):
        fitted.sample(n)  # type: ignore[arg-type]


def test_tables_that_cannot_be_learned(small: pd.DataFrame) -> None:
    with pytest.raises(InvalidInputError, match="1 row; at least 5"):
        quick().fit(small.head(1))
    with pytest.raises(SchemaError, match="no column 'age'"):
        quick().fit(small.drop(columns="age"), schema=Schema.infer(small))
    with pytest.raises(InvalidInputError, match="expected a pandas or polars"):
        quick().fit([1, 2, 3])


def test_before_fit(tmp_path: Path) -> None:
    for call in (lambda: quick().sample(1), lambda: quick().save(tmp_path / "x.synthgen")):
        with pytest.raises(NotFittedError, match=r"call fit first"):
            call()
    assert not list(tmp_path.iterdir())


def test_load_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"gone\.synthgen"):
        SynthGen.load(tmp_path / "gone.synthgen")


def test_global_random_state_is_left_alone(small: pd.DataFrame) -> None:
    import torch

    before = (np.random.get_state()[1].copy(), torch.get_rng_state())  # noqa: NPY002
    quick(max_steps=2).fit(small).sample(5)
    assert (np.random.get_state()[1] == before[0]).all()  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


# Likelihood ---------------------------------------------------------------------------------


def test_likelihoods_of_all_possible_rows_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    first = rng.choice(["a", "b", "c"], 900, p=[0.5, 0.3, 0.2])
    second = np.where(first == "a", rng.choice(["x", "y"], 900), rng.choice(["y", "z"], 900))
    synth = quick(max_steps=40).fit(pd.DataFrame({"first": first, "second": second}))
    every = pd.DataFrame([(a, b) for a in "abc" for b in "xyz"], columns=["first", "second"])
    likelihood = np.exp(synth.log_likelihood(every))
    assert likelihood.sum() == pytest.approx(1.0, abs=1e-5)
    drawn = synth.sample(4000, seed=1).value_counts(normalize=True)
    expected = pd.Series(likelihood, pd.MultiIndex.from_frame(every))
    assert drawn.sub(expected, fill_value=0).abs().max() < 0.06


def test_rows_are_likelier_than_their_mixed_cells(small: pd.DataFrame) -> None:
    fitted = quick(max_steps=80).fit(small)
    rng = np.random.default_rng(0)
    mixed = pd.DataFrame({name: rng.permutation(small[name]) for name in small})
    own, other = (fitted.log_likelihood(rows) for rows in (small, mixed))
    assert own.shape == (len(small),)
    assert own.mean() > other.mean() + 1
    # however many are computed at once
    np.testing.assert_allclose(fitted.log_likelihood(small.tail(7)), own[-7:], atol=1e-3)
    with pytest.raises(InvalidInputError, match="no column 'age'"):
        fitted.log_likelihood(small.drop(columns="age"))


def test_a_model_without_likelihood_says_so(small: pd.DataFrame) -> None:
    synth = SynthGen(model="ctgan", seed=0, max_steps=1).fit(small)
    with pytest.raises(InvalidInputError, match="ctgan gives rows no likelihood"):
        synth.log_likelihood(small)
