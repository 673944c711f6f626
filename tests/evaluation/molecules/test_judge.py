from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from synthgen import evaluate_molecules
from synthgen.chemistry import structure
from synthgen.errors import InvalidInputError
from synthgen.evaluation.molecules import chemnet, similarity
from synthgen.evaluation.molecules.judge import WAYS, Molecules, judge


@pytest.fixture(scope="module")
def sets(qm9: pd.Series) -> tuple[Molecules, Molecules, Molecules]:
    rows = qm9.tolist()
    made = rows[:200] + rows[:10] + ["C1CC", "", "C.C"]
    return Molecules.of(rows[100:500]), Molecules.of(made), Molecules.of(rows[500:900])


def test_counts(sets: tuple[Molecules, Molecules, Molecules]) -> None:
    found = judge(*sets)
    assert list(found) == list(WAYS)
    assert found["validity"].value == pytest.approx(210 / 213)
    assert found["uniqueness"].value == pytest.approx(200 / 210)
    assert found["novelty"].value == pytest.approx(100 / 200)
    assert all(result.value is not None for result in found.values())
    assert found["fcd"].reason is not None


def test_the_same_molecules_have_no_distance(sets: tuple[Molecules, Molecules, Molecules]) -> None:
    found = judge(sets[0], sets[0])
    expected = {"fcd": 0, "nspdk": 0, "snn": 1, "frag": 1, "scaf": 1, "w1_qed": 0}
    assert {n: found[n].value for n in expected} == pytest.approx(expected, abs=1e-3)


def test_tanimoto_is_shared_bits_by_all_bits() -> None:
    one, other = structure("CCO"), structure("CCN")
    bits = [set(np.flatnonzero(np.unpackbits(s.fingerprint)).tolist()) for s in (one, other)]
    expected = len(bits[0] & bits[1]) / len(bits[0] | bits[1])
    assert similarity.nearest([one], [other])[0] == pytest.approx(expected)
    assert similarity.internal_diversity([one, other]) == pytest.approx(1 - (2 + 2 * expected) / 4)


def test_cosine_of_counts() -> None:
    one, other = Counter({"a": 3, "b": 4}), Counter({"b": 2})
    assert similarity.cosine(one, other) == pytest.approx(0.8)
    assert similarity.cosine(one, Counter()) == 0


def test_frechet_distance_of_normal_points() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, (20_000, 3)), rng.normal(1, 2, (20_000, 3))
    assert chemnet.frechet(one, other) == pytest.approx(3 * (1 + 1), rel=0.05)


def test_activations_do_not_depend_on_the_batch(qm9: pd.Series) -> None:
    pytest.importorskip("fcd")
    rows = qm9[:5].tolist()
    together = chemnet.activations(rows)
    alone = np.concatenate([chemnet.activations([text]) for text in rows])
    assert np.allclose(together, alone, atol=1e-4)


def test_nothing_valid_has_reasons_and_nothing_given_is_an_error(
    sets: tuple[Molecules, Molecules, Molecules],
) -> None:
    found = judge(sets[0], Molecules.of(["C1CC"]))
    assert found["validity"].value == 0
    assert found["fcd"].reason == "no synthetic molecule is valid"
    with pytest.raises(InvalidInputError, match="no synthetic molecules"):
        judge(sets[0], Molecules.of([]))
    with pytest.raises(InvalidInputError, match="train rows"):
        judge(Molecules.of(["xx"]), sets[1])


def test_the_report_shows_no_molecule_that_was_given(qm9: pd.Series) -> None:
    rows = qm9.tolist()
    report = evaluate_molecules(
        rows[:300], [*rows[:50], "CCCCCCCCCC(F)(F)F"], holdout=rows[300:600]
    )
    assert report.contents["shown"] == ["CCCCCCCCCC(F)(F)F"]
    page = report.to_html()
    assert "CCCCCCCCCC(F)(F)F" in page
    assert "http://" not in page.replace("http://www.w3.org", "").replace(
        "http://www.rdkit.org/xml", ""
    )
    assert "<script" not in page
    assert report.to_dict()["validity"]["value"] == 1
