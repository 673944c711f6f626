"""Categories as codes: rare levels are never stored, unused ones keep the dtype."""

from __future__ import annotations

import json

import numpy as np
import pytest

from synthgen.cells import Cells
from synthgen.encoding.category import OTHER, CategoryEncoder, CategorySummary
from synthgen.errors import ConditionError
from synthgen.schema import Column

RNG = np.random.default_rng(0)
COLUMN = Column(name="c", kind="category")


def cells(counts: dict[object, int], missing: int = 0) -> Cells:
    held = np.repeat(np.arange(len(counts), dtype=np.int32), list(counts.values()))
    values = np.r_[held, np.zeros(missing, np.int32)]
    gone = np.arange(len(values)) >= len(held)
    return Cells(values, gone, tuple(counts))  # type: ignore[arg-type]


def fit(data: Cells, column: Column = COLUMN) -> CategoryEncoder:
    return CategoryEncoder.fit(column, CategorySummary.of(data))


def test_round_trip_with_missing() -> None:
    data = cells({"a": 10, "b": 7}, missing=6)
    encoder = fit(data)
    codes, _ = encoder.encode(data, RNG)
    back = encoder.decode(codes, np.zeros(len(codes), np.float32), RNG)
    assert back.levels == ("a", "b")
    np.testing.assert_array_equal(back.missing, data.missing)
    np.testing.assert_array_equal(back.values[~back.missing], data.values[~data.missing])
    np.testing.assert_allclose(encoder.share, np.array([10, 7, 6]) / 23)


def test_rare_levels_leave_no_trace() -> None:
    data = cells({"common": 50, "also": 50, "only-one": 1, "only-four": 4})
    encoder = fit(data)
    assert "only" not in json.dumps(encoder.to_dict())
    codes, _ = encoder.encode(data, RNG)
    back = encoder.decode(codes, np.zeros(len(codes), np.float32), RNG)
    assert back.levels == ("common", "also")
    np.testing.assert_array_equal(codes[:100], np.repeat([0, 1], 50))


def test_declared_levels_are_public_and_kept() -> None:
    column = Column(name="c", kind="category", categories=("common", "rare"))
    assert fit(cells({"common": 50, "rare": 1}), column).levels == ("common", "rare")


def test_unused_levels_keep_their_place() -> None:
    data = cells({"zero": 0, "low": 20, "one": 1, "mid": 0, "high": 20})
    encoder = fit(data)
    codes, _ = encoder.encode(data, RNG)
    back = encoder.decode(codes, np.zeros(len(codes), np.float32), RNG)
    assert back.levels == ("zero", "low", "mid", "high")
    shown = {back.levels[v] for v in back.values}
    assert shown == {"low", "high"}


def test_only_rare_levels_become_other() -> None:
    data = cells({f"person {i}": 1 for i in range(30)})
    encoder = fit(data)
    assert encoder.levels == (OTHER,)
    assert "person" not in json.dumps(encoder.to_dict())
    codes, _ = encoder.encode(data, RNG)
    assert (codes == 0).all()


def test_booleans_keep_a_rare_value_but_not_its_count() -> None:
    values = np.arange(100) < 2
    data = Cells(values, np.zeros(100, bool))
    encoder = fit(data, Column(name="b", kind="boolean"))
    codes, _ = encoder.encode(data, RNG)
    back = encoder.decode(codes, np.zeros(100, np.float32), RNG)
    np.testing.assert_array_equal(back.values, values)
    assert encoder.share[1] == pytest.approx(5 / 103)


def test_conditions_name_the_nearest_level() -> None:
    encoder = fit(cells({"married": 10, "single": 10}))
    assert encoder.codes_of("single").tolist() == [1]
    with pytest.raises(ConditionError, match="did you mean 'married'"):
        encoder.codes_of("maried")
    with pytest.raises(ConditionError, match="never missing"):
        encoder.codes_of(None)


def test_summaries_merge() -> None:
    first, second = cells({"a": 3, "b": 3}), cells({"b": 4, "c": 9}, missing=1)
    merged = CategorySummary.of(first).merge(CategorySummary.of(second))
    assert merged.counts == {"a": 3, "b": 7, "c": 9} and merged.missing == 1
    assert CategoryEncoder.fit(COLUMN, merged).levels == ("b", "c")


def test_all_missing() -> None:
    data = cells({}, missing=9)
    encoder = fit(data)
    codes, _ = encoder.encode(data, RNG)
    assert encoder.decode(codes, np.zeros(9, np.float32), RNG).missing.all()


def test_json_round_trip() -> None:
    encoder = fit(cells({"a": 10, 3: 10, 2.5: 10, True: 10, "unused": 0}, missing=5))
    again = CategoryEncoder.from_dict(COLUMN, json.loads(json.dumps(encoder.to_dict())))
    assert again.levels == encoder.levels and again.unused == encoder.unused
