from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.chemistry import represented
from synthgen.molecular import decoding
from synthgen.molecular.actions import Vocabulary, actions_of
from synthgen.molecular.attention import LayerCache, Sizes
from synthgen.molecular.construction import Construction, Rules
from synthgen.molecular.drawing import Aim, Drawing, draw, pick, replay, seen
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.representation import Molecules
from synthgen.molecular.steps import Steps
from synthgen.seeds import Streams

CPU = torch.device("cpu")
N_PROPERTIES = 2
AIM = Aim.of(np.array([[0.5, 0.5], [-1.0, np.inf]], np.float32), 1.0, CPU)


@pytest.fixture(scope="module")
def vocabulary(qm9: pd.Series) -> Vocabulary:
    sequences = [actions_of(represented(smiles)[0]) for smiles in qm9[:400]]
    return Vocabulary.of(sequences, Molecules())[0]


@pytest.fixture(scope="module")
def network(vocabulary: Vocabulary) -> ActionNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        sizes = Sizes(width=32, layers=2, heads=4)
        length = vocabulary.max_length
        found = ActionNetwork(len(vocabulary), len(vocabulary.atoms), N_PROPERTIES, length, sizes)
        for parameter in [*found.parameters(), *found.buffers()]:
            torch.nn.init.normal_(parameter, std=0.3)
    return found.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def rules(vocabulary: Vocabulary) -> Rules:
    return Rules.of(vocabulary, CPU)


def aimed(network: ActionNetwork, steps: Steps) -> torch.Tensor:
    """Logits (n, length, n_actions) under `AIM`, molecule by molecule and step by step."""
    assert network.prospects is not None
    hidden = network.hidden(steps)
    logits, reached = network.logits(hidden), network.prospects.tally(steps)
    past = LayerCache(*hidden.shape[:2])
    for k in range(hidden.shape[1]):
        now = slice(k, k + 1)
        parts = (part[:, now] for part in (steps.before, steps.atom, steps.free))
        one = Steps(*parts, k, reached[:, k])
        told = network.prospects.every(hidden[:, now], one, AIM.places, past)
        logits[:, k] += AIM.log_chance(told).sum(-1)
    return logits


def test_what_is_shared_is_what_each_molecule_would_see_alone(
    network: ActionNetwork, rules: Rules
) -> None:
    n, noise = 300, torch.Generator().manual_seed(0)
    drawing = Drawing(network, rules, 2, torch.arange(n) % 2, AIM)
    shares = torch.full((n, rules.max_length, len(rules.kind)), torch.nan)
    codes = torch.zeros(n, rules.max_length, dtype=torch.long)
    for k in range(rules.max_length):
        share, _ = drawing.share(k)
        action = pick(share, drawing.at, noise)
        rows = drawing.row
        shares[rows, k], codes[rows, k] = share[drawing.at], action
        if not drawing.go_on(action, noise):
            break
    own = codes[(codes == 0).any(1)][:, :-1]  # the last step may have to end a molecule
    steps, may = replay(own, rules)
    logits = aimed(network, steps).masked_fill(~may, -torch.inf)
    got = shares[(codes == 0).any(1), : own.shape[1]]
    taken = ~got.isnan().any(2)
    assert taken.sum() > 1000
    assert torch.allclose(logits.softmax(2)[taken], got[taken], atol=0.05)
    assert (logits.softmax(2)[taken] - got[taken]).abs().mean() < 0.002


def test_molecules_come_as_often_as_they_are_likely(network: ActionNetwork, rules: Rules) -> None:
    n = 20_000
    drawn = draw(network, rules, n, Streams(0))
    codes = drawn.codes
    different, count = np.unique(codes, axis=0, return_counts=True)
    most = np.argsort(-count)[:20]
    often = torch.as_tensor(different[most].astype(np.int64))[:, : rules.max_length]
    steps, may = replay(often, rules)
    log = network(steps).masked_fill(~may, -torch.inf).log_softmax(2)
    expected = n * log.gather(2, often[:, :, None]).sum((1, 2)).exp().numpy()
    assert count[most].sum() > 2000
    assert (np.abs(count[most] - expected) < 4.5 * np.sqrt(expected) + 0.02 * expected).all()


