"""Muon against singular values, PyTorch's AdamW and, where it has one, PyTorch's Muon."""

import copy

import pytest
import torch
from torch import nn

from synthgen.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(3, 8, 8), (2, 16, 4), (1, 4, 32)])
def test_singular_values_come_near_one_and_directions_stay(shape):
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    found = orthogonal(matrices)

    assert found.shape == matrices.shape
    values = torch.linalg.svdvals(found)
    assert values.min() > 0.5
    assert values.max() < 1.3
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    nearest = u @ v
    likeness = (found * nearest).sum((1, 2)) / found.norm(dim=(1, 2)) / nearest.norm(dim=(1, 2))
    assert likeness.min() > 0.97


def test_what_is_no_inner_matrix_takes_the_steps_of_adamw():
    ours, theirs = _pair(nn.Sequential(nn.Embedding(7, 5), nn.LayerNorm(5)))
    decay, rest = [theirs[0].weight], [theirs[1].weight, theirs[1].bias]
    adamw = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
        lr=0.01,
        betas=(0.9, 0.98),
    )
    muon = Muon([], ours.parameters(), 0.01, 0.1)
    rows = torch.arange(7)
    for _ in range(5):
        for net, optimizer in ((ours, muon), (theirs, adamw)):
            optimizer.zero_grad()
            (net(rows) ** 3).sum().backward()
            optimizer.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q)


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="PyTorch before 2.9 has no Muon")
def test_inner_matrices_take_the_steps_of_pytorch():
    ours, theirs = _pair(nn.Sequential(nn.Linear(6, 12, bias=False), nn.Linear(12, 6, bias=False)))
    before = copy.deepcopy(ours)
    muon = Muon(ours.parameters(), [], 0.02, 0.1)
    reference = torch.optim.Muon(
        theirs.parameters(), lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"
    )
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(1))
    for _ in range(4):
        for net, optimizer in ((ours, muon), (theirs, reference)):
            optimizer.zero_grad()
            ((net(x) - x.flip(1)) ** 2).mean().backward()
            optimizer.step()
    for p, q, start in zip(
        ours.parameters(), theirs.parameters(), before.parameters(), strict=True
    ):
        # theirs iterates in bfloat16
        assert (p - q).norm() < 0.05 * (p - start).norm()


def test_a_state_that_was_kept_goes_on_alike():
    first, second = _pair(nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(2))
    optimizers = [_of(net) for net in (first, second)]
    _steps(first, optimizers[0], x, 3)
    second.load_state_dict(first.state_dict())
    optimizers[1].load_state_dict(copy.deepcopy(optimizers[0].state_dict()))
    for net, optimizer in zip((first, second), optimizers, strict=True):
        _steps(net, optimizer, x, 3)
    for p, q in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(p, q)


def _of(net):
    matrices = [p for p in net.parameters() if p.dim() > 1]
    return Muon(matrices, [p for p in net.parameters() if p.dim() <= 1], 0.01)


def _steps(net, optimizer, x, n):
    for _ in range(n):
        optimizer.zero_grad()
        (net(x) ** 2).mean().backward()
        optimizer.step()


def _pair(net):
    generator = torch.Generator().manual_seed(0)
    for p in net.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    return net, copy.deepcopy(net)
