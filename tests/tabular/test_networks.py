"""Draws from the generator's heads, against the distributions they stand for."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.tabular.layout import Layout, Part
from synthgen.tabular.networks import Critic, Generator, harden, soft_codes

LAYOUT = Layout(np.array([3, 1, 5]), tuple(np.zeros(n, bool) for n in (3, 1, 5)))
PARTED = Layout(LAYOUT.n_codes, LAYOUT.has_value, np.array([1, 0, 1]))
(WHOLE,) = LAYOUT.parts
LOGITS = torch.randn(1, LAYOUT.n_slots, generator=torch.Generator().manual_seed(0))


def padded(logits: torch.Tensor) -> torch.Tensor:
    return logits + torch.as_tensor(LAYOUT.padding)


def shares(j: int) -> np.ndarray:
    start, n = LAYOUT.start[j], LAYOUT.n_codes[j]
    return torch.softmax(LOGITS[0, start : start + n], dim=0).numpy()


def test_gumbel_softmax_has_the_same_distribution() -> None:
    n = 40_000
    soft = soft_codes(padded(LOGITS.expand(n, -1)), WHOLE, 0.2, torch.Generator().manual_seed(2))
    for j in range(3):
        start = LAYOUT.start[j]
        block = soft[:, start : start + LAYOUT.n_codes[j]]
        np.testing.assert_allclose(block.sum(dim=1).numpy(), 1, atol=1e-4)
        found = np.bincount(block.argmax(dim=1).numpy(), minlength=LAYOUT.n_codes[j]) / n
        np.testing.assert_allclose(found, shares(j), atol=0.012)


def test_hard_codes_are_one_hot_and_pass_the_gradient() -> None:
    logits = LOGITS.expand(8, -1).clone().requires_grad_(True)
    hard = harden(soft_codes(padded(logits), WHOLE, 0.5, torch.Generator().manual_seed(3)), WHOLE)
    assert set(hard.detach().round(decimals=4).unique().tolist()) <= {0.0, 1.0, -0.0}
    (hard * torch.randn(hard.shape, generator=torch.Generator().manual_seed(4))).sum().backward()
    assert logits.grad is not None and logits.grad.abs().sum() > 0


def run(
    generator: Generator, noise: torch.Tensor, seen: dict[int, torch.Tensor]
) -> list[torch.Tensor]:
    """Logits of each part; a part comes out as ``seen`` says, or as zeros."""
    logits: list[torch.Tensor] = []

    def draw(part: Part, out: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        logits.append(out)
        return seen.get(part.index, torch.zeros(len(out), part.n_slots + part.n_values))

    generator(noise, torch.zeros(len(noise), LAYOUT.n_slots), draw)
    return logits


def test_a_row_does_not_depend_on_its_batch() -> None:
    torch.manual_seed(0)
    generator, noise = Generator(LAYOUT, 4, 16, 2), torch.randn(6, 4)
    torch.testing.assert_close(run(generator, noise, {})[0][2:3], run(generator, noise[2:3], {})[0])


def test_a_part_depends_on_what_the_part_before_came_out_as() -> None:
    torch.manual_seed(0)
    generator, noise = Generator(PARTED, 4, 16, 1), torch.randn(6, 4)
    assert [part.columns.tolist() for part in PARTED.parts] == [[1], [0, 2]]
    blank, told = (run(generator, noise, {0: torch.full((6, 1), x)}) for x in (0.0, 1.0))
    torch.testing.assert_close(blank[0], told[0])
    assert not torch.isclose(blank[1], told[1]).all(dim=1).any()


def test_critic_packs_rows() -> None:
    critic = Critic(7, 16, 2, pac=5)
    rows = torch.randn(20, 7)
    scores = critic(rows)
    assert scores.shape == (4,)
    changed = rows.clone()
    changed[7] += 1
    moved = (critic(changed) != scores).tolist()
    assert moved == [False, True, False, False]


def test_spectral_norm_bounds_every_layer() -> None:
    torch.manual_seed(0)
    critic = Critic(7, 16, 2, pac=2, spectral=True)
    for _ in range(30):
        critic(torch.randn(20, 7))
    critic.eval()
    for layer in (critic.row, *critic.hidden, critic.score):
        assert torch.linalg.matrix_norm(layer.weight, 2) < 1.05
