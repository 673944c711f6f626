from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.molecular.critic import CriticTrainer, GraphCritic, Graphs, logits
from synthgen.molecular.representation import Molecules
from synthgen.seeds import Streams

CPU = torch.device("cpu")


@pytest.fixture
def critic() -> GraphCritic:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = GraphCritic(Molecules(), width=32, layers=2)
        torch.nn.init.normal_(critic.out.weight)
    return critic.eval()


def test_the_order_of_atoms_and_molecules_does_not_matter(critic: GraphCritic) -> None:
    one = logits(critic, Graphs.of_texts(["Oc1ccccc1C", "CCO", "C"], Molecules()), CPU)
    other = logits(critic, Graphs.of_texts(["C", "OCC", "Cc1ccccc1O"], Molecules()), CPU)
    assert torch.allclose(one, other.flip(0), atol=0.05)
    assert float(one.std()) > 0.1


def test_a_batch_is_its_molecules_one_by_one(critic: GraphCritic, qm9: pd.Series) -> None:
    graphs = Graphs.of_texts(qm9[:20].tolist(), Molecules())
    rows = np.array([7, 0, 13])
    together = critic(graphs.batch(rows))
    alone = torch.cat([critic(graphs.batch(rows[k : k + 1])) for k in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)


def test_it_learns_what_tells_molecules_apart_and_nothing_where_nothing_does(
    qm9: pd.Series,
) -> None:
    rows = qm9.tolist()
    with_ring = [smiles for smiles in rows if "1" in smiles]
    without = [smiles for smiles in rows if "1" not in smiles]
    assert _loss(with_ring, without) < 0.2
    assert _loss(rows[0::2], rows[1::2]) > 0.95 * math.log(2)


def test_molecules_taken_out_are_the_same(critic: GraphCritic, qm9: pd.Series) -> None:
    rows = np.array([3, 17, 4])
    taken = Graphs.of_texts(qm9[:20].tolist(), Molecules()).take(rows)
    assert torch.allclose(
        logits(critic, taken, CPU),
        logits(critic, Graphs.of_texts(qm9[rows].tolist(), Molecules()), CPU),
    )


def _loss(real: list[str], drawn: list[str]) -> float:
    parts = real[50:], drawn[50:], real[:50], drawn[:50]
    sides = [Graphs.of_texts(part, Molecules()) for part in parts]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        critic = GraphCritic(Molecules(), width=32, layers=2)
        pairs = (sides[0], sides[1]), (sides[2], sides[3])
        return CriticTrainer(critic, Streams(0), CPU).until_learned(*pairs, max_steps=100)[0]
