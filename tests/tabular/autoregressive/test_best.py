from __future__ import annotations

import numpy as np
import pytest
import torch

from synthgen.tabular.autoregressive.best import BestColumns
from synthgen.tabular.autoregressive.network import Autoregressive, Sizes
from synthgen.tabular.layout import Layout


def network(seed: int, state: int = 0) -> Autoregressive:
    torch.manual_seed(seed)
    n_codes = np.array([3, 1, 3, 4])
    valued = (np.zeros(3, bool), np.ones(1, bool), np.zeros(3, bool), np.arange(4) == 3)
    made = Autoregressive(Layout(n_codes, valued), np.array([1, 3]), Sizes(4, 8, 2, 0.0, state))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made.eval()


def losses(net: Autoregressive) -> torch.Tensor:
    codes = torch.tensor([[0, 0, 2, 3], [2, 0, 1, 0]])
    scores = torch.tensor([[0.3, -1.0], [1.2, 0.0]])
    held = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    return net.loss(*net(net.tokens(codes, scores, held)), codes, scores, held).mean(0).detach()


@pytest.mark.parametrize("state", [0, 5])
def test_each_column_keeps_its_own_best_weights(state: int) -> None:
    first, second = network(0, state), network(1, state)
    for a, b in zip(second.shared(), first.shared(), strict=True):
        a.data.copy_(b.data)
    best = BestColumns(first)
    best.offer(first, losses(first).double(), apart=False)
    better = torch.tensor([0.0, 1.0, 0.0, 1.0]).bool()
    seen = torch.where(better, best.loss - 1, best.loss + 1)
    best.offer(second, seen, apart=True)
    expected = torch.where(better, losses(second), losses(first))
    assert torch.allclose(losses(best.network), expected)
    assert torch.equal(best.loss, torch.minimum(seen, losses(first).double()))


def test_weights_are_kept_as_a_whole_while_tokens_move() -> None:
    first, second = network(0), network(1)
    best = BestColumns(first)
    best.offer(first, torch.tensor([1.0, 1.0, 1.0, 1.0]), apart=False)
    best.offer(second, torch.tensor([0.0, 0.0, 0.0, 9.0]), apart=False)
    assert torch.equal(losses(best.network), losses(first))
    best.offer(second, torch.tensor([2.0, 0.0, 0.0, 0.0]), apart=False)
    assert torch.equal(losses(best.network), losses(second))
    assert best.loss.tolist() == [2, 0, 0, 0]


@pytest.mark.parametrize("state", [0, 5])
def test_shared_and_own_parameters_are_all_there_are(state: int) -> None:
    net = network(0, state)
    own = sum(part.numel() for j in range(4) for part in net.own(j))
    # a column's slots end in padding up to the width of its group
    padded = sum(g.width * len(g.columns) for g in net.layout.groups) - int(
        net.layout.n_codes.sum()
    )
    shared = sum(parameter.numel() for parameter in net.shared())
    assert own + shared + padded == sum(parameter.numel() for parameter in net.parameters())
