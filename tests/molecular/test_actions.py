from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.chemistry import represented, to_smiles
from synthgen.errors import ModelFileError
from synthgen.molecular.actions import (
    ATOM,
    END,
    MIN_MOLECULES,
    UP,
    Action,
    Vocabulary,
    actions_of,
    graph_of,
)
from synthgen.molecular.construction import Construction, Rules
from synthgen.molecular.representation import Molecules

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def sequences(qm9: pd.Series) -> list[list[Action]]:
    return [actions_of(represented(smiles)[0]) for smiles in qm9]


@pytest.fixture(scope="module")
def vocabulary(sequences: list[list[Action]]) -> Vocabulary:
    return Vocabulary.of(sequences, Molecules())[0]


def test_actions_build_the_graph_again(qm9: pd.Series) -> None:
    for smiles in qm9[:300]:
        graph = represented(smiles)[0]
        assert graph_of(actions_of(graph)) == graph


def test_a_benzene_ring_takes_an_action_for_each_atom_one_for_the_ring_and_the_end() -> None:
    assert len(actions_of(represented("c1ccccc1")[0])) == 6 + 1 + 1


def test_a_rare_action_leaves_its_molecules_out(sequences: list[list[Action]]) -> None:
    many = [actions_of(represented("CCO")[0])] * MIN_MOLECULES
    few = [actions_of(represented("CC[Se]C")[0])] * (MIN_MOLECULES - 1)
    vocabulary, left_out = Vocabulary.of(many + few, Molecules())
    assert sorted(left_out) == list(range(len(many), len(many + few)))
    assert "Se" in left_out[len(many)]
    assert not any(a.atom and a.atom.symbol == "Se" for a in vocabulary.actions)
    again, left_out = Vocabulary.of([*many, *few, few[0]], Molecules())
    assert not left_out
    assert len(again) > len(vocabulary)


def test_a_vocabulary_survives_json(vocabulary: Vocabulary) -> None:
    kept = json.loads(json.dumps(vocabulary.to_dict()))
    assert Vocabulary.from_dict(kept, Molecules()) == vocabulary


@pytest.mark.parametrize(
    "damage",
    [
        {"actions": [[9, 0, 0, 0, -1]]},
        {"atoms": [["not an element", 0, 0, -1, -1, 0]]},
        {"max_length": 10**9},
        {"actions": []},
        {"max_depth": "x"},
    ],
)
def test_a_damaged_vocabulary_is_refused(vocabulary: Vocabulary, damage: dict[str, object]) -> None:
    with pytest.raises(ModelFileError, match="vocabulary"):
        Vocabulary.from_dict({**vocabulary.to_dict(), **damage}, Molecules())


def test_what_was_seen_is_allowed(sequences: list[list[Action]], vocabulary: Vocabulary) -> None:
    known = set(vocabulary.actions)
    kept = [sequence for sequence in sequences if known.issuperset(sequence)]
    codes = torch.as_tensor(vocabulary.codes(kept).astype(np.int64))
    state = Construction.start(len(codes), Rules.of(vocabulary, CPU))
    for k in range(codes.shape[1]):
        assert bool(state.allowed().gather(1, codes[:, k : k + 1]).all())
        state.do(codes[:, k])
    assert bool(state.ended.all())


@pytest.mark.parametrize("seed", [0, 1])
def test_whatever_is_allowed_ends_in_a_valid_molecule(vocabulary: Vocabulary, seed: int) -> None:
    drawn, state = walked(vocabulary, 400, seed)
    assert bool(state.ended.all())
    smiles = [to_smiles(vocabulary.graph(row)) for row in drawn]
    assert None not in smiles
    assert not any("." in text for text in smiles if text)
    assert len(set(smiles)) > 200


def test_atoms_with_given_bonds_get_them_all() -> None:
    texts = ["C[N+](C)(C)C", "[CH2]CC", "CC[CH]C", "C[Si](C)(C)C", "C1CC1CC(C)C", "CC=C"]
    sequences = [actions_of(represented(text)[0]) for text in texts] * MIN_MOLECULES
    vocabulary, left_out = Vocabulary.of(sequences, Molecules())
    assert not left_out
    assert any(a.atom and a.atom.is_fixed for a in vocabulary.actions)
    drawn, state = walked(vocabulary, 300, 0, more_end=3.0)
    ended = state.ended.numpy()
    assert ended.mean() > 0.95
    for row in drawn[ended]:
        graph = vocabulary.graph(row)
        total = [0] * len(graph.atoms)
        for bond in graph.bonds:
            total[bond.start] += bond.order
            total[bond.end] += bond.order
        for atom, bonds in zip(graph.atoms, total, strict=True):
            assert not atom.is_fixed or bonds == atom.bonds
        assert to_smiles(graph)


def test_a_bond_too_many_is_not_allowed(vocabulary: Vocabulary) -> None:
    rules = Rules.of(vocabulary, CPU)
    state = Construction.start(1, rules)
    kinds = [a.kind for a in vocabulary.actions]
    fluorine = next(
        i for i, a in enumerate(vocabulary.actions) if a.atom and a.atom.symbol == "O" and a.order
        == 0
    )  # fmt: skip
    state.do(torch.tensor([fluorine]))
    allowed = [vocabulary.actions[i] for i in torch.nonzero(state.allowed()[0]).flatten()]
    assert all(action.order <= 2 for action in allowed)
    assert {a.kind for a in allowed} == {END, ATOM}
    assert UP in kinds


def walked(
    vocabulary: Vocabulary, n: int, seed: int, more_end: float = 1.0
) -> tuple[np.ndarray, Construction]:
    """Random walks among the allowed actions."""
    noise = torch.Generator().manual_seed(seed)
    state = Construction.start(n, Rules.of(vocabulary, CPU))
    drawn = []
    for _ in range(8 * vocabulary.max_length):
        share = state.allowed().float()
        assert bool((share.sum(1) > 0).all())
        share[:, 0] *= more_end
        drawn.append(torch.multinomial(share, 1, generator=noise).squeeze(1))
        state.do(drawn[-1])
        if bool(state.ended.all()):
            break
    return torch.stack(drawn, 1).numpy(), state
