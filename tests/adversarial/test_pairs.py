"""The critic of pairs against sums over all pairs, and as the only teacher of a generator."""

from __future__ import annotations

import torch

from synthgen.adversarial.pairs import PairCritic


def test_loss_is_the_sum_over_pairs_of_different_columns() -> None:
    generator = torch.Generator().manual_seed(0)
    real, rows = torch.rand(4, 4, generator=generator), torch.rand(7, 4, generator=generator)
    column = torch.tensor([0, 0, 1, 2])
    expected = 0.0
    for a in range(4):
        for b in range(4):
            if column[a] != column[b]:
                mean = float((rows[:, a] * rows[:, b]).mean())
                gap = mean - float(real[a, b])
                expected += gap * mean / (float(real[a, b]) + 1e-3) / 9
    assert abs(float(PairCritic(real, column).loss(rows)) - expected) < 1e-4


def test_a_generator_learns_from_it_what_singles_do_not_tell() -> None:
    # two columns of two equally frequent codes, equal in nine rows of ten
    across = torch.tensor([[0.45, 0.05], [0.05, 0.45]])
    inside = 0.5 * torch.eye(2)
    real = torch.cat([torch.cat([inside, across], 1), torch.cat([across, inside], 1)])
    critic = PairCritic(real, torch.tensor([0, 0, 1, 1]))
    logits = torch.zeros(4, requires_grad=True)  # of the four kinds of rows
    kinds = torch.tensor([[1.0, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]])
    optimizer = torch.optim.Adam([logits], lr=0.02)
    for _ in range(400):
        share = torch.softmax(logits, dim=0)
        loss = critic.loss(kinds * (4 * share).sqrt()[:, None])
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    found = torch.softmax(logits, dim=0).detach()
    torch.testing.assert_close(found, torch.tensor([0.45, 0.05, 0.05, 0.45]), atol=0.02, rtol=0)


def test_no_rows_no_loss() -> None:
    assert float(PairCritic(torch.eye(2), torch.tensor([0, 1])).loss(torch.zeros(0, 2))) == 0
