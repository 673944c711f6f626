"""Cells that are the same as another of their row: as codes, and back."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from synthgen import frames
from synthgen.cells import Cells
from synthgen.encoding.copies import converted, copyable, equal, first_equal, sources_first
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.quantiles import MIN_ROWS, Points, StepQuantiles
from synthgen.encoding.summary import NumericSummary, find_atoms
from synthgen.encoding.table import RankedTable, TableEncoder, merged, summarize
from synthgen.errors import ConditionError
from synthgen.schema import Column, Schema
from synthgen.seeds import Streams

SOURCES = {"paid": ("billed", "earlier"), "late": ("paid",)}


def bills(n: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Payments that are 0, a bill, an earlier bill or something else; ``late`` repeats some."""
    rng = np.random.default_rng(seed)
    billed, earlier = rng.gamma(2, 500, (2, n)).round(2)
    kind = rng.choice(4, n, p=[0.3, 0.2, 0.1, 0.4])
    paid = np.choose(kind, [billed, earlier, np.zeros(n), rng.gamma(1, 300, n).round(2)])
    late = np.where(rng.random(n) < 0.4, paid, rng.gamma(1, 50, n).round(2))
    frame = pd.DataFrame({"billed": billed, "earlier": earlier, "paid": paid, "late": late})
    frame.loc[rng.random(n) < 0.1, "earlier"] = np.nan
    frame.loc[rng.random(n) < 0.05, "paid"] = np.nan
    return frame


@pytest.fixture(scope="module")
def fitted() -> tuple[pd.DataFrame, TableEncoder]:
    frame, _ = frames.read(bills())
    return frame, TableEncoder.fit(frame, Schema.infer(frame), (), SOURCES)


def paid_of(encoder: TableEncoder) -> NumericEncoder:
    paid = encoder.columns[2]
    assert isinstance(paid, NumericEncoder)
    return paid


def oracle(frame: pd.DataFrame, encoder: TableEncoder) -> list[int | str]:
    """What each payment is, row by row: missing, an atom, a copy, or a value of its own."""
    found: list[int | str] = []
    for row in frame.itertuples():
        if np.isnan(row.paid):
            found.append("missing")
        elif row.paid in paid_of(encoder).atoms:
            found.append("atom")
        else:
            same = [k for k, v in enumerate((row.billed, row.earlier)) if v == row.paid]
            found.append(same[0] if same else "own")
    return found


