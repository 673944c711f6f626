"""The default generator learns, meets conditions, fills gaps, and comes back from a file."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen import SynthGen
from synthgen.errors import ConditionError, InvalidInputError, ModelFileError
from synthgen.tabular.autoregressive.model import ARGAN
from synthgen.tabular.autoregressive.warmstart import ARGANConfig, sizes


def toy(n: int = 4000, seed: int = 0) -> pd.DataFrame:
    """Columns that depend on each other: a class, a number, a count with gaps, a later class."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["common", "other", "rare"], n, p=[0.7, 0.27, 0.03])
    centre = pd.Series(kind).map({"common": 0.0, "other": 6.0, "rare": -6.0}).to_numpy()
    number = (centre + rng.normal(size=n)).round(3)
    count = pd.Series(rng.poisson(np.exp(0.3 * number.clip(-2, 6))), dtype="Int64")
    count[rng.random(n) < 0.1] = pd.NA
    sign = np.where(number + rng.normal(size=n) > 2, "high", "low")
    return pd.DataFrame({"kind": kind, "number": number, "count": count, "sign": sign})


FRAME = toy()
SMALL = {"hidden": 24, "token": 8, "components": 3}


@pytest.fixture(scope="module")
def fitted() -> SynthGen:
    return SynthGen(seed=1, max_steps=400, model_options={"hidden": 48}).fit(FRAME)


def test_the_default_model_learns_dependence(fitted: SynthGen) -> None:
    assert isinstance(fitted.generator_, ARGAN)
    drawn = fitted.sample(4000, seed=3)
    assert list(drawn.columns) == list(FRAME.columns) and (drawn.dtypes == FRAME.dtypes).all()
    for kind in ("common", "other"):
        real, synthetic = (f[f["kind"] == kind]["number"] for f in (FRAME, drawn))
        for level in (0.1, 0.5, 0.9):
            assert synthetic.quantile(level) == pytest.approx(real.quantile(level), abs=0.3)
    assert drawn["count"].isna().mean() == pytest.approx(0.1, abs=0.03)
    high = drawn.assign(high=drawn["sign"] == "high").groupby("kind")["high"].mean()
    assert high["other"] > high["common"] + 0.6


@pytest.mark.parametrize(
    "where",
    [
        {"kind": "rare"},
        {"sign": "high", "kind": "common"},
        {"kind": {"rare", "other"}},
        {"number": (5.0, 7.0)},
        {"number": (None, 0.0), "sign": "high"},
        {"count": (2, 4), "number": (-1.0, 3.0), "kind": {"common", "other"}},
        {"count": None},
    ],
    ids=["value", "two values", "set", "range", "half-open", "ranges and set", "missing"],
)
def test_conditions_hold_in_every_row(fitted: SynthGen, where: dict[str, object]) -> None:
    drawn = fitted.sample(300, where=where, seed=2)
    assert len(drawn) == 300
    for name, wanted in where.items():
        cells = drawn[name]
        if wanted is None:
            assert cells.isna().all()
        elif isinstance(wanted, set):
            assert set(cells) <= wanted
        elif isinstance(wanted, tuple):
            low, high = wanted
            assert low is None or (cells >= low).all()
            assert high is None or (cells <= high).all()
        else:
            assert (cells == wanted).all()


def test_other_columns_follow_a_condition_on_a_later_one(fitted: SynthGen) -> None:
    drawn = fitted.sample(2000, where={"sign": "high"}, seed=2)
    real = FRAME[FRAME["sign"] == "high"]
    shares = [frame["kind"].value_counts(normalize=True) for frame in (drawn, real)]
    assert (shares[0] - shares[1]).abs().sum() < 0.2
    assert drawn["number"].mean() == pytest.approx(real["number"].mean(), abs=0.5)


def test_several_ranges_give_their_joint_distribution(fitted: SynthGen) -> None:
    where = {"number": (-1.0, 6.0), "kind": {"common", "other"}}
    drawn = fitted.sample(3000, where=where, seed=2)
    real = FRAME[FRAME["number"].between(-1, 6) & FRAME["kind"].isin(["common", "other"])]
    found, wanted = ((f["kind"] == "other").mean() for f in (drawn, real))
    assert found == pytest.approx(wanted, abs=0.06)


def test_balance_gives_the_shares_asked_for(fitted: SynthGen) -> None:
    even = fitted.sample(300, balance="kind", seed=2)["kind"].value_counts()
    assert set(even) == {100}
    asked = fitted.sample(400, balance={"sign": {"high": 0.25, "low": 0.75}}, seed=2)
    assert (asked["sign"] == "high").sum() == 100


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ({"number": (100, 200)}, "nothing is generated from 100 to 200; .*between"),
        ({"number": (3, 1)}, "upside down"),
        ({"kind": ("a", "b")}, "no range"),
        ({"number": "much"}, "cannot compare"),
        ({"number": (1, 2, 3)}, "two values"),
    ],
)
def test_impossible_conditions_are_explained(
    fitted: SynthGen, where: dict[str, object], says: str
) -> None:
    with pytest.raises(ConditionError, match=says):
        fitted.sample(10, where=where)


