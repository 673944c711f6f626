from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.chemistry import properties, represented
from synthgen.molecular import adversary as stage
from synthgen.molecular.actions import Vocabulary, actions_of
from synthgen.molecular.adversary import Adversary, watch
from synthgen.molecular.attention import Sizes
from synthgen.molecular.construction import Rules
from synthgen.molecular.critic import CriticTrainer, GraphCritic, Graphs
from synthgen.molecular.decoding import decode
from synthgen.molecular.drawing import draw
from synthgen.molecular.examples import Examples
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.properties import Property
from synthgen.molecular.representation import Molecules
from synthgen.molecular.warmstart import GraphGANConfig, WarmStart
from synthgen.seeds import Streams
from synthgen.training.schedule import Schedule

CPU = torch.device("cpu")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds small enough for a test."""
    for name, value in {"_DRAWN": 256, "_BATCH": 64, "_FIRST_STEPS": 40, "_STEPS": 10}.items():
        monkeypatch.setattr(stage, name, value)


def adversary_of(learned: Sequence[str], real: Sequence[str], **options: float) -> Adversary:
    """An adversary after a warm start on some molecules, whose critic knows others as real."""
    names = ["logP", "atoms"]
    sequences = [actions_of(represented(text)[0]) for text in learned]
    vocabulary, rare = Vocabulary.of(sequences, Molecules())
    kept = [i for i in range(len(learned)) if i not in rare]
    codes = vocabulary.codes([sequences[i] for i in kept])
    computed = np.array([properties(learned[i], names) for i in kept])
    held = [Property.of(name, True, computed[:, k]) for k, name in enumerate(names)]
    scores = np.stack([one.score(computed[:, k]) for k, one in enumerate(held)], 1)
    config = GraphGANConfig.model_validate({"learning_rate": 3e-3, **options})
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ActionNetwork(
            len(vocabulary), len(vocabulary.atoms), 2, vocabulary.max_length, Sizes(64, 2, 4)
        )
        critic = GraphCritic(Molecules(), width=32, layers=2)
    rules = Rules.of(vocabulary, CPU)
    parts = (codes[50:], scores[50:]), (codes[:50], scores[:50])
    warm = WarmStart(config, network, rules, *parts, Streams(0), 120)
    for _ in range(120):
        warm.step()
    teacher = CriticTrainer(critic, Streams(1), CPU)
    graphs = Graphs.of_texts(list(real), Molecules())
    texts = [learned[i] for i in kept]
    molecule = np.arange(len(kept))
    examples = Examples(Molecules(), vocabulary, codes, molecule, scores, texts)
    schedule = Schedule(100, warm_up=1)
    return Adversary(warm, examples, teacher, graphs, Streams(2), schedule)


@pytest.mark.usefixtures("small")
def test_the_generator_moves_to_what_the_critic_calls_real(qm9: pd.Series) -> None:
    rows = qm9.tolist()
    without = [smiles for smiles in rows if "1" not in smiles]
    adversary = adversary_of(rows, without, policy_rate=5e-4, anchor=0.0)
    for _ in range(6):
        adversary.step()
    codes = draw(adversary.network.eval(), adversary.warm.rules, 256, Streams(3)).codes
    drawn = decode(codes, adversary.vocabulary, Molecules(), relations=False, jobs=1).texts
    # nine of ten molecules have a ring
    assert np.mean(["1" in text for text in drawn]) < 0.7
    assert adversary.kept()["head"].shape == adversary.network.head.shape


@pytest.mark.usefixtures("small")
def test_a_collapsed_generator_is_not_kept(qm9: pd.Series) -> None:
    adversary = adversary_of(qm9.tolist(), ["C" * 9] * 60, policy_rate=3e-2, anchor=0.0)
    history = []
    for _ in range(8):
        history.append(adversary.step() | adversary.evaluate())
        if history[-1]["score"] == 0:
            break
    assert history[-1]["score"] == 0
    assert "mode collapse" in watch(history)[0]
    assert not watch(history[:1])