def test_a_seed_gives_the_same_molecules_on_any_number_of_cores(
    network: ActionNetwork, rules: Rules
) -> None:
    wanted = np.array([[0.5, 0.5], [-1.0, np.inf]], np.float32)
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(draw(network, rules, 6000, Streams(4), wanted).codes)
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(*found)


def test_what_is_expected_of_a_molecule_is_what_its_last_step_said(
    network: ActionNetwork, rules: Rules
) -> None:
    wanted = np.array([[0.5, 0.5], [-1.0, np.inf]], np.float32)
    drawn = draw(network, rules, 300, Streams(5), wanted)
    ends = (drawn.codes != 0).sum(1) + 1
    some = np.flatnonzero((ends > 1) & (ends <= rules.max_length))[:10]
    assert len(some) == 10 and network.prospects is not None
    for row in some:
        action = torch.as_tensor(drawn.codes[row, : ends[row]].astype(np.int64))[None]
        steps, _ = replay(action, rules)
        told = network.prospects.taken(network.hidden(steps), steps, action)
        assert AIM.log_chance(told)[0, -1].numpy() == pytest.approx(drawn.expected[row], abs=1e-2)
    free = draw(network, rules, 300, Streams(5))
    assert free.expected.shape == (300, 0)


def test_an_action_without_a_share_is_never_picked() -> None:
    share = torch.tensor([[0.0, 0.3, 0.0, 0.7, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]])
    at = torch.arange(2).repeat(5000)
    picked = pick(share, at, torch.Generator().manual_seed(0))
    assert set(picked[at == 0].tolist()) == {1, 3}
    assert set(picked[at == 1].tolist()) == {2}
    assert abs(float((picked[at == 0] == 3).float().mean()) - 0.7) < 0.03


def test_processes_decode_as_one_does_and_equal_rows_once(
    qm9: pd.Series, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = set(vocabulary.actions)
    graphs = [represented(smiles)[0] for smiles in qm9[:60]]
    sequences = [s for g in graphs if known.issuperset(s := actions_of(g))]
    codes = vocabulary.codes([*sequences, sequences[0]])
    codes[3] = 1  # one that never ends
    wanted = [Molecules().text(vocabulary.graph(row)) for row in codes if 0 in row]
    alone = decoding.decode(codes, vocabulary, Molecules(), relations=True, jobs=1)
    monkeypatch.setattr(decoding, "_MANY", 10)
    monkeypatch.setattr(decoding, "_CHUNK", 7)
    together = decoding.decode(codes, vocabulary, Molecules(), relations=True, jobs=2)
    for found in (alone, together):
        assert [found.texts[i] for i in found.of_row] == wanted
        assert len(found.texts) < len(wanted)
        assert len(found.relations) == len(found.texts)
    assert [list(map(list, pair)) for pair in together.relations] == [
        list(map(list, pair)) for pair in alone.relations
    ]
    told = Molecules().relational(alone.texts[0])
    assert sorted(alone.relations[0][0]) == sorted(told[0])


@pytest.mark.parametrize("guidance", [0.0, 2.5])
def test_guidance_is_the_power_of_what_is_wanted(
    network: ActionNetwork, rules: Rules, guidance: float
) -> None:
    aim = Aim(AIM.places, AIM.low, AIM.high, guidance)
    share = Drawing(network, rules, 1, torch.zeros(5, dtype=torch.long), aim).share(0)[0]
    state = Construction.start(1, rules)
    atom, free = seen(state)
    steps = Steps(torch.zeros(1, 1, dtype=torch.long), atom[:, None], free[:, None])
    may = state.allowed()[0]
    plain, wanted = network(steps)[0, 0], aimed(network, steps)[0, 0]
    logits = (plain + guidance * (wanted - plain)).masked_fill(~may, -torch.inf)
    assert torch.allclose(share, logits.softmax(0), atol=1e-3)