def test_equal_seeds_give_equal_rows_and_files_come_back(fitted: SynthGen, tmp_path) -> None:  # type: ignore[no-untyped-def]
    fitted.save(tmp_path / "m.synthgen")
    again = SynthGen.load(tmp_path / "m.synthgen")
    first, second = (s.sample(500, seed=5) for s in (fitted, again))
    pd.testing.assert_frame_equal(first, second)
    twin = SynthGen(seed=1, max_steps=400, model_options={"hidden": 48}).fit(FRAME)
    twin.save(tmp_path / "twin.synthgen")
    assert (tmp_path / "m.synthgen").read_bytes() == (tmp_path / "twin.synthgen").read_bytes()


def test_the_critic_is_part_of_the_model(fitted: SynthGen) -> None:
    assert fitted.generator_.critics
    weights = fitted.generator_.weights()
    names = [name for name in weights if name.startswith("critic.")]
    assert names
    weights["critic.0.left"] = weights["critic.0.left"] + 10**6
    with pytest.raises(ModelFileError, match="tree critic"):
        ARGAN.load(fitted.encoder_, fitted.generator_.config(), weights)


def test_gaps_are_filled_and_known_cells_stay(fitted: SynthGen) -> None:
    whole = toy(600, seed=9)
    rng = np.random.default_rng(1)
    holes = pd.DataFrame(rng.random(whole.shape) < 0.2, columns=whole.columns)
    filled = fitted.impute(whole.mask(holes))
    assert not filled.isna().any().any()
    assert (filled.dtypes == whole.dtypes).all()
    kept = ~holes & whole.notna()
    for name in whole:
        assert (filled[name][kept[name]] == whole[name][kept[name]]).all()
    gap = holes["kind"] & ~holes["number"]
    assert (filled["kind"] == whole["kind"])[gap].mean() > 0.85
    gap = holes["number"] & ~holes["kind"]
    error = (filled["number"] - whole["number"])[gap]
    assert np.sqrt((error**2).mean()) < 1.4 < whole["number"].std()


def test_whole_numbers_with_gaps_are_whole_again() -> None:
    whole = pd.DataFrame({"a": np.arange(60) % 7, "b": np.arange(60) % 7 * 2.5})
    fitted = SynthGen(seed=1, max_steps=3, model_options=SMALL, progress=False).fit(whole)
    gaps = whole.copy().astype({"a": float})
    gaps.loc[[3, 4], "a"] = np.nan
    filled = fitted.impute(gaps)
    assert filled.dtypes.equals(whole.dtypes)
    assert (filled["a"].drop([3, 4]) == whole["a"].drop([3, 4])).all()


def test_draws_keep_the_spread_that_best_guesses_lose(fitted: SynthGen) -> None:
    gaps = toy(800, seed=9)
    real = gaps["number"].copy()
    gaps["number"] = np.nan
    best, drawn = (fitted.impute(gaps, method=m, seed=1)["number"] for m in ("best", "draw"))
    assert best.std() < drawn.std()
    assert drawn.std() == pytest.approx(real.std(), rel=0.15)
    with pytest.raises(InvalidInputError, match="'best' or 'draw'"):
        fitted.impute(gaps, method="mean")


def test_wide_tables_get_narrow_networks() -> None:
    config = ARGANConfig()
    assert sizes(config, 15).hidden == 192
    for n in (60, 200, 500, 8000):
        found = sizes(config, n)
        if found.state:
            assert n * found.state * (found.token + found.hidden) < 40_000_000
        else:
            assert found.token * found.hidden * n * n < 40_000_000


def test_a_wide_table_of_few_rows_fits_and_samples() -> None:
    rng = np.random.default_rng(0)
    cause = rng.normal(size=(72, 1))
    wide = pd.DataFrame((cause + 0.3 * rng.normal(size=(72, 204))).round(4)).rename(columns=str)
    wide["type"] = np.where(cause[:, 0] > 0, "ALL", "AML")
    fitted = SynthGen(seed=1, max_steps=300).fit(wide)
    drawn = fitted.sample(200, seed=2, where={"type": "ALL"})
    assert drawn.shape == (200, 205) and (drawn["type"] == "ALL").all()
    assert drawn.drop(columns="type").mean().mean() > 0.12, "genes follow the type"


def test_one_thread_or_two_give_the_same_rows(fitted: SynthGen) -> None:
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(fitted.sample(9000, seed=4))
    finally:
        torch.set_num_threads(before)
    pd.testing.assert_frame_equal(*found)
