"""DP-SGD: without noise and clipping it is SGD; with them, a row can move it so far and no more."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from synthgen.errors import TrainingError
from synthgen.privacy.accounting import Gaussian
from synthgen.privacy.ledger import Ledger, PrivateTable
from synthgen.training import dpsgd
from synthgen.training.dpsgd import private_descent


@dataclass(frozen=True)
class Rows:
    x: np.ndarray

    def __len__(self):
        return len(self.x)

    def take(self, rows):
        return Rows(self.x[rows])


def critic():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))


def pair_losses(network, rows):
    """A real row and a generated one, as the critic of `dp-gan` sees them."""
    x = torch.as_tensor(rows.x, dtype=torch.float32)
    fake = x.flip(1) * 0.5
    softplus = nn.functional.softplus
    return softplus(-network(x).squeeze(1)) + softplus(network(fake).squeeze(1))


def unlimited(monkeypatch, rows):
    """A table whose ledger lets everything pass: a descent without noise costs infinitely much."""
    monkeypatch.setattr(Ledger, "enter", lambda self, entry: self.entries.append(entry))
    return PrivateTable(rows, Ledger(1.0, 1e-5))


def descend(network, table, spent, clip, **more):
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    private_descent(
        network, more.get("losses", pair_losses), table, spent,
        what="test", clip=clip, optimizer=optimizer, expected_rows=more.get("expected", 1.0),
        stepped=more.get("stepped", lambda step: None),
    )  # fmt: skip


@pytest.mark.parametrize("size", [1000, 7])
def test_without_noise_and_clipping_the_gradients_are_those_of_a_plain_step(monkeypatch, size):
    monkeypatch.setattr(dpsgd, "PHYSICAL_ROWS", size)
    rows = Rows(np.random.default_rng(0).normal(size=(50, 4)))
    private, plain = critic(), critic()
    before = [p.detach().clone() for p in private.parameters()]
    descend(private, unlimited(monkeypatch, rows), Gaussian(0.0, 1.0, 1), 1e9, expected=50.0)
    pair_losses(plain, rows).mean().backward()
    for was, own, other in zip(before, private.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(was - own.detach(), other.grad, atol=1e-5, rtol=0)


def test_one_row_moves_the_sum_by_the_clipping_norm_at_most(monkeypatch):
    rows = Rows(np.full((1, 4), 1e4))
    network = critic()
    before = nn.utils.parameters_to_vector(network.parameters()).detach().clone()
    descend(network, unlimited(monkeypatch, rows), Gaussian(0.0, 1.0, 1), 0.5)
    moved = nn.utils.parameters_to_vector(network.parameters()).detach() - before
    assert float(moved.norm()) == pytest.approx(0.5, rel=1e-3)


def test_the_noise_has_the_deviation_that_was_charged(monkeypatch):
    rows = Rows(np.zeros((10, 4)))
    found = []
    for _ in range(30):
        network = nn.Linear(4, 50, bias=False)
        nn.init.zeros_(network.weight)
        descend(
            network, unlimited(monkeypatch, rows), Gaussian(3.0, 1.0, 1), 2.0,
            losses=lambda held, part: held(torch.as_tensor(part.x).float()).sum(1),
        )  # fmt: skip
        found.append(network.weight.detach().flatten())
    assert float(torch.cat(found).std()) == pytest.approx(6.0, rel=0.05)
    # and never the same twice
    assert not torch.equal(found[0], found[1])


def test_an_empty_batch_is_a_step_of_noise():
    rows = Rows(np.zeros((3, 4)))
    network, weights = critic(), []
    descend(
        network,
        PrivateTable(rows, Ledger(1e4, 1e-5)),
        Gaussian(1.0, 1e-6, 3),
        1.0,
        stepped=lambda step: weights.append(network[0].weight.detach().clone()),
    )
    assert len(weights) == 3
    assert not torch.equal(weights[0], weights[1])


def test_a_layer_that_mixes_rows_is_refused():
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 1))
    table = PrivateTable(Rows(np.zeros((8, 4))), Ledger(1.0, 1e-5))
    with pytest.raises(TrainingError, match="BatchNorm"):
        descend(network, table, Gaussian(10.0, 0.1, 1), 1.0)
    assert not table.ledger.entries
