"""Encoders of private tables: declared or bought, and a row more changes nothing else."""

import json

import numpy as np
import pandas as pd
import pytest

from synthgen.encoding import bought
from synthgen.encoding.binned import BinnedEncoder
from synthgen.encoding.bought import CellRows, buy_encoder, encode
from synthgen.encoding.category import OTHER
from synthgen.encoding.table import RankedTable, TableEncoder
from synthgen.errors import InvalidInputError
from synthgen.privacy import ledger as ledgers
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.schema import Column, Schema
from synthgen.seeds import Streams


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    n = 6000
    return pd.DataFrame(
        {
            "age": rng.integers(17, 90, n),
            "gain": np.where(rng.random(n) < 0.8, 0, rng.integers(1, 90_000, n)),
            "weight": rng.normal(70.0, 12.0, n),
            "city": rng.choice(["Bern", "Basel", "Chur"], n, p=[0.6, 0.3, 0.1]),
            "member": rng.random(n) < 0.3,
        }
    )


@pytest.fixture
def schema(frame):
    return Schema.infer(frame)


def private(frame, schema, epsilon=1.0):
    return PrivateTable(CellRows.of(frame, schema), Ledger(epsilon, 1e-5))


def test_common_values_are_bins_of_their_own_and_bounds_are_powers_of_two(frame, schema):
    age, gain, *_ = buy_encoder(schema, private(frame, schema, 3.0), 6000.0).columns
    assert isinstance(age, BinnedEncoder)
    assert 0 in gain.atoms
    assert gain.share[list(gain.atoms).index(0)] == pytest.approx(0.8, abs=0.05)
    assert age.ends().tolist() == [16, 128]


def test_declared_bounds_and_values_are_taken_for_nothing(frame, schema):
    columns = {c.name: c for c in schema}
    declared = Schema(
        columns=(
            columns["age"].model_copy(update={"minimum": 17, "maximum": 90}),
            columns["city"].model_copy(update={"categories": ("Basel", "Bern", "Chur", "Genf")}),
        )
    )
    table = private(frame, declared)
    age, city = buy_encoder(declared, table, 6000.0).columns
    assert age.ends().tolist() == [17, 90]
    assert city.levels == ("Basel", "Bern", "Chur", "Genf")
    assert not any("values of" in e.what or "magnitudes" in e.what for e in table.ledger.entries)


def test_a_value_of_one_row_becomes_other(frame, schema):
    frame.loc[0, "city"] = "Nowhere"
    found = buy_encoder(schema, private(frame, schema), 6000.0)
    assert "Nowhere" not in json.dumps(found.to_dict())
    codes = encode(CellRows.of(frame.head(1), schema), found).codes
    assert found.columns[3].levels[codes[0, 3]] in ("Bern", OTHER)


def test_what_decodes_lies_in_the_bin_that_was_encoded(frame, schema):
    encoder = buy_encoder(schema, private(frame, schema), 6000.0)
    table = encode(CellRows.of(frame, schema), encoder)
    ranks = np.zeros(table.codes.shape, np.float32)
    for j, column in enumerate(encoder.columns):
        if isinstance(column, BinnedEncoder):
            low, high = column.rank_intervals()
            ranks[:, j] = ((low + high) / 2)[table.codes[:, j]]
    again = encoder.decode(RankedTable(table.codes, ranks), Streams(0))
    redone = encode(CellRows.of(again, schema), encoder)
    assert (redone.codes == table.codes).mean() > 0.99
    # a seventh of a deviation: bins are narrow where rows are
    assert np.abs(again["weight"] - frame["weight"]).median() < 3.0


def test_it_survives_the_model_file(frame, schema):
    encoder = buy_encoder(schema, private(frame, schema), 6000.0)
    text = json.dumps(encoder.to_dict())
    again = TableEncoder.from_dict(schema, json.loads(text))
    assert json.dumps(again.to_dict()) == text
    assert isinstance(again.columns[0], BinnedEncoder)


