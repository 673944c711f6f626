from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from synthgen.errors import InvalidInputError
from synthgen.evaluation.privacy import RISKS, Release, attack
from synthgen.evaluation.privacy.attribute import attribute_inference
from synthgen.evaluation.privacy.copies import exact_copies, identifier_copies, near_copies
from synthgen.evaluation.privacy.linkability import linkability
from synthgen.evaluation.privacy.membership import ATTACKS, best_match, by_likelihood, membership
from synthgen.evaluation.privacy.people import People
from synthgen.evaluation.privacy.power import exchanged, planted_leaks
from synthgen.evaluation.privacy.promise import allowed, allowed_auc, contradicted, measured_epsilon
from synthgen.evaluation.privacy.quasi import quasi_identifiers
from synthgen.evaluation.privacy.risk import Risk
from synthgen.evaluation.privacy.singling_out import Predicates, singling_out

Parts = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def honest_membership(honest: People) -> dict[str, Risk]:
    return membership(honest)


@pytest.fixture(scope="module")
def leaked_membership(leaked: People) -> dict[str, Risk]:
    return membership(leaked)


def of(risk: Risk, name: str) -> float:
    return float(risk.parts["of"][name]["value"])


@pytest.mark.parametrize("name", list(ATTACKS))
def test_no_attack_tells_members_of_an_honest_release(
    honest_membership: dict[str, Risk], name: str
) -> None:
    low, high = honest_membership["membership_auc"].parts["of"][name]["ci"]
    assert low - 0.02 <= 0.5 <= high + 0.02


@pytest.mark.parametrize("name", [n for n in ATTACKS if n != "classifier"])
def test_every_attack_tells_members_of_a_copy(
    leaked_membership: dict[str, Risk], name: str
) -> None:
    assert of(leaked_membership["membership_auc"], name) > 0.75


def test_the_classifier_tells_some_members_of_a_copy(leaked_membership: dict[str, Risk]) -> None:
    assert of(leaked_membership["membership_auc"], "classifier") > 0.52


def test_a_copy_is_caught_with_hardly_a_false_alarm(leaked_membership: dict[str, Risk]) -> None:
    assert (leaked_membership["membership_tpr_1"].lower(12) or 0) > 0.9


def test_rarity_finds_what_distance_misses(parts: Parts) -> None:
    train, _, holdout = parts
    people = People.of(train, exchanged(train, 0.6, seed=3), holdout, seed=0)
    found = membership(people)["membership_auc"]
    low, _ = found.parts["of"]["rarity matching"]["ci"]
    assert low > 0.6
    assert of(found, "nearest distance") < 0.56


def test_best_match_is_the_heaviest_row() -> None:
    rng = np.random.default_rng(0)
    rows, among = rng.integers(4, size=(20, 3)), rng.integers(4, size=(50, 3))
    weights = [rng.random(4) for _ in range(3)]
    expected = [
        max(sum(w[r[j]] for j, w in enumerate(weights) if r[j] == a[j]) for a in among)
        for r in rows
    ]
    assert best_match(rows, among, weights) == pytest.approx(expected, abs=1e-5)


def test_predicates_count_as_pandas_does(honest: People) -> None:
    cells = honest.numbers["synthetic"]
    predicates = Predicates(
        np.array([[0, 2], [3, 3]]),
        np.array([[1, -1], [0, 0]]),
        np.array([[40.0, 200_000.0], [cells[0, 3], cells[0, 3]]]),
    )
    table = pd.DataFrame(cells)
    expected = [((table[0] >= 40) & (table[2] <= 200_000)).sum(), (table[3] == cells[0, 3]).sum()]
    assert predicates.counts(cells).tolist() == expected


def test_singling_out_succeeds_on_copies_only(honest: People, leaked: People) -> None:
    for name, risk in singling_out(leaked, attacks=500).items():
        assert (risk.lower() or 0) > 0.3, name
    for name, risk in singling_out(honest, attacks=500).items():
        assert (risk.lower(4) or 0) <= 0.01, name


def test_links_are_found_in_copies_only(honest: People, leaked: People) -> None:
    assert (linkability(leaked).lower() or 0) > 0.3
    assert (linkability(honest).lower(4) or 0) <= 0.01
    assert "two parts" in (linkability(_one_column(honest)).reason or "")


def _one_column(people: People) -> People:
    tables = {n: getattr(people, n)[["age"]] for n in ("train", "synthetic", "members", "controls")}
    return replace(people, **tables)


def test_cells_are_guessed_better_of_members_of_a_copy_only(honest: People, leaked: People) -> None:
    found = attribute_inference(leaked)
    assert of(found, "income") > 0.1
    assert (attribute_inference(honest).lower(4) or 0) <= 0.01


def test_guesses_are_those_of_the_nearest_row_in_all_other_columns(leaked: People) -> None:
    points = leaked.points["synthetic"].astype(float)
    blocks = leaked.embedding.blocks
    names = list(leaked.synthetic.columns)
    j = names.index("income")
    rest = [k for k in range(points.shape[1]) if not blocks[j].start <= k < blocks[j].stop]
    rows = leaked.points["controls"].astype(float)[:300]
    squared = ((rows[:, None, rest] - points[None, :, rest]) ** 2).sum(2)
    guess = leaked.numbers["synthetic"][squared.argmin(1), j]
    right = (guess == leaked.numbers["controls"][:300, j]).mean()
    few = replace(leaked, controls=leaked.controls[:300], members=leaked.members[:300])
    found = attribute_inference(few).parts["of"]["income"]["parts"]["control"]
    assert found == pytest.approx(right, abs=0.02)


