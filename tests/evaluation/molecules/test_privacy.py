from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthgen import evaluate_molecule_privacy
from synthgen.chemistry import Trace, canonical, trace
from synthgen.errors import InvalidInputError
from synthgen.evaluation.molecules.privacy import RISKS, Known, Library, around, attack, leaked
from synthgen.evaluation.privacy.promise import contradicted

N = 650


@pytest.fixture(scope="module")
def smiles(qm9: pd.Series) -> list[list[str]]:
    """Train molecules, others and a holdout."""
    rows = qm9.sample(3 * N, random_state=0).tolist()
    return [rows[k * N : (k + 1) * N] for k in range(3)]


@pytest.fixture(scope="module")
def sets(smiles: list[list[str]]) -> list[Library]:
    names = ("train", "synthetic", "holdout")
    return [Library.of(part, role) for part, role in zip(smiles, names, strict=True)]


def test_the_train_set_as_a_release_is_flagged_by_every_attack(sets: list[Library]) -> None:
    train, _, holdout = sets
    found = attack(train, train, holdout).risks
    assert tuple(found) == RISKS
    for name, risk in found.items():
        assert (risk.lower(len(RISKS)) or 0) > 0.9, name
    for name, one in found["membership_auc"].parts["of"].items():
        assert one["ci"][0] > 0.9, name
    assert contradicted(found, epsilon=1.0, delta=1e-5)


def test_molecules_that_nobody_trained_on_are_not_flagged(sets: list[Library]) -> None:
    found = attack(*sets)
    for name, risk in found.risks.items():
        assert (risk.lower(len(RISKS)) or 0) <= (risk.baseline or 0), name
    assert contradicted(found.risks, epsilon=1.0, delta=1e-5) == []
    share = found.diagnostics["nearest_share"]
    assert share.ci is not None and share.ci[0] <= 0.5 <= share.ci[1]


def test_a_few_copies_are_counted(sets: list[Library]) -> None:
    train, other, holdout = sets
    mixed = _joined(train.take(np.arange(65)), other.take(np.arange(65, N)))
    found = attack(train, mixed, holdout).risks
    assert found["exact_copies"].value == pytest.approx(0.1, abs=0.01)
    assert (found["exact_copies"].lower(len(RISKS)) or 0) > 0.05
    assert (found["membership_tpr_1"].lower(len(RISKS)) or 0) > 0.02


def test_homologues_of_train_molecules_are_no_copies_and_are_found(
    smiles: list[list[str]], sets: list[Library]
) -> None:
    train, _, holdout = sets
    longer = [text for one in smiles[0] if (text := canonical("C" + one)) is not None]
    found = attack(train, Library.of(longer, "synthetic"), holdout).risks
    assert (found["exact_copies"].value or 0) < 0.03
    assert (found["membership_auc"].lower(len(RISKS)) or 0) > 0.6


def test_a_mirror_image_is_a_copied_skeleton_and_no_exact_copy() -> None:
    one, mirrored, other = (trace(text) for text in ("C[C@H](N)O", "C[C@@H](N)O", "CC(C)O"))
    assert one is not None and mirrored is not None and other is not None
    assert one.key != mirrored.key
    assert one.skeleton == mirrored.skeleton != other.skeleton
    assert Trace.from_plain(json.loads(json.dumps(one.to_plain()))).key == one.key


def test_salts_are_left_off_and_what_is_no_molecule_is_none() -> None:
    salt, free = trace("CCN.Cl"), trace("NCC")
    assert salt is not None and free is not None and salt.key == free.key
    assert trace("C1CC") is None and trace(None) is None


def test_scaffolds_are_compared_beyond_molecules(sets: list[Library]) -> None:
    train, other, holdout = sets
    borrowed = Library(other.keys, other.skeletons, train.scaffolds, other.fingerprints)
    found = leaked(train, borrowed, holdout)
    assert (found["scaffold_copies"].lower() or 0) > 0.3
    assert (found["exact_copies"].lower() or 0) <= 0


def test_similarity_and_density_by_hand(sets: list[Library]) -> None:
    rows, among = sets[0].take(np.arange(20)), sets[1]
    bits = [np.unpackbits(one.fingerprints, axis=1).astype(int) for one in (rows, among)]
    both = bits[0] @ bits[1].T
    similar = both / (bits[0].sum(1)[:, None] + bits[1].sum(1) - both)
    nearest, density = around(rows, among)
    assert nearest == pytest.approx(similar.max(1), abs=1e-6)
    assert density == pytest.approx(np.log(np.exp((similar - 1) / 0.05).mean(1)), abs=1e-3)


def test_members_and_controls_are_alike_but_for_the_training(sets: list[Library]) -> None:
    known = Known.of(*sets, seed=1)
    parts = [set(getattr(known, r).keys) for r in ("members", "controls", "reference")]
    assert not parts[0] & parts[1] and not parts[0] & parts[2] and not parts[1] & parts[2]


def test_what_cannot_be_attacked_is_refused(smiles: list[list[str]]) -> None:
    train, other, holdout = smiles
    with pytest.raises(InvalidInputError, match="no holdout"):
        evaluate_molecule_privacy(train, other)
    with pytest.raises(InvalidInputError, match="the holdout set has 20 valid molecules"):
        evaluate_molecule_privacy(train, other, holdout=holdout[:20] + ["C1CC"] * 200)
    with pytest.raises(InvalidInputError, match="put aside before the fit"):
        evaluate_molecule_privacy(train, other, holdout=holdout[:500] + train[:100])


def test_the_report_repeats_itself_and_names_no_molecule(
    smiles: list[list[str]], tmp_path: Path
) -> None:
    train, other, holdout = smiles
    one, two = (evaluate_molecule_privacy(train, other, holdout=holdout, seed=3) for _ in "ab")
    assert one.to_dict() == two.to_dict()
    one.save(tmp_path / "p.html")
    page = (tmp_path / "p.html").read_text() + json.dumps(one.to_dict())
    words = set(page.replace("<", " ").replace(">", " ").replace('"', " ").split())
    long = {text for part in smiles for text in part if len(text) > 8}
    assert not words & long
    assert "Privacy of synthetic molecules" in page and "Copied scaffolds" in page
    assert "<script" not in page and "rows" not in page.split("<main")[1].split("</main>")[0]


@pytest.mark.shared_data
def test_drug_like_molecules(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "molecules" / "zinc250k.csv.gz")["smiles"].str.strip()
    rows = rows.drop_duplicates().sample(6000, random_state=2).tolist()
    train, other, holdout = rows[:2000], rows[2000:4000], rows[4000:]
    honest = evaluate_molecule_privacy(train, other, holdout=holdout).risks
    copied = evaluate_molecule_privacy(train, train[:100] + other[100:], holdout=holdout).risks
    for name, risk in honest.items():
        assert (risk.lower(len(RISKS)) or 0) <= (risk.baseline or 0), name
    for name in ("exact_copies", "scaffold_copies", "membership_tpr_1"):
        assert (copied[name].lower(len(RISKS)) or 0) > (copied[name].baseline or 0), name


def _joined(one: Library, other: Library) -> Library:
    names = ("keys", "skeletons", "scaffolds", "fingerprints")
    return Library(*(np.concatenate([getattr(one, n), getattr(other, n)]) for n in names))
