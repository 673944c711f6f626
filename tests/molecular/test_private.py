"""Molecules with epsilon: valid draws, a ledger, and a vocabulary that names nobody."""

import pandas as pd
import pytest

from synthgen import MolGen
from synthgen.chemistry import canonical, inchi_key
from synthgen.errors import ConditionError


@pytest.fixture(scope="module")
def fitted(qm9: pd.Series) -> MolGen:
    rare = "F[Si](F)(F)F"
    smiles = pd.concat([qm9, qm9[:300], pd.Series([rare])], ignore_index=True)
    return MolGen(epsilon=20.0, delta=1e-5, max_steps=20, seed=0, progress=False).fit(smiles)


def test_every_draw_is_a_valid_molecule(fitted: MolGen) -> None:
    drawn = fitted.sample(300, seed=1)["smiles"]
    assert [canonical(smiles) for smiles in drawn] == drawn.tolist()
    assert drawn.nunique() > 200


def test_a_molecule_is_one_record_and_the_ledger_says_so(fitted: MolGen) -> None:
    ledger = fitted.privacy_
    assert ledger is not None
    assert ledger["unit"] == "molecule, however often it is listed"
    assert ledger["spent"]["epsilon_pld"] <= 20.0
    assert [e["what"] for e in ledger["entries"]] == [
        "number of rows", "actions", "lengths", "gradients of the likelihood"
    ]  # fmt: skip
    # 2,000 and one molecules, some of them listed twice
    assert 1950 < fitted.training_["n_molecules"] < 2050


def test_nothing_tells_of_a_rare_molecule(fitted: MolGen) -> None:
    atoms = {atom.symbol for atom in fitted.generator_.vocabulary.atoms}
    assert "Si" not in atoms
    assert {"C", "N", "O"} <= atoms
    assert len(fitted.rejected_) == 0


def test_a_saved_model_draws_the_same(fitted: MolGen, tmp_path) -> None:  # type: ignore[no-untyped-def]
    fitted.save(tmp_path / "m.synthgen")
    again = MolGen.load(tmp_path / "m.synthgen")
    pd.testing.assert_frame_equal(again.sample(50, seed=3), fitted.sample(50, seed=3))
    assert again.privacy_ == fitted.privacy_


def test_conditions_on_properties_are_refused_with_a_reason(fitted: MolGen) -> None:
    with pytest.raises(ConditionError):
        fitted.sample(5, where={"QED": (0.5, 1.0)})


def test_one_key_for_all_ways_to_write_a_molecule() -> None:
    assert inchi_key("OCC") == inchi_key("CCO") != inchi_key("CCN")
