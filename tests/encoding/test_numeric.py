"""Numbers as codes and values, on real columns."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from synthgen.cells import Cells
from synthgen.encoding.mixture import Mixture, fit_mixtures, histogram
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.quantiles import Points
from synthgen.encoding.summary import NumericSummary, find_atoms
from synthgen.errors import ConditionError
from synthgen.schema import Column

RNG = np.random.default_rng(0)


def cells(values: np.ndarray, missing: np.ndarray | None = None) -> Cells:
    return Cells(values, np.zeros(len(values), bool) if missing is None else missing)


def fit(column: Column, summary: NumericSummary) -> NumericEncoder:
    atoms = find_atoms(summary.points)
    rest = summary.points.without(atoms)
    none = Mixture(*np.zeros((3, 0)))
    modes = fit_mixtures([histogram(rest.value, rest.count)])[0] if rest.n else none
    return NumericEncoder.fit(column, summary, atoms, modes)


def encoder_of(name: str, values: np.ndarray, kind: str = "integer") -> NumericEncoder:
    return fit(Column(name=name, kind=kind), NumericSummary.of(cells(values)))  # type: ignore[arg-type]


def test_spikes_become_atoms(adult: pd.DataFrame) -> None:
    gain = Points.of(adult["capital-gain"].to_numpy(float))
    hours = Points.of(adult["hours-per-week"].to_numpy(float))
    age = Points.of(adult["age"].to_numpy(float))
    assert 0.0 in find_atoms(gain)
    assert {40.0, 50.0} <= set(find_atoms(hours))
    assert len(find_atoms(age)) == 0, "ages are a smooth lattice, not spikes"


def test_few_distinct_values_are_all_atoms(adult: pd.DataFrame) -> None:
    encoder = encoder_of("education-num", adult["education-num"].to_numpy())
    np.testing.assert_array_equal(encoder.atoms, np.arange(1, 17))
    assert not encoder.has_value.any()


@pytest.mark.parametrize("name", ["age", "fnlwgt", "capital-gain", "hours-per-week"])
def test_round_trip_stays_close_and_repeated_values_exact(adult: pd.DataFrame, name: str) -> None:
    values = adult[name].to_numpy()
    encoder = encoder_of(name, values)
    codes, inside = encoder.encode(cells(values), np.random.default_rng(1))
    assert codes.dtype == np.int32 and inside.dtype == np.float32
    assert np.abs(inside).max() <= 1
    back = encoder.decode(codes, encoder.ranks(codes, inside), RNG).values
    counts = adult[name].map(adult[name].value_counts()).to_numpy()
    assert back.dtype == np.int64
    assert back.min() >= values.min() and back.max() <= values.max()
    clipped = np.abs(inside) == 1
    exact = (back == values)[(counts >= 5) & ~clipped]
    assert exact.mean() > 0.99
    assert np.abs(back - values)[~clipped].mean() <= 0.001 * values.std()


def test_rare_values_are_not_looked_up(adult: pd.DataFrame) -> None:
    values = adult["fnlwgt"].to_numpy()
    encoder = encoder_of("fnlwgt", values)
    rng = np.random.default_rng(2)
    modes = rng.choice(encoder.n_present, 30_000, p=encoder.share)
    drawn = encoder.decode(modes, rng.random(30_000, np.float32), rng).values
    counts = adult["fnlwgt"].value_counts()
    singletons = counts.index[counts == 1].to_numpy()
    # by chance alone an integer of a dense range is hit; a look-up would hit far more often
    assert np.isin(singletons, drawn).mean() < 0.3


def test_missing_cells_have_the_last_code() -> None:
    values = np.arange(200.0)
    missing = values % 4 == 0
    summary = NumericSummary.of(cells(values, missing))
    encoder = fit(Column(name="x", kind="float"), summary)
    codes, _ = encoder.encode(cells(values, missing), RNG)
    assert (codes[missing] == encoder.n_codes - 1).all()
    assert (codes[~missing] < encoder.n_present).all()
    assert (
        encoder.decode(codes, np.zeros(200, np.float32), RNG).missing.tolist() == missing.tolist()
    )
    assert encoder.share[-1] == pytest.approx(0.25, abs=0.01)


def test_large_integers_stay_near() -> None:
    values = 10**15 + np.arange(1000) * 7
    encoder = encoder_of("big", values)
    codes, inside = encoder.encode(cells(values), RNG)
    back = encoder.decode(codes, encoder.ranks(codes, inside), RNG).values
    assert back.min() >= values.min() and back.max() <= values.max()
    assert np.abs(back - values)[np.abs(inside) < 1].max() < 50


def test_integers_beyond_float_precision_use_an_origin() -> None:
    values = 2**60 + np.arange(1000)
    encoder = encoder_of("huge", values)
    codes, inside = encoder.encode(cells(values), RNG)
    back = encoder.decode(codes, encoder.ranks(codes, inside), RNG).values
    assert encoder.origin != 0 and encoder.origin not in values[:1]
    assert back.min() >= values.min() and back.max() <= values.max()


def test_dates_are_multiples_of_their_resolution() -> None:
    day = 86_400
    values = np.random.default_rng(3).integers(10_000, 20_000, 2000) * day
    column = Column(name="date", kind="datetime", unit="s", resolution=day)
    encoder = fit(column, NumericSummary.of(cells(values)))
    codes, inside = encoder.encode(cells(values), RNG)
    assert (encoder.decode(codes, encoder.ranks(codes, inside), RNG).values % day == 0).all()


def test_decimals_are_kept() -> None:
    values = np.random.default_rng(4).normal(size=3000).round(2)
    encoder = fit(Column(name="x", kind="float", decimals=2), NumericSummary.of(cells(values)))
    codes, inside = encoder.encode(cells(values), RNG)
    back = encoder.decode(codes, encoder.ranks(codes, inside), RNG).values
    np.testing.assert_array_equal(back, back.round(2))


def test_constant_and_all_missing_columns() -> None:
    constant = encoder_of("c", np.full(50, 3))
    codes, inside = constant.encode(cells(np.full(50, 3)), RNG)
    assert (constant.decode(codes, constant.ranks(codes, inside), RNG).values == 3).all()
    gone = np.ones(50, bool)
    empty = fit(Column(name="e", kind="float"), NumericSummary.of(cells(np.full(50, np.nan), gone)))
    codes, inside = empty.encode(cells(np.full(50, np.nan), gone), RNG)
    assert empty.n_codes == 1 and empty.decode(codes, inside, RNG).missing.all()


def test_conditions_name_values_and_ranges(adult: pd.DataFrame) -> None:
    encoder = encoder_of("education-num", adult["education-num"].to_numpy())
    assert encoder.codes_of(13).tolist() == [12]
    assert encoder.between(3, 5).codes.tolist() == [2, 3, 4]
    with pytest.raises(ConditionError, match=r"from 12\.5 to 12\.5; .* between 1 and 16"):
        encoder.codes_of(12.5)
    with pytest.raises(ConditionError, match="integer values; cannot compare it with 'many'"):
        encoder.codes_of("many")


@pytest.mark.parametrize("name", ["age", "fnlwgt"])
def test_ranks_of_a_range_decode_into_it_and_reach_its_ends(adult: pd.DataFrame, name: str) -> None:
    values = adult[name].to_numpy()
    encoder = encoder_of(name, values)
    low, high = np.quantile(values, [0.3, 0.6]).astype(int)
    found = encoder.between(low, high)
    value = np.flatnonzero(encoder.has_value)[0]
    ranks = np.linspace(found.low_rank, found.high_rank, 5001, dtype=np.float32)
    drawn = encoder.decode(np.full(5001, value), ranks, RNG).values
    assert drawn.min() >= low and drawn.max() <= high
    outside = np.float32(
        [
            np.nextafter(np.float32(found.low_rank), np.float32(-1)),
            np.nextafter(np.float32(found.high_rank), np.float32(2)),
        ]
    )
    beyond = encoder.decode(np.full(2, value), outside.clip(0, 1), RNG).values
    assert beyond[0] < low and beyond[1] > high


def test_json_round_trip(adult: pd.DataFrame) -> None:
    values = adult["hours-per-week"].to_numpy()
    encoder = encoder_of("hours-per-week", values)
    state = json.loads(json.dumps(encoder.to_dict()))
    again = NumericEncoder.from_dict(encoder.column, state)
    codes, inside = encoder.encode(cells(values), np.random.default_rng(5))
    codes_again, inside_again = again.encode(cells(values), np.random.default_rng(5))
    np.testing.assert_array_equal(codes, codes_again)
    np.testing.assert_array_equal(inside, inside_again)
