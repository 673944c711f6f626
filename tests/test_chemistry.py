from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthgen import chemistry
from synthgen.chemistry import (
    Unusable,
    canonical,
    fragment_graphs,
    parse,
    represented,
    to_graph,
    to_smiles,
)

STEREO = [
    "C/C=C/C=O",
    "C/C=C\\C=O",
    "C[C@H](O)[C@@H](N)C(=O)O",
    "C[C@@H](O)[C@@H](N)C(=O)O",
    "O=C(O)[C@@H]1C[C@H]2CC[C@@H]1O2",
    "CC(=N/O)/C=C/c1ccc(Cl)cc1",
    "C[S@](=O)c1ccccc1",
]
ODD = [
    "c1ccc2[nH]ccc2c1",
    "[O-][N+](=O)c1ccccc1",
    "[13CH3]O",
    "C[N+](C)(C)CC(=O)[O-]",
    "[CH2]C",
    "N#[N+][NH-]",
    "OP(=O)(O)OS(=O)(=O)C",
    "C1CC2CCC1CC2",
    "[Na+]",
    "c1ccc2c(c1)c1ccccc1c1ccccc21",
]


@pytest.mark.parametrize("smiles", STEREO + ODD)
@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_a_molecule_comes_back_whatever_the_order_of_its_atoms(
    smiles: str, seed: int | None
) -> None:
    assert to_smiles(to_graph(parse(smiles), seed)) == canonical(smiles)


def test_the_two_sides_of_stereochemistry_are_told_apart() -> None:
    graphs = [to_smiles(to_graph(parse(smiles))) for smiles in STEREO[:4]]
    assert len(set(graphs)) == 4


def test_real_molecules_come_back(qm9: pd.Series) -> None:
    for smiles in qm9[:400]:
        graph, text = represented(smiles)
        assert to_smiles(graph) == text == canonical(smiles)


@pytest.mark.shared_data
@pytest.mark.parametrize("file", ["bbbp.csv", "zinc250k.csv.gz"])
def test_drugs_come_back(shared_data: Path, file: str) -> None:
    rows = pd.read_csv(shared_data / "molecules" / file)["smiles"][:300]
    lost = []
    for smiles in rows:
        try:
            represented(smiles)
        except Unusable as reason:
            lost.append(str(reason))
    assert set(lost) <= {"not a valid SMILES"}
    assert len(lost) < 10


@pytest.mark.parametrize(
    ("smiles", "why"),
    [
        ("", "empty"),
        (None, "empty"),
        (float("nan"), "empty"),
        ("C1CC", "not a valid SMILES"),
        ("CC(C)(C)(C)C", "not a valid SMILES"),
        ("*CC", "wildcard"),
        ("C~C", "bond of type"),
    ],
)
def test_what_cannot_be_represented_says_why(smiles: object, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        represented(smiles)


def test_salts() -> None:
    salt = "CCN.Cl"
    assert represented(salt)[1] == "CCN"
    with pytest.raises(Unusable, match="2 components"):
        represented(salt, "error")
    assert represented(salt, "keep")[1] == "CCN.Cl"
    with_sides = "C.O=C(O)/C=C/C(=O)O"
    assert represented(with_sides, "keep")[1] == with_sides


def test_too_many_bonds_are_no_molecule() -> None:
    carbon, fluorine = chemistry.Atom("C"), chemistry.Atom("F")
    bonds = tuple(chemistry.Bond(0, i, 1) for i in range(1, 6))
    assert to_smiles(chemistry.Graph((carbon, *[fluorine] * 5), bonds)) is None
    assert to_smiles(chemistry.Graph((carbon, *[fluorine] * 4), bonds[:4])) == "FC(F)(F)F"


def test_capacity_is_what_rdkit_accepts() -> None:
    found = {
        symbol: chemistry.Atom(symbol, charge).capacity
        for symbol, charge in [("C", 0), ("N", 0), ("O", 0), ("F", 0), ("S", 0)]
    }
    assert found == {"C": 4, "N": 3, "O": 2, "F": 1, "S": 6}
    assert chemistry.Atom("N", 1).capacity == 4
    assert chemistry.Atom("O", -1).capacity == 1


def test_relational_graphs_do_not_depend_on_order() -> None:
    def told(smiles: str) -> tuple[list[tuple[int, ...]], list[int]]:
        nodes, edges = chemistry.relational(smiles)
        fields = len(chemistry.NODE_FIELDS)
        return sorted(map(tuple, np.reshape(nodes, (-1, fields)).tolist())), sorted(edges[2::3])

    assert told("Oc1ccccc1C") == told("Cc1ccccc1O")
    assert told("C/C=C/C") != told("C/C=C\\C")
    assert told("C[C@H](O)F") != told("C[C@@H](O)F")
    assert told("C1CC1CC") != told("C1CCC1C")


def test_random_orders_depend_on_their_seed_alone() -> None:
    first = fragment_graphs("OCC(N)C#N", 8)
    represented("CC(C)Cc1ccccc1", seed=12345)  # draws from the same generator of RDKit
    assert fragment_graphs("OCC(N)C#N", 8) == first
    assert len(set(first)) > 2


def test_properties_are_those_of_rdkit() -> None:
    aspirin = dict(
        zip(
            chemistry.PROPERTIES,
            chemistry.properties("CC(=O)Oc1ccccc1C(=O)O", chemistry.PROPERTIES),
            strict=True,
        )
    )
    assert aspirin["QED"] == pytest.approx(0.5501, abs=1e-4)
    assert aspirin["logP"] == pytest.approx(1.3101, abs=1e-4)
    assert aspirin["weight"] == pytest.approx(180.159, abs=1e-3)
    assert aspirin["TPSA"] == pytest.approx(63.6, abs=1e-2)
    counts = {"rings": 1, "atoms": 13, "HBD": 1, "HBA": 3, "rotatable_bonds": 2}
    counts |= {"aromatic_rings": 1, "alerts": 2}
    assert {name: aspirin[name] for name in counts} == counts
    # each of its own molecule, whatever was asked before
    assert chemistry.properties("CC", ["QED", "alerts"]) != chemistry.properties(
        "CCO", ["QED", "alerts"]
    )
