from __future__ import annotations

import torch

from synthgen.molecular.actions import ATOM, END, ROOT, Vocabulary, actions_of
from synthgen.molecular.construction import Construction, Rules
from synthgen.molecular.representation import Peptides
from synthgen.peptides import canonical, to_graph

from .test_actions import walked

CPU = torch.device("cpu")


def test_a_chain_is_all_that_is_allowed() -> None:
    sequences = [actions_of(to_graph(text)) for text in ("GAKKAG", "KAG", "AGK") * 5]
    vocabulary, left_out = Vocabulary.of(sequences, Peptides())
    assert not left_out
    assert {action.kind for action in vocabulary.actions} == {END, ROOT, ATOM}
    assert Vocabulary.from_dict(vocabulary.to_dict(), Peptides()) == vocabulary
    state = Construction.start(1, Rules.of(vocabulary, CPU))
    first = state.allowed()[0]
    assert {vocabulary.actions[i].kind for i in torch.nonzero(first).flatten()} == {ROOT}
    state.do(torch.nonzero(first)[0])
    later = state.allowed()[0]
    assert {vocabulary.actions[i].kind for i in torch.nonzero(later).flatten()} == {ATOM, END}
    drawn, state = walked(vocabulary, 200, 0)
    for row in drawn[state.ended.numpy()]:
        assert canonical(str(Peptides().text(vocabulary.graph(row))))


def test_a_rare_first_residue_does_not_leave_a_sequence_out() -> None:
    many = [actions_of(to_graph(text)) for text in ("GAK", "AKW") * 5]
    vocabulary, left_out = Vocabulary.of([*many, actions_of(to_graph("WG"))], Peptides())
    assert not left_out
    assert sum(action.kind == ROOT for action in vocabulary.actions) == 3