def test_codes_are_those_of_a_walk_through_the_rows(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    frame, encoder = fitted
    paid, said = paid_of(encoder), oracle(frame, encoder)
    table = encoder.encode(frame, Streams(0))
    for code, value, kind in zip(table.codes[:, 2], table.values[:, 2], said, strict=True):
        if kind == "missing":
            assert code == paid.n_codes - 1
        elif kind == "atom":
            assert code < len(paid.atoms)
        elif kind == "own":
            assert paid.has_value[code]
        else:
            assert code == paid.first_copy + int(kind) and paid.is_copy[code]
        assert paid.has_value[code] or value == 0
    assert (np.asarray(said) == "atom").any() and 0.0 in paid.atoms
    counts = np.bincount(table.codes[:, 2], minlength=paid.n_codes)
    held = paid.share * len(frame)
    whole = ~paid.has_value  # which mode a value is drawn into is chance
    np.testing.assert_allclose(held[whole], counts[whole], rtol=0.01)
    assert paid.n_present + 1 == paid.n_codes == len(paid.share)


def test_only_other_values_are_learned_as_numbers(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    frame, encoder = fitted
    own = frame["paid"][[kind == "own" for kind in oracle(frame, encoder)]]
    expected = StepQuantiles.fit(Points.of(own.to_numpy()))
    np.testing.assert_array_equal(paid_of(encoder).quantiles.low, expected.low)
    np.testing.assert_array_equal(paid_of(encoder).quantiles.mass, expected.mass)
    mean = float(paid_of(encoder).modes.weight @ paid_of(encoder).modes.mean)
    assert mean == pytest.approx(own.mean(), rel=0.02)


def test_copies_get_what_their_source_is_decoded_to(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    frame, encoder = fitted
    table = encoder.encode(frame, Streams(0))
    back = encoder.decode(table, Streams(0))
    failed = 0
    for j, sources in encoder.copies:
        column = encoder.columns[j]
        assert isinstance(column, NumericEncoder)
        for k, source in enumerate(sources):
            rows = table.codes[:, j] == column.first_copy + k
            same = back.iloc[:, j] == back.iloc[:, source]
            failed += int((rows & ~same).sum())
            assert rows.sum() > 100
    assert failed <= 10, "the largest values lie beyond the protected range"
    for copy, source in (("paid", "billed"), ("paid", "earlier"), ("late", "paid")):
        there, here = ((f[copy] == f[source]).mean() for f in (frame, back))
        assert here == pytest.approx(there, abs=0.006)


def test_every_copy_code_decodes_to_something_of_the_column(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    _, encoder = fitted
    paid, n = paid_of(encoder), 400
    rng = np.random.default_rng(1)
    codes = np.zeros((n, 4), np.int32)
    for j, column in enumerate(encoder.columns):
        codes[:, j] = rng.choice(column.n_codes, n)
    codes[:, 2] = paid.first_copy + 1  # the same as earlier, which is missing at times
    cells = encoder.numbers(RankedTable(codes, rng.random((n, 4)).astype(np.float32)))
    gone = cells[1].missing
    low, high = paid.ends()
    assert 0 < gone.sum() < n and not cells[2].missing.any()
    inside = ~gone & (cells[1].values >= low) & (cells[1].values <= high)
    np.testing.assert_array_equal(cells[2].values[inside], cells[1].values[inside])
    assert (cells[2].values >= low).all() and (cells[2].values <= high).all()
    assert (cells[2].values[~inside] != cells[1].values[~inside]).all()
    failed = encoder.put_copies(codes, [cells[j] for j in range(4)])[2]
    np.testing.assert_array_equal(failed, ~inside)


def test_kept_cells_stay(fitted: tuple[pd.DataFrame, TableEncoder]) -> None:
    _, encoder = fitted
    codes = np.zeros((6, 4), np.int32)
    codes[:, 2] = paid_of(encoder).first_copy
    cells = [Cells(np.full(6, 100.0 + j), np.zeros(6, bool)) for j in range(4)]
    kept = np.zeros((6, 4), bool)
    kept[3:, 2] = True
    encoder.put_copies(codes, cells, kept)
    assert cells[2].values.tolist() == [100.0] * 3 + [102.0] * 3


def test_the_range_holds_all_numbers_and_names_nobody(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    frame, encoder = fitted
    low, high = paid_of(encoder).ends()
    largest = np.sort(frame["paid"].dropna())[-MIN_ROWS:]
    assert low == 0 and high == pytest.approx(largest.mean(), abs=0.01)
    stored = json.dumps(encoder.to_dict()["columns"][2])
    assert f"{largest[-1]}" not in stored


def test_few_other_values_leave_no_trace() -> None:
    x = np.random.default_rng(0).normal(0, 9, 300).round(2)
    y = x.copy()
    y[:3] = 1234.56
    frame = pd.DataFrame({"x": x, "y": y})
    encoder = TableEncoder.fit(frame, Schema.infer(frame), (), {"y": ("x",)})
    own = encoder.columns[1]
    assert isinstance(own, NumericEncoder)
    assert not own.has_value.any() and not own.has_own and own.n_codes == 1
    assert "1234" not in json.dumps(own.to_dict()["quantiles"])
    table = encoder.encode(frame, Streams(0))
    assert (table.codes[:, 1] == 0).all(), "there is no other code"


def test_batches_merge() -> None:
    frame, _ = frames.read(bills())
    schema = Schema.infer(frame)
    first = summarize(frame.iloc[:700], schema, SOURCES)
    second = summarize(frame.iloc[700:], schema, SOURCES, like=first)
    parts_, whole = (
        TableEncoder.from_summaries(schema, merged(first, second), (), SOURCES),
        TableEncoder.fit(frame, schema, (), SOURCES),
    )
    assert parts_.to_dict() == whole.to_dict()


def test_through_json_and_damaged(fitted: tuple[pd.DataFrame, TableEncoder]) -> None:
    frame, encoder = fitted
    state = json.loads(json.dumps(encoder.to_dict()))
    again = TableEncoder.from_dict(encoder.schema, state)
    assert again.copies == encoder.copies == ((2, (0, 1)), (3, (2,)))
    first, second = (e.encode(frame, Streams(1)) for e in (encoder, again))
    np.testing.assert_array_equal(first.codes, second.codes)
    assert "copies" not in state["columns"][0]
    for change, says in (
        ({"sources": ["billed"], "low": 0, "high": 9}, "wrong number of codes"),
        ({"sources": ["billed", "earlier"], "low": 9, "high": 0}, "no range"),
        ({"sources": ["billed", "earlier"], "low": 0, "high": float("nan")}, "no range"),
    ):
        damaged = json.loads(json.dumps(state))
        damaged["columns"][2]["copies"] = change
        with pytest.raises(ValueError, match=says):
            TableEncoder.from_dict(encoder.schema, damaged)
    circle = json.loads(json.dumps(state))
    circle["columns"][2]["copies"]["sources"] = ["billed", "late"]
    with pytest.raises(ValueError, match="circle"):
        _ = TableEncoder.from_dict(encoder.schema, circle).copies


def test_conditions_allow_copies_where_these_may_meet_them(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    _, encoder = fitted
    paid = paid_of(encoder)
    copies = set(np.flatnonzero(paid.is_copy).tolist())
    assert copies and copies <= set(paid.between(100, 900).codes.tolist())
    assert copies <= set(paid.between(None, None).codes.tolist())
    assert not copies & set(paid.between(100, 100).codes.tolist()), "one number is seldom copied"
    assert not copies & set(paid.codes_of(0).tolist())
    beyond = paid.ends()[1] + 1
    with pytest.raises(ConditionError, match="nothing is generated"):
        paid.between(beyond, beyond + 9)
    # above what the column holds of its own, there are copies still
    top = float(paid.quantiles.high[-1])
    assert set(paid.between(top + 1, None).codes.tolist()) == copies


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        ({"kind": "integer"}, {"kind": "float"}, True),
        ({"kind": "float"}, {"kind": "integer"}, True),
        ({"kind": "float"}, {"kind": "datetime"}, False),
        ({"kind": "category"}, {"kind": "category"}, False),
        ({"kind": "datetime"}, {"kind": "datetime", "unit": "ns"}, True),
        ({"kind": "datetime", "unit": "s"}, {"kind": "datetime", "unit": "ns"}, False),
        ({"kind": "datetime", "zone": "UTC"}, {"kind": "datetime"}, False),
        ({"kind": "duration", "unit": "s"}, {"kind": "duration", "unit": "s"}, True),
    ],
)
def test_which_columns_can_be_the_same(
    one: dict[str, str], other: dict[str, str], may: bool
) -> None:
    columns = [Column.model_validate({"name": n} | c) for n, c in (("a", one), ("b", other))]
    assert copyable(*columns) is may


@pytest.mark.parametrize(
    ("one", "other"),
    [("integer", 0), ("integer", 2), (1, 2), (2, 1), (2, "integer"), (None, 2), (None, "integer")],
)
def test_equal_is_equal_in_decimals(one: object, other: object) -> None:
    rng = np.random.default_rng(3)

    def column(name: str, form: object) -> tuple[Column, Cells, list[Decimal]]:
        digits = {"integer": 0, None: 3}.get(form, form)  # type: ignore[call-overload]
        ticks = rng.integers(-40, 40, 3000) * 10 ** int(rng.integers(0, 2))
        texts = [Decimal(int(tick)).scaleb(-int(digits)) for tick in ticks]
        missing = rng.random(3000) < 0.1
        if form == "integer":
            return Column(name=name, kind="integer"), Cells(ticks, missing), texts
        values = np.array([float(t) for t in texts])
        decimals = form if isinstance(form, int) else None
        return Column(name=name, kind="float", decimals=decimals), Cells(values, missing), texts

    (a, there, a_texts), (b, here, b_texts) = column("a", one), column("b", other)
    expected = [
        not there.missing[i] and not here.missing[i] and a_texts[i] == b_texts[i]
        for i in range(3000)
    ]
    np.testing.assert_array_equal(equal(there, here, (a, b)), expected)
    assert any(expected)


def test_what_a_column_cannot_hold_is_missing() -> None:
    fraction, whole = Column(name="a", kind="float"), Column(name="b", kind="integer")
    cells = Cells(np.array([1.0, 2.5, 1e300, -3.0]), np.array([False, False, False, True]))
    found = converted(cells, fraction, whole)
    assert found.missing.tolist() == [False, True, True, True] and found.values.dtype == np.int64
    day = Column(name="c", kind="datetime", unit="s", resolution=86_400)
    moment = Column(name="d", kind="datetime", unit="s")
    ticks = Cells(np.array([86_400, 86_401]), np.zeros(2, bool))
    assert converted(ticks, moment, day).missing.tolist() == [False, True]


def test_single_precision_is_read_as_the_decimals_it_shows() -> None:
    values = np.array([0.1, 12.3, 1e4 + 0.7])
    one = Column(name="a", kind="float", decimals=1, dtype="float32")
    other = Column(name="b", kind="float", decimals=1)
    cells = (Cells(v, np.zeros(3, bool)) for v in (values.astype(np.float32).astype(float), values))
    assert equal(*cells, (one, other)).all()


def test_the_first_of_several_sources() -> None:
    none = np.zeros(3, bool)
    column = Column(name="t", kind="integer")
    target, a, b = (Cells(np.array(v), none) for v in ([1, 2, 3], [1, 0, 0], [1, 2, 0]))
    assert first_equal(target, column, [(a, column), (b, column)]).tolist() == [0, 1, -1]
    assert first_equal(target, column, []).tolist() == [-1, -1, -1]


def test_sources_come_first() -> None:
    assert sources_first({1: (2, 0), 2: (3,), 5: (1,)}) == ((2, (3,)), (1, (2, 0)), (5, (1,)))
    with pytest.raises(ValueError, match="circle"):
        sources_first({1: (2,), 2: (1,)})


def test_atoms_are_those_of_all_cells() -> None:
    """A value repeated by copies and others together is an atom, whoever holds it."""
    values = np.r_[np.full(40, 7.0), np.arange(1000) + 100.25]
    same_as = np.r_[np.zeros(20, int), np.full(1020, -1)]
    summary = NumericSummary.of(Cells(values, np.zeros(1040, bool)), None, same_as, 1)
    assert summary.points.n == 1020 and summary.copied[0].n == 20
    assert find_atoms(summary.total).tolist() == [7.0]
    whole = Points.of(values)
    np.testing.assert_array_equal(summary.total.value, whole.value)
    np.testing.assert_array_equal(summary.total.count, whole.count)
