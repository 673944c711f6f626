"""The ledger: what is entered, what is refused, and that rows are out of reach."""

from dataclasses import dataclass

import numpy as np
import pytest

from synthgen.errors import InvalidInputError
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import Ledger, PrivateTable


@dataclass(frozen=True)
class Rows:
    values: np.ndarray

    def __len__(self):
        return len(self.values)

    def take(self, rows):
        return Rows(self.values[rows])


def table(n=1000, epsilon=1.0):
    return PrivateTable(Rows(np.arange(n) % 4), Ledger(epsilon, 1e-5))


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(0, 1e-5), (-1, 1e-5), (np.inf, 1e-5), (1, 0), (1, 1)]
)
def test_a_budget_that_is_none_is_refused(epsilon, delta):
    with pytest.raises(InvalidInputError, match="epsilon must be|delta must be"):
        Ledger(epsilon, delta)


def test_a_histogram_has_the_noise_that_its_entry_says():
    held = table()
    counts = held.histogram("quarters", lambda rows: rows.values, 4, 0.25)
    entry = held.ledger.entries[0]
    assert entry.what == "quarters"
    assert entry.sensitivity == 1
    # a quarter of the precision is twice the noise of the whole budget
    assert entry.spent.noise_multiplier == pytest.approx(2 * held.ledger.noise(1.0))
    spread = np.std(
        [table().histogram("x", lambda rows: rows.values, 4, 0.25) - 250 for _ in range(200)]
    )
    assert spread == pytest.approx(entry.spent.noise_multiplier, rel=0.15)
    assert np.abs(counts - 250).max() < 6 * entry.spent.noise_multiplier


def test_several_histograms_of_one_row_are_one_mechanism_with_more_noise():
    held = table()
    held.histograms("two", [(lambda rows: rows.values, 4), (lambda rows: rows.values, 4)], 0.5)
    assert len(held.ledger.entries) == 1
    assert held.ledger.entries[0].sensitivity == pytest.approx(np.sqrt(2))


def test_what_the_budget_does_not_allow_is_refused_before_it_is_read():
    held, read = table(), []

    def cells(rows):
        read.append(1)
        return rows.values

    held.histogram("most", cells, 4, 0.9)
    with pytest.raises(InvalidInputError, match="'more'|more: epsilon 1 is spent"):
        held.histogram("more", cells, 4, 0.2)
    assert len(read) == 1
    assert [e.what for e in held.ledger.entries] == ["most"]


def test_a_descent_is_charged_as_a_whole_before_its_first_batch():
    held = table()
    spent = held.ledger.left(lambda noise: Gaussian(noise, 0.1, 50))
    batches = held.batches(spent, "gradients", 1000)
    assert held.ledger.total().pld == pytest.approx(1.0, abs=0.01)
    sizes = [len(parts[0]) for parts in batches]
    assert len(sizes) == 50
    # Poisson batches differ in size
    assert len(set(sizes)) > 5
    assert np.mean(sizes) == pytest.approx(100, rel=0.15)
    with pytest.raises(InvalidInputError, match="spent"):
        held.batches(spent, "again", 1000)


def test_batches_come_in_parts_of_the_physical_size():
    held = table()
    spent = held.ledger.left(lambda noise: Gaussian(noise, 0.5, 2))
    for parts in held.batches(spent, "gradients", 100):
        assert max(map(len, parts)) <= 100
        assert sum(map(len, parts)) > 300


def test_values_of_few_rows_are_not_told():
    rows = Rows(np.array(["many"] * 3000 + ["one"]))

    def counted(held):
        return dict(zip(*np.unique(held.values, return_counts=True), strict=True))

    for _ in range(50):
        held = PrivateTable(rows, Ledger(1.0, 1e-5))
        assert list(held.levels("words", counted, 0.5, 1.0)) == ["many"]


def test_no_name_leads_to_the_rows():
    held = table()
    reachable = [getattr(held, name) for name in vars(held)]
    assert not any(isinstance(value, (Rows, np.ndarray)) for value in reachable)
    assert not hasattr(held, "rows")


def test_the_certificate_says_everything():
    held = table()
    held.count(0.1)
    held.ledger.public.append("names of columns")
    found = held.ledger.to_dict()
    assert found["epsilon"] == 1.0
    assert found["neighbours"] == "add or remove one row"
    assert found["public"] == ["names of columns"]
    assert found["entries"][0]["what"] == "number of rows"
    assert 0 < found["spent"]["epsilon_pld"] <= found["spent"]["epsilon_rdp"]
