"""Units of privacy: rows of one entity are bounded, sampled together, and covered by the noise."""

import numpy as np
import pandas as pd
import pytest

from synthgen import Schema, SynthGen
from synthgen.audit import mechanisms
from synthgen.errors import InvalidInputError, SchemaError
from synthgen.modelfile import read
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.privacy.units import Units
from synthgen.training import dpsgd
from tests.privacy.test_ledger import Rows


@pytest.fixture(scope="module")
def visits():
    """People with one to twenty visits each."""
    rng = np.random.default_rng(0)
    person = np.repeat([f"p{k}" for k in range(900)], rng.integers(1, 21, 900))
    ward = rng.choice(["eye", "ear", "skin"], len(person), p=[0.5, 0.3, 0.2])
    days = rng.poisson(np.where(ward == "eye", 2, 9))
    return pd.DataFrame({"person": person, "ward": ward, "days": days})


def by_person(table):
    schema = Schema.infer(table)
    columns = [
        c.model_copy(update={"kind": "identifier", "categories": None}) if c.name == "person" else c
        for c in schema
    ]
    return Schema(columns=tuple(columns))


def test_of_each_entity_so_many_rows_are_kept_by_chance():
    entities = pd.Series(["a"] * 50 + ["b"] * 2 + [None] * 9)
    seen = set()
    for _ in range(40):
        units, kept = Units.cut(entities, 3)
        assert np.all(np.diff(kept) > 0)
        assert entities[kept].value_counts(dropna=False).tolist() == [3, 3, 2]
        assert np.bincount(units.of).tolist() == [3, 2, 3]
        seen |= set(kept[kept < 50].tolist())
    # 120 of the 50 rows were kept in all: each with a probability of .91
    assert 35 <= len(seen) <= 50


def test_rows_of_an_entity_are_in_a_batch_together():
    units = Units(np.arange(600) // 3, 3)
    for _ in range(20):
        taken = units.sampled(0.3, np.random.default_rng())
        assert set(np.bincount(taken // 3, minlength=200)) == {0, 3}
    assert len(Units.rows(5).sampled(1.0, np.random.default_rng())) == 5


def test_noise_is_that_of_all_rows_of_an_entity():
    rows = Rows(np.arange(900) % 4)
    held = PrivateTable(rows, Ledger(1.0, 1e-5), Units(np.arange(900) // 3, 3))
    held.histograms("two", [(lambda rows: rows.values, 4)] * 2, 0.5)
    entry = held.ledger.entries[0]
    assert entry.sensitivity == pytest.approx(3 * np.sqrt(2))
    assert entry.spent.noise_multiplier == pytest.approx(held.ledger.noise(0.5))
    again = held.mapped(lambda rows: Rows(rows.values + 1))
    noisy = [again.histogram("x", lambda rows: rows.values - 1, 4, 0.001) for _ in range(200)]
    assert np.std(noisy) == pytest.approx(3 * held.ledger.noise(0.001), rel=0.15)
    list(again.batches(held.ledger.left(lambda noise: Gaussian(noise, 0.1, 2)), "g", 100))
    assert held.ledger.entries[-1].sensitivity == 3


def test_a_value_that_one_entity_holds_in_all_its_rows_is_not_told():
    rows = Rows(np.array(["many"] * 3000 + ["one"] * 60))
    units = Units(np.r_[np.arange(3000) // 60, [50] * 60], 60)

    def counted(held):
        return dict(zip(*np.unique(held.values, return_counts=True), strict=True))

    told = 0
    for _ in range(40):
        held = PrivateTable(rows, Ledger(20.0, 1e-5), units)
        told += "one" in held.levels("words", counted, 0.5, 1.0)
    assert told == 0
    # as a row each, the same 60 are many
    assert "one" in PrivateTable(rows, Ledger(20.0, 1e-5)).levels("words", counted, 0.5, 1.0)


def test_units_are_of_every_row():
    with pytest.raises(ValueError, match="4 rows, and units of 3"):
        PrivateTable(Rows(np.arange(4)), Ledger(1.0, 1e-5), Units.rows(3))


def test_the_audit_finds_noise_of_one_row_for_an_entity_of_three(monkeypatch):
    assert mechanisms.audit_entity_count(3000).holds
    assert mechanisms.audit_entity_descent(200).holds
    with monkeypatch.context() as patch:
        patch.setattr(PrivateTable, "_sensitivity", lambda table, parts: float(np.sqrt(parts)))
        assert not mechanisms.audit_entity_count(3000).holds
    sound = dpsgd._wrapped
    with monkeypatch.context() as patch:
        patch.setattr(
            dpsgd, "_wrapped",
            lambda network, optimizer, noise, clip: sound(network, optimizer, noise / 3, clip),
        )  # fmt: skip
        assert not mechanisms.audit_entity_descent(400).holds


def test_a_fit_by_entity_says_so_and_learns_the_table(visits, tmp_path):
    synth = SynthGen(
        epsilon=8.0, delta=1e-5, entity="person", entity_rows=4, seed=0, max_steps=40
    ).fit(visits, schema=by_person(visits))
    certificate = synth.privacy_
    assert certificate["unit"] == "entity of column 'person', at most 4 rows of each"
    assert certificate["neighbours"] == "add or remove one " + certificate["unit"]
    assert {entry["sensitivity"] for entry in certificate["entries"]} >= {4.0}
    # most people came more often than four times
    assert len(visits) > 8000
    assert 2000 < synth.training_["n_rows"] < 3600
    drawn = synth.sample(3000, seed=1)
    assert list(drawn) == list(visits)
    assert not set(drawn["person"]) & set(visits["person"])
    shares = [frame["ward"].value_counts(normalize=True) for frame in (visits, drawn)]
    assert shares[1].sub(shares[0], fill_value=0).abs().max() < 0.1
    synth.save(tmp_path / "m.synthgen")
    assert read(tmp_path / "m.synthgen").privacy["unit"] == certificate["unit"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"entity": "person"}, "entity='person'.*give epsilon and delta"),
        ({"epsilon": 1.0, "delta": 1e-5, "entity": "persn"}, "no column 'persn'.*'person'"),
        (
            {"epsilon": 1.0, "delta": 1e-5, "entity": "ward"},
            "'ward'.*declared category.*identifier",
        ),
        ({"epsilon": 1.0, "delta": 1e-5, "entity": "person", "entity_rows": 0}, "1 or more, got 0"),
    ],
)
def test_what_cannot_be_an_entity_is_refused(settings, says, visits):
    with pytest.raises((InvalidInputError, SchemaError), match=says):
        SynthGen(**settings).fit(visits, schema=by_person(visits))
