from __future__ import annotations

import numpy as np
import pytest

from synthgen import chemistry, peptides
from synthgen.chemistry import Unusable, peptide_smiles
from synthgen.errors import InvalidInputError

ALL = "".join(peptides.RESIDUES)


def test_a_chain_comes_back() -> None:
    assert peptides.checked(f" {ALL}\n") == ALL
    assert peptides.to_sequence(peptides.to_graph(ALL)) == ALL
    assert peptides.to_sequence(chemistry.represented("CC(=O)O")[0]) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("  ", "empty"),
        (None, "empty"),
        (3.0, "empty"),
        ("GAk", "lower-case letter 'k'"),
        ("GAXK", "'X' is no residue but any residue"),
        ("BAG", "'B' is no residue but either D or N"),
        ("GUG", "'U' is no residue but selenocysteine"),
        ("GA-K", "'-' is no residue but a gap"),
        ("GAK*", "'\\*' is no residue but the end"),
        ("GA K", "' ' is no residue"),
        ("GA1K", "'1' is no residue"),
    ],
)
def test_what_is_no_sequence_says_why(text: object, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        peptides.checked(text)
    assert not isinstance(text, str) or peptides.canonical(text) is None


def test_weights_are_those_of_the_structures() -> None:
    for letter in ALL:
        structure = chemistry.properties(peptide_smiles(f"G{letter}"), ["weight"])
        assert peptides.properties(f"G{letter}", ["weight"]) == pytest.approx(structure, abs=0.05)


def test_charge_hydrophobicity_and_length() -> None:
    names = ["length", "charge", "hydrophobicity"]
    assert peptides.properties("KRHDE", names) == pytest.approx(
        [5, 0.1, (-3.9 - 4.5 - 3.2 - 3.5 - 3.5) / 5]
    )
    # of magainin 2: 4 K, 1 H and 1 E
    assert peptides.properties("GIGKFLHSAKKFGKAFVGEIMNS", names[:2]) == pytest.approx([23, 3.1])
    with pytest.raises(InvalidInputError, match="not a sequence"):
        peptides.properties("GAX", names)


def test_structures_on_request() -> None:
    assert peptide_smiles("GA") == chemistry.canonical("NCC(=O)N[C@@H](C)C(=O)O")
    for odd in ("", "GAX", "ga", "G1"):
        with pytest.raises(InvalidInputError, match="standard residues"):
            peptide_smiles(odd)


def test_a_critic_sees_which_way_a_chain_runs() -> None:
    flat = peptides.relational("GAKGA")
    nodes = np.reshape(flat[0], (5, len(peptides.NODE_FIELDS)))
    edges = np.reshape(flat[1], (-1, 3)).tolist()
    assert (nodes < peptides.NODE_FIELDS).all()
    assert len(edges) == 2 * (4 + 3 + 2 + 1)
    assert {relation for _, _, relation in edges} == set(range(peptides.RELATIONS))
    assert [0, 1, 0] in edges
    assert [1, 0, 1] in edges
    assert peptides.relational("G") == ([list(peptides.RESIDUES).index("G"), 0, 0], [])
