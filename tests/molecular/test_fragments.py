from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen import MolGen
from synthgen.chemistry import contains, properties
from synthgen.errors import ConditionError

OPTIONS = {
    "width": 64, "layers": 2, "heads": 4, "critic": "none", "adversary": "none", "orders": 2,
    "learning_rate": 1e-2,
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted(qm9: pd.Series) -> MolGen:
    model = MolGen(max_steps=80, seed=0, progress=False, properties=["weight"])
    return model.set_params(model_options=OPTIONS).fit(qm9.tolist())


@pytest.mark.parametrize(
    "fragment",
    ["C", "O", "C#N", "C1CC1", "CC(C)(C)O", "C=O", "NC=O", "c1ccoc1", "C1CC2CC2O1", "CC(C)C(C)C"],
)
def test_every_draw_holds_the_fragment(fitted: MolGen, fragment: str) -> None:
    drawn = fitted.sample(300, where={"fragment": fragment}, seed=1)["smiles"]
    assert len(drawn) == 300
    lacking = [text for text in drawn if not contains(text, fragment)]
    assert not lacking
    assert drawn.nunique() > 60


def test_properties_are_asked_for_beside(fitted: MolGen) -> None:
    weight = []
    for value in (100.0, 128.0):
        drawn = fitted.sample(200, where={"fragment": "C1CC1", "weight": value}, seed=1)["smiles"]
        assert all(contains(text, "C1CC1") for text in drawn)
        weight.append(np.median([properties(text, ["weight"])[0] for text in drawn]))
    assert weight[0] < weight[1]


def test_a_fragment_stands_at_the_end_too_and_molecules_repeat(fitted: MolGen) -> None:
    drawn = [fitted.sample(60, where={"fragment": "OC"}, seed=2) for _ in range(2)]
    assert drawn[0].equals(drawn[1])
    assert len({text[0] for text in drawn[0]["smiles"]}) > 1


@pytest.mark.parametrize(
    ("fragment", "message"),
    [
        ("C1CC", "not a valid SMILES"),
        ("", "empty"),
        (7, "empty"),
        ("C.C", "2 components"),
        ("CC[Se]C", "have no Se"),
        ("C" * 40, "larger than the molecules|have no"),
        ("[CH2]C", "hydrogens of C"),
    ],
)
def test_a_fragment_that_cannot_be_built_says_why(
    fitted: MolGen, fragment: object, message: str
) -> None:
    with pytest.raises(ConditionError, match=message):
        fitted.sample(3, where={"fragment": fragment})


def test_an_aromatic_bond_holds_a_single_or_double_one_and_no_other() -> None:
    assert contains("O=c1cccc[nH]1", "NC=O")
    assert contains("Cc1ccccc1", "c1ccccc1")
    assert not contains("C1CCCCC1", "c1ccccc1")
    assert not contains("CC[O-]", "CO")
    assert contains("CC[O-]", "C[O-]")
    assert not contains("CC(C)C", "CCCC")
