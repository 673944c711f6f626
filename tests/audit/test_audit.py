"""The audit: what it proves, and that it finds what was planted."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from synthgen import Schema, SynthGen
from synthgen.audit import mechanisms
from synthgen.audit.bounds import gaussian_lower_bound, lower_bound, one_run_lower_bound
from synthgen.audit.canaries import audit_fit, mixed
from synthgen.audit.mechanisms import AUDITS, Audit
from synthgen.audit.planted import Planted
from synthgen.audit.run import AuditReport, run_audit
from synthgen.cli.app import app
from synthgen.errors import InvalidInputError
from synthgen.training import dpsgd


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


def test_delta_and_many_claims_lower_the_bound_of_one_run():
    plain = one_run_lower_bound(1000, 731)
    with_delta = one_run_lower_bound(1000, 731, 1e-5, 2000)
    assert plain - 0.05 < with_delta < plain
    assert one_run_lower_bound(1000, 731, claims=3) < plain
    assert one_run_lower_bound(1000, 731, 1e-2, 2000) == 0.0


@pytest.fixture(scope="module")
def people(adult):
    return adult.sample(1500, random_state=0).reset_index(drop=True)


# as sharp as a fit can be made: what noise covers here it covers in gentler ones
SHARP = {"hidden": 64, "clip": 30.0, "sampling_rate": 0.3, "learning_rate": 0.02}


def test_canaries_of_one_fit_prove_nothing_against_a_sound_one_and_find_one_without_noise(
    people, monkeypatch
):
    def audited():
        synth = SynthGen(epsilon=1.0, delta=1e-5, max_steps=120, model_options=SHARP)
        return audit_fit(people, synth, Schema.infer(people), 1000)

    sound = audited()
    assert sound.holds
    assert sound.lower_bound < 0.7
    wrapped = dpsgd._wrapped
    monkeypatch.setattr(
        dpsgd, "_wrapped",
        lambda network, optimizer, noise, clip: wrapped(network, optimizer, 1e-6, clip),
    )  # fmt: skip
    assert not audited().holds


def test_canaries_are_rows_of_mixed_cells(people):
    own = mixed(people, 5000, np.random.default_rng(0))
    assert own.dtypes.equals(people.dtypes)
    for name in ("age", "education"):
        assert set(own[name]) <= set(people[name])
    # what belongs together no longer does
    assert people.groupby("education")["education-num"].nunique().max() == 1
    assert own.groupby("education")["education-num"].nunique().max() > 5


@pytest.mark.parametrize(
    ("settings", "canaries", "says"),
    [
        ({}, 1000, "audited with epsilon and delta"),
        ({"epsilon": 1.0, "delta": 1e-5, "model": "dp-gan"}, 1000, "of model 'dp-ar'"),
        ({"epsilon": 1.0, "delta": 1e-5}, 10, "10 canaries prove nothing"),
    ],
)
def test_a_fit_that_cannot_be_audited_is_refused(settings, canaries, says, people):
    with pytest.raises(InvalidInputError, match=says):
        audit_fit(people, SynthGen(**settings), Schema.infer(people), canaries)


def test_the_command_audits_a_fit(people, tmp_path):
    people.to_csv(tmp_path / "a.csv", index=False)
    Schema.infer(people).save(tmp_path / "a.json")
    asked = [
        "audit", str(tmp_path / "a.csv"), "--schema", str(tmp_path / "a.json"), "--epsilon", "1",
        "--delta", "1e-5", "--max-steps", "3", "--canaries", "200",
    ]  # fmt: skip
    ran = CliRunner().invoke(app, [*asked, "--json"])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert [a["name"] for a in found["mechanisms"]] == ["one fit, 200 canaries"]
    assert found["planted"] == []
    assert found["mechanisms"][0]["lower_bound"] <= 1.0
    assert "1 of 1 claims hold" in CliRunner().invoke(app, asked).output
    ran = CliRunner().invoke(app, ["audit", "--epsilon", "1"])
    assert ran.exit_code == 4
    assert "name its DATA" in ran.output
