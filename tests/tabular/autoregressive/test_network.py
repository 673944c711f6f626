"""The network sees what it may see, and its losses are those of the distributions it stands for."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthgen.tabular.autoregressive.network import (
    Autoregressive,
    Sizes,
    code_loss,
    normal_mixture,
)
from synthgen.tabular.layout import Layout

N_CODES = np.array([3, 1, 5, 2])
NUMERIC = np.array([1, 2])
LAYOUT = Layout(N_CODES, tuple(np.zeros(n, bool) for n in N_CODES))


@pytest.fixture(scope="module", params=[0, 8], ids=["full", "shared-state"])
def network(request: pytest.FixtureRequest) -> Autoregressive:
    torch.manual_seed(0)
    made = Autoregressive(LAYOUT, NUMERIC, Sizes(6, 16, 3, state=request.param))
    for head in made.code_heads:
        torch.nn.init.normal_(head)
    return made.requires_grad_(False)


def cells(n: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    codes = torch.stack([torch.randint(0, int(k), (n,), generator=generator) for k in N_CODES], 1)
    return codes, torch.randn(n, 2, generator=generator), torch.ones(n, 2)


def outputs(
    network: Autoregressive,
    codes: torch.Tensor,
    scores: torch.Tensor,
    given: torch.Tensor | None = None,
    prefix: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """What each column's heads say: logits, and the mixture where it has one."""
    logits, mixture = network(network.tokens(codes, scores, torch.ones_like(scores)), given, prefix)
    found = []
    for j, (start, k) in enumerate(zip(LAYOUT.start, N_CODES, strict=True)):
        parts = [logits[:, start : start + k]]
        parts += [mixture[i] for i, column in enumerate(NUMERIC) if column == j]
        found.append(torch.cat(parts, dim=1))
    return found


@pytest.mark.parametrize("changed", range(4))
def test_a_column_sees_earlier_columns_only(network: Autoregressive, changed: int) -> None:
    codes, scores, _ = cells()
    before = outputs(network, codes, scores)
    codes, scores = codes.clone(), scores.clone()
    codes[:, changed] = (codes[:, changed] + 1) % int(N_CODES[changed])
    if changed in NUMERIC:
        scores[:, list(NUMERIC).index(changed)] += 1.0
    after = outputs(network, codes, scores)
    for j in range(4):
        same = torch.allclose(before[j], after[j])
        assert same == (j <= changed), f"column {j} and a change of column {changed}"


def test_given_columns_are_seen_by_all_others_and_hidden_ones_by_none(
    network: Autoregressive,
) -> None:
    codes, scores, _ = cells()
    given = torch.tensor([[0.0, 0.0, 1.0, 0.0]]).expand(4, -1)
    alone = outputs(network, codes, scores, given, given)
    for changed, seen_by in ((2, {0, 1, 3}), (0, set()), (3, set())):
        other = codes.clone()
        other[:, changed] = (other[:, changed] + 1) % int(N_CODES[changed])
        after = outputs(network, other, scores, given, given)
        moved = {j for j in range(4) if not torch.allclose(alone[j], after[j])}
        assert moved == seen_by


def test_only_the_first_rows_are_masked(network: Autoregressive) -> None:
    codes, scores, _ = cells()
    free = outputs(network, codes, scores)
    none = torch.zeros(2, 4)
    some = outputs(network, codes, scores, none, none)
    for j in range(4):
        torch.testing.assert_close(some[j][2:], free[j][2:])
    assert not torch.allclose(some[3][:2], free[3][:2])


def test_code_loss_is_cross_entropy() -> None:
    logits = torch.randn(5, LAYOUT.n_slots) + torch.as_tensor(LAYOUT.padding)
    codes, _, _ = cells(5)
    loss = code_loss(logits, codes, LAYOUT)
    for j, (start, k) in enumerate(zip(LAYOUT.start, N_CODES, strict=True)):
        block = logits[:, start : start + k]
        wanted = torch.nn.functional.cross_entropy(block, codes[:, j], reduction="none")
        torch.testing.assert_close(loss[:, j], wanted)


def test_mixture_density_integrates_to_one() -> None:
    log_weight = torch.tensor([0.3, 0.7]).log()
    mean, log_std = torch.tensor([-1.0, 2.0]), torch.tensor([-0.5, 0.2])
    z = torch.linspace(-12, 12, 40_001).unsqueeze(1)
    density = normal_mixture(log_weight, mean, log_std, z).exp()
    assert float(torch.trapezoid(density, z.squeeze(1))) == pytest.approx(1, abs=1e-4)
