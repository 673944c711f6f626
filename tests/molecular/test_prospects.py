"""What properties a molecule under construction will have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from synthgen.chemistry import represented
from synthgen.molecular.actions import Vocabulary, actions_of
from synthgen.molecular.attention import LayerCache, Sizes
from synthgen.molecular.construction import Rules
from synthgen.molecular.drawing import replay
from synthgen.molecular.network import ActionNetwork
from synthgen.molecular.properties import Property, bounds
from synthgen.molecular.prospects import Mixture
from synthgen.molecular.representation import Molecules
from synthgen.molecular.steps import Steps
from synthgen.molecular.warmstart import log_likelihood

N_PROPERTIES = 3


@pytest.fixture(scope="module")
def codes(qm9: pd.Series) -> tuple[Vocabulary, torch.Tensor]:
    sequences = [actions_of(represented(text)[0]) for text in qm9[:80]]
    vocabulary, rare = Vocabulary.of(sequences, Molecules())
    kept = [s for i, s in enumerate(sequences) if i not in rare][:40]
    return vocabulary, torch.as_tensor(vocabulary.codes(kept).astype(np.int64))


@pytest.fixture
def network(codes: tuple[Vocabulary, torch.Tensor]) -> ActionNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        vocabulary, sizes = codes[0], Sizes(width=32, layers=2, heads=4)
        n_atoms, length = len(vocabulary.atoms), vocabulary.max_length
        found = ActionNetwork(len(vocabulary), n_atoms, N_PROPERTIES, length, sizes)
        for parameter in [*found.parameters(), *found.buffers()]:
            torch.nn.init.normal_(parameter, std=0.2)
    return found.eval()


def mixture() -> Mixture:
    rng = torch.Generator().manual_seed(0)
    weight, mean, deviation = (torch.randn(50, 3, generator=rng) for _ in range(3))
    return Mixture(weight.log_softmax(-1), mean, deviation.exp() + 0.05)


def test_the_mass_of_a_range_is_the_sum_of_its_density() -> None:
    told = mixture()
    grid = torch.linspace(-1.0, 0.5, 3001)
    density = torch.stack([told.log_density(score.expand(50)).exp() for score in grid])
    mass = told.log_mass(torch.tensor(-1.0), torch.tensor(0.5)).exp()
    assert torch.allclose(torch.trapezoid(density, grid, dim=0), mass, atol=1e-3)
    parts = [(-torch.inf, -1.0), (-1.0, 0.5), (0.5, torch.inf)]
    whole = sum(told.log_mass(*map(torch.tensor, pair)).exp() for pair in parts)
    assert torch.allclose(torch.as_tensor(whole), torch.ones(50), atol=1e-4)


def test_what_is_out_of_reach_is_still_told_apart() -> None:
    far = Mixture(torch.zeros(2, 1), torch.tensor([[0.0], [1.0]]), torch.full((2, 1), 0.05))
    for low, high in ((8.0, torch.inf), (8.0, 8.5)):
        log = far.log_mass(torch.tensor(low), torch.tensor(high))
        assert torch.isfinite(log).all()
    near = far.log_mass(torch.tensor(1.4), torch.tensor(1.6))
    assert near[1] > near[0] - 1e-4


def test_steps_drawn_one_by_one_are_told_what_whole_molecules_are(
    codes: tuple[Vocabulary, torch.Tensor], network: ActionNetwork
) -> None:
    vocabulary, action = codes
    steps, _ = replay(action, Rules.of(vocabulary, torch.device("cpu")))
    prospects = network.prospects
    assert prospects is not None
    places = torch.tensor([0, 2])
    with torch.inference_mode():
        hidden = network.hidden(steps)
        whole = prospects.taken(hidden, steps, action)
        reached = prospects.tally(steps)
        cache = LayerCache(len(action), action.shape[1])
        for k in range(action.shape[1]):
            now = slice(k, k + 1)
            before, atom, free = (t[:, now] for t in (steps.before, steps.atom, steps.free))
            one = Steps(before, atom, free, k, reached[:, k])
            told = prospects.every(hidden[:, now], one, places, cache)
            at = torch.arange(len(action)), action[:, k]
            assert torch.allclose(told.mean[at], whole.mean[:, k, places], atol=1e-3)
            assert torch.allclose(told.deviation[at], whole.deviation[:, k, places], rtol=1e-2)
            assert torch.allclose(told.log_weight[at], whole.log_weight[:, k, places], atol=1e-3)


def test_properties_teach_nothing_about_actions(
    codes: tuple[Vocabulary, torch.Tensor], network: ActionNetwork
) -> None:
    vocabulary, action = codes
    rules = Rules.of(vocabulary, torch.device("cpu"))
    scores = torch.randn(len(action), N_PROPERTIES)
    scores[0], scores[1, 1] = torch.nan, torch.nan
    plain, nothing = log_likelihood(network, rules, action)
    found, told = log_likelihood(network, rules, action, scores)
    assert torch.equal(plain, found) and (nothing == 0).all()
    assert told[0] == 0 and torch.isfinite(told).all() and (told[1:] != 0).all()
    told.sum().backward()
    learning = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert learning == {"prospects"}


def test_conditions_are_bounds_of_normal_scores() -> None:
    rng = np.random.default_rng(0)
    logp = Property.of("logP", True, rng.normal(size=5000).round(3))
    rings = Property.of("rings", True, rng.integers(0, 5, 5000).astype(float))
    label = Property.of("label", False, (rng.random(5000) < 0.3).astype(float))
    held = [logp, rings, label]
    found = bounds({"logP": 0.5}, held)
    assert found[0] == pytest.approx([0.5, 0.5], abs=0.05) and np.isnan(found[1:]).all()
    # half of the numbers lie on each side of a whole one's bounds
    low, high = bounds({"rings": 2}, held)[1]
    assert low < rings.score(np.array([2.0]))[0] < high
    assert low > rings.score(np.array([1.0]))[0] and high < rings.score(np.array([3.0]))[0]
    assert bounds({"rings": 0}, held)[1, 0] == -np.inf
    assert bounds({"label": 1}, held)[2, 1] == np.inf
    assert bounds({"logP": (-9, 0)}, held)[0].tolist() == [-np.inf, pytest.approx(0, abs=0.05)]