def test_copies_are_counted(parts: Parts) -> None:
    train, other, holdout = parts
    some = pd.concat([other.iloc[:1980], train.iloc[:20]], ignore_index=True)
    assert exact_copies(train, some, holdout).value == pytest.approx(0.01, abs=0.002)
    assert (exact_copies(train, some, holdout).lower(12) or 0) > 0
    assert exact_copies(train, other, holdout).value == 0


def test_a_copy_with_a_number_moved_a_little_is_a_near_copy(parts: Parts) -> None:
    train, _, holdout = parts
    moved = train.assign(fnlwgt=train["fnlwgt"] + 7)
    people = People.of(train, moved, holdout, seed=0)
    assert (near_copies(people).value or 0) > 0.9
    assert exact_copies(train, moved, holdout).value == 0


def test_copied_identifiers_are_found(parts: Parts) -> None:
    train, other, holdout = (
        pd.DataFrame({"mail": [f"{role}{i}@example.org" for i in range(200)]}) for role in "abc"
    )
    made = pd.DataFrame({"mail": [*train["mail"][:20], *other["mail"][:180]]})
    assert identifier_copies([train, made, holdout]).value == pytest.approx(0.1)
    assert identifier_copies([train, other, holdout]).value == 0


def test_classes_of_quasi_identifiers_are_those_of_groupby(parts: Parts) -> None:
    train, other, holdout = parts
    columns = ["sex", "race", "education"]
    risk, classes = quasi_identifiers(train, other, holdout, columns, ["income"])
    size = train.groupby(columns).size()
    assert classes[0]["k"] == size.min()
    assert classes[0]["unique_rows_pct"] == pytest.approx(100 * (size == 1).sum() / len(train))
    assert classes[0]["l"]["income"] == train.groupby(columns)["income"].nunique().min()
    assert risk.value is not None
    with pytest.raises(InvalidInputError, match="did you mean 'sex'"):
        quasi_identifiers(train, other, holdout, ["sexx"])


def test_rare_people_are_attacked_apart(leaked_membership: dict[str, Risk]) -> None:
    assert leaked_membership["membership_rarest_auc"].n <= 200


def test_planted_leaks_are_harder_to_find_the_more_was_exchanged(honest: People) -> None:
    found = [leak["auc"] for leak in planted_leaks(honest)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.7


def test_a_holdout_that_was_trained_on_is_refused(parts: Parts) -> None:
    train, other, holdout = parts
    mixed = pd.concat([holdout.iloc[:900], train.iloc[:100]])
    with pytest.raises(InvalidInputError, match="put aside before the fit"):
        People.of(train, other, mixed, seed=0)


def test_tiny_tables_are_refused(parts: Parts) -> None:
    train, other, holdout = parts
    with pytest.raises(InvalidInputError, match="the holdout table has 20 rows"):
        People.of(train, other, holdout[:20], seed=0)


def test_all_attacks_in_one_call(parts: Parts) -> None:
    train, other, holdout = (part[:400] for part in parts)
    found = attack(Release(train, other, holdout), seed=1)
    assert tuple(found.risks) == RISKS
    again = attack(Release(train, other, holdout), seed=1)
    assert found.risks == again.risks


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 4.0])
def test_no_attack_on_randomized_response_exceeds_what_is_allowed(epsilon: float) -> None:
    # the best attack on one bit: it tells the truth with probability e^eps / (1 + e^eps)
    truth = np.exp(epsilon) / (1 + np.exp(epsilon))
    assert allowed(epsilon, 0.0, 1 - truth) == pytest.approx(truth)
    assert allowed(1.0, 1e-5, 0.01) == pytest.approx(0.0272, abs=1e-4)


def test_a_copy_contradicts_a_promise_and_an_honest_release_does_not(
    honest_membership: dict[str, Risk], leaked_membership: dict[str, Risk]
) -> None:
    assert contradicted(leaked_membership, 1.0, 1e-5)
    assert measured_epsilon(leaked_membership, 1e-5) > 3
    assert not contradicted(honest_membership, 1.0, 1e-5)


def test_an_auc_contradicts_a_promise_too() -> None:
    rng = np.random.default_rng(0)
    members, controls = rng.normal(1.5, 1, 3000), rng.normal(0, 1, 3000)
    seen = by_likelihood(lambda: {"likelihood": {"members": members, "controls": controls}})
    # without anything private an attack guesses, and of one bit it tells what it is told
    assert allowed_auc(0.0, 0.0) == pytest.approx(0.5, abs=1e-3)
    truth = np.exp(1) / (1 + np.exp(1))
    assert allowed_auc(1.0, 0.0) == pytest.approx(truth, abs=1e-3)
    assert "by the model's own likelihood has an AUC of at least 0.8" in contradicted(
        seen, 1.0, 1e-5
    )[0]  # fmt: skip
    assert not contradicted(seen, 3.0, 1e-5)
    assert 1.5 < measured_epsilon(seen, 1e-5) < 2.0
    same = {"members": controls, "controls": controls}
    assert measured_epsilon(by_likelihood(lambda: {"likelihood": same}), 1e-5) == 0
