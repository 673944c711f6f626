from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.chemistry import represented
from synthgen.molecular import adversary as stage
from synthgen.molecular import steering
from synthgen.molecular.actions import Vocabulary, actions_of
from synthgen.molecular.adversary import Adversary, watch
from synthgen.molecular.attention import Sizes
from synthgen.molecular.construction import Rules
from synthgen.molecular.critic import CriticTrainer, GraphCritic, Graphs
from synthgen.molecular.decoding import decode
from synthgen.molecular.drawing import draw
from synthgen.molecular.examples import Examples
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.representation import Molecules
from synthgen.molecular.steering import SteeringTrainer, learnable
from synthgen.molecular.warmstart import GraphGANConfig, WarmStart
from synthgen.seeds import Streams

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few molecules tell how diverse a generator is."""
    monkeypatch.setattr(stage, "_LOOKED_AT", 256)


def adversary_of(learned: Sequence[str], real: Sequence[str]) -> Adversary:
    """An adversary after a warm start on some molecules, whose critic knows others as real."""
    sequences = [actions_of(represented(text)[0]) for text in learned]
    vocabulary, rare = Vocabulary.of(sequences, Molecules())
    kept = [i for i in range(len(learned)) if i not in rare]
    codes = vocabulary.codes([sequences[i] for i in kept])
    scores = np.zeros((len(kept), 0), np.float32)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ActionNetwork(
            len(vocabulary), len(vocabulary.atoms), 0, vocabulary.max_length, Sizes(64, 2, 4)
        )
        critic = GraphCritic(Molecules(), width=32, layers=2)
    rules = Rules.of(vocabulary, CPU)
    parts = (codes[50:], scores[50:]), (codes[:50], scores[:50])
    config = GraphGANConfig.model_validate({"learning_rate": 3e-3})
    warm = WarmStart(config, network, rules, *parts, Streams(0), 120)
    for _ in range(120):
        warm.step()
    network.requires_grad_(False)
    teacher = CriticTrainer(critic, Streams(1), CPU)
    n = len(real) // 4
    graphs = (Graphs.of_texts(part, Molecules()) for part in (list(real)[n:], list(real)[:n]))
    texts = [learned[i] for i in kept]
    examples = Examples(Molecules(), vocabulary, codes, np.arange(len(kept)), scores, texts)
    return Adversary(network, rules, examples, teacher, *graphs, Streams(2))


def with_a_ring(adversary: Adversary) -> float:
    """Share of drawn molecules that have one."""
    codes = draw(adversary.network.eval(), adversary.rules, 512, Streams(3)).codes
    drawn = decode(codes, adversary.vocabulary, Molecules(), relations=False, jobs=1)
    return float(np.mean(["1" in drawn.texts[i] for i in drawn.of_row]))


def test_the_generator_moves_to_what_the_critic_calls_real(qm9: pd.Series) -> None:
    rows = qm9.tolist()
    adversary = adversary_of(rows, [smiles for smiles in rows if "1" not in smiles])
    adversary.drawn = 1500
    before, network = with_a_ring(adversary), copy.deepcopy(adversary.network.state_dict())
    losses = adversary.step()
    assert before > 0.8
    assert losses["critic"] < 0.6 and losses["steering"] < -0.05
    assert with_a_ring(adversary) < before - 0.3
    # what likelihood taught stays as it is
    changed = {k for k, v in adversary.network.state_dict().items() if not v.equal(network[k])}
    assert changed and all(name.startswith("steering.") for name in changed)
    assert adversary.evaluate()["diversity"] > 0.9


def test_nothing_is_learned_from_what_is_no_different(qm9: pd.Series) -> None:
    rows = qm9.tolist()
    adversary = adversary_of(rows, rows)
    adversary.drawn = 300
    codes = draw(adversary.network, adversary.rules, 600, Streams(9)).codes
    drawn = decode(codes, adversary.vocabulary, Molecules(), relations=True, jobs=1)
    same = Graphs.of(drawn.relations, Molecules())
    adversary.learned = adversary.judging = same
    adversary.step()
    assert adversary.ended == "converged"
    assert adversary.network.steering is not None
    assert not adversary.network.steering.out.weight.any()


def test_a_collapsed_generator_is_not_kept(qm9: pd.Series, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "_RATE", 1.0)  # no lesson survives that
    adversary = adversary_of(qm9.tolist(), ["C" * 9] * 80)
    adversary.drawn = 1500
    before = with_a_ring(adversary)
    history = [adversary.step() | adversary.evaluate()]
    assert adversary.ended == "collapsed"
    assert "mode collapse" in watch(history)[0]
    assert with_a_ring(adversary) == before


def test_an_interrupted_lesson_leaves_the_steering_as_it_was(
    qm9: pd.Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    adversary = adversary_of(qm9.tolist(), qm9.tolist())
    codes = draw(adversary.network, adversary.rules, 600, Streams(9)).codes
    codes = codes[learnable(codes, adversary.rules)]
    odds, rng = np.linspace(0, 2, len(codes)), np.random.default_rng(0)
    trainer = SteeringTrainer(adversary.network, adversary.rules, codes, odds, rng)
    kept, made = copy.deepcopy(trainer.steering.state_dict()), []

    def step(rows: np.ndarray) -> float:
        made.append(SteeringTrainer.step(trainer, rows))
        if len(made) == 2:
            raise KeyboardInterrupt
        return made[-1]

    monkeypatch.setattr(trainer, "step", step)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert len(made) == 2
    assert all(kept[name].equal(held) for name, held in trainer.steering.state_dict().items())


def test_rounds_end_by_the_deadline(qm9: pd.Series) -> None:
    adversary = adversary_of(qm9.tolist(), qm9.tolist())
    before = copy.deepcopy(adversary.network.state_dict())
    config = GraphGANConfig()
    assert adversary.planned(config, time.monotonic() - 1).adversary == "none"
    planned = adversary.planned(config, time.monotonic() + 1e6)
    assert planned.adversary_drawn == len(adversary.learned)
    assert adversary.planned(config, None) == planned
    asked = GraphGANConfig(adversary_drawn=70, adversary_rounds=3)
    assert adversary.planned(asked, time.monotonic() - 1) == asked
    # what told the time left nothing
    assert all(before[k].equal(v) for k, v in adversary.network.state_dict().items())
