"""The audit: what it proves, and that it finds what was planted."""

import numpy as np
import pytest

from synthgen.audit import mechanisms
from synthgen.audit.bounds import gaussian_lower_bound, lower_bound, one_run_lower_bound
from synthgen.audit.mechanisms import AUDITS, Audit
from synthgen.audit.planted import Planted
from synthgen.audit.run import AuditReport, run_audit


def test_a_bound_is_below_the_truth_and_near_it():
    rng = np.random.default_rng(0)
    n = 40_000
    # randomized response of epsilon 1 says the truth with probability .731
    truth = np.exp(1) / (1 + np.exp(1))
    with_it, without = rng.random(n) < truth, rng.random(n) < 1 - truth
    found = lower_bound(with_it.astype(float), without.astype(float), 0.0)
    assert 0.9 < found <= 1.0


def test_equal_laws_prove_nothing():
    rng = np.random.default_rng(1)
    assert lower_bound(*rng.normal(size=(2, 5000)), 1e-5) < 0.2


def test_the_gaussian_bound_comes_within_a_tenth():
    rng = np.random.default_rng(2)
    # mu of epsilon 1 at delta 1e-5
    mu = 1 / 3.7306
    found = gaussian_lower_bound(
        rng.normal(mu, 1, 200_000), rng.normal(0, 1, 200_000), mu / 2, 1e-5
    )
    assert 0.9 < found <= 1.0


def test_guesses_at_fair_coins_bound_one_run():
    assert one_run_lower_bound(1000, 500) == 0.0
    assert 0.8 < one_run_lower_bound(1000, 731) < 1.0
    assert one_run_lower_bound(1000, 1000) > 5


def test_the_whole_audit_in_short():
    told = []
    report = run_audit(told=told.append)
    found = report.to_dict()
    assert [entry["name"] for entry in found["planted"] if not entry["caught"]] == []
    assert [entry["name"] for entry in found["mechanisms"] if not entry["holds"]] == []
    assert report.holds
    assert len(found["planted"]) == 6
    count = found["mechanisms"][0]
    assert 0.75 * count["theory"] < count["lower_bound"] <= count["claimed"]
    assert set(count) >= {"name", "claimed", "lower_bound", "confidence", "theory"}
    assert len(told) == len(AUDITS) + 6


@pytest.mark.parametrize(
    ("audit", "bug"),
    [
        (Audit("x", 1.0, 1.1, None), Planted("y", True, 1.0, 2.0)),
        (Audit("x", 1.0, 0.9, None), Planted("y", False, 1.0, 0.5)),
    ],
)
def test_a_crossed_claim_or_a_bug_not_found_is_a_violation(audit, bug):
    assert not AuditReport((audit,), (bug,)).holds


def test_planted_bugs_are_taken_out_again():
    from synthgen.audit import planted
    from synthgen.encoding import bought
    from synthgen.privacy import ledger
    from synthgen.training import dpsgd

    names = [(dpsgd, "_wrapped"), (ledger, "_batches_of"), (ledger, "discrete_gaussian"),
             (bought, "_bounds")]  # fmt: skip
    before = [getattr(module, name) for module, name in names]
    plants = (planted._no_clipping, planted._shuffled_batches, planted._exact_frequencies,
              planted._raw_bounds)  # fmt: skip
    for plant in plants:
        with plant():
            assert [getattr(module, name) for module, name in names] != before
    assert [getattr(module, name) for module, name in names] == before


def test_descents_are_the_production_path():
    seen = mechanisms.descended(False, mechanisms.SPARSE)
    assert len(seen) == mechanisms.SPARSE.times
    assert np.std(seen) == pytest.approx(mechanisms.SPARSE.noise_multiplier, rel=0.8)