def test_misfits_are_not_repeated_in_the_error(frame, schema):
    frame = frame.astype({"age": object})
    frame.loc[3, "age"] = "4711-secret"
    with pytest.raises(InvalidInputError, match="'age' is declared integer") as error:
        CellRows.of(frame, schema)
    assert "4711" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize("row", [0, 17, 5999])
def test_a_row_less_changes_nothing_that_no_mechanism_gave(frame, schema, row, monkeypatch):
    """With the mechanisms' answers held fixed, everything is equal byte for byte."""
    frame.loc[row, ["age", "gain", "city"]] = [10**6, 10**7, "Nowhere"]
    answers = []

    def fitted(rows, replay):
        monkeypatch.setattr(ledgers, "discrete_gaussian", lambda s, n: np.zeros(n, np.int64))
        table = private(rows, schema)
        sound_histograms, sound_levels = table.histograms, table.levels

        def answer(sound):
            def answered(*given):
                mine = sound(*given)
                if not replay:
                    answers.append(mine)
                    return mine
                return queue.pop(0)

            return answered

        table.histograms, table.levels = answer(sound_histograms), answer(sound_levels)
        queue = list(answers)
        n = table.count(0.005)
        encoder = buy_encoder(schema, table, n)
        assert not replay or not queue
        return json.dumps([n, encoder.to_dict(), schema.to_dict(), table.ledger.to_dict()])

    with_it = fitted(frame, replay=False)
    assert fitted(frame.drop(index=row).reset_index(drop=True), replay=True) == with_it


def test_the_test_above_sees_a_raw_bound(frame, schema, monkeypatch):
    """An encoder that reads the largest value directly differs by the row."""

    def bounds(schema, table):
        ends = {j: (0.0, 128.0) for j, c in enumerate(schema) if c.kind in bought.NUMERIC}

        def read(rows):
            ends[0] = (0.0, float(rows.columns[0].values.max()))
            return rows

        table.mapped(read)
        return ends

    monkeypatch.setattr(bought, "_bounds", bounds)
    frame.loc[0, "age"] = 10**6
    with_it, without = (
        buy_encoder(schema, private(rows, schema), 6000.0).columns[0].ends()[1]
        for rows in (frame, frame.drop(index=0).reset_index(drop=True))
    )
    assert with_it != without


def test_a_column_of_texts_gives_away_how_many_are_missing_and_no_more():
    schema = Schema(columns=(Column(name="note", kind="text"),))
    rows = pd.DataFrame({"note": ["a private note"] * 2000 + [None] * 500})
    column = buy_encoder(schema, private(rows, schema), 2500.0).columns[0]
    assert column.share.tolist() == pytest.approx([0.8, 0.2], abs=0.05)


def test_the_code_of_a_row_depends_on_no_other_row(frame, schema):
    frame["city"] = frame["city"].where(np.arange(len(frame)) % 50 > 0, frame.index.astype(str))
    encoder = buy_encoder(schema, private(frame, schema), 6000.0)
    rows = CellRows.of(frame, schema)
    whole = encode(rows, encoder).codes
    without = np.delete(np.arange(len(frame)), 0)
    assert (encode(rows.take(without), encoder).codes == whole[without]).all()
    alone = [encode(rows.take(np.array([k])), encoder).codes[0] for k in range(0, 500, 50)]
    assert (np.array(alone) == whole[0:500:50]).all()


def test_what_is_left_does_not_tell_how_deep_the_tree_went(frame, schema):
    spent = []
    for rows in (frame, frame.assign(age=20, gain=0, weight=70.0)):
        declared = Schema(
            columns=tuple(
                c.model_copy(update={"minimum": 0, "maximum": 90_000}) if c.kind in bought.NUMERIC
                else c
                for c in schema
            )
        )  # fmt: skip
        table = private(rows, declared)
        buy_encoder(declared, table, 6000.0)
        spent.append(sum(e.spent.times / e.spent.noise_multiplier**2 for e in table.ledger.entries))
    assert spent[0] == pytest.approx(spent[1], rel=1e-9)
