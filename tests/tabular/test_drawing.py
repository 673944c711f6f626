"""Rows drawn from a generator whose distributions are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthgen.sampling.request import FREE
from synthgen.seeds import Streams
from synthgen.tabular.drawing import BATCH, Drawing
from synthgen.tabular.layout import Layout
from synthgen.tabular.networks import Generator

N_CODES = (3, 1, 5)
LAYOUT = Layout(
    np.array(N_CODES), (np.zeros(3, bool), np.ones(1, bool), np.array([True, False] * 2 + [False]))
)
OFFSET = np.random.default_rng(0).normal(size=LAYOUT.n_slots).astype(np.float32)


def deaf_generator() -> Generator:
    """One whose logits are all 0 whatever the noise, so that the offset alone decides."""
    generator = Generator(LAYOUT, 4, 16, 1)
    for parameter in generator.stages[0].exit.parameters():
        torch.nn.init.zeros_(parameter)
    return generator


def free(n: int) -> np.ndarray:
    return np.full((n, len(N_CODES)), FREE, np.int32)


def test_draws_follow_the_softmax_of_each_column() -> None:
    n = 40_000
    codes = Drawing(deaf_generator(), LAYOUT, OFFSET)(free(n), Streams(1)).codes
    for j, n_codes in enumerate(N_CODES):
        logits = torch.as_tensor(OFFSET[LAYOUT.start[j] : LAYOUT.start[j] + n_codes])
        found = np.bincount(codes[:, j], minlength=n_codes) / n
        assert len(found) == n_codes, "padding is never drawn"
        np.testing.assert_allclose(found, torch.softmax(logits, dim=0), atol=0.012)


def test_logits_of_any_size_are_drawn_from() -> None:
    for size in (1e3, -1e3, 1e30):
        offset = np.zeros(LAYOUT.n_slots, np.float32)
        offset[LAYOUT.start[0] + 1] = size
        codes = Drawing(deaf_generator(), LAYOUT, offset)(free(500), Streams(1)).codes
        assert codes.min() >= 0 and (codes < N_CODES).all()
        assert (codes[:, 0] == 1).all() if size > 0 else (codes[:, 0] != 1).all()


def test_values_are_the_tanh_of_the_drawn_mode() -> None:
    generator = deaf_generator()
    with torch.no_grad():
        generator.stages[0].exit.bias[LAYOUT.n_slots :][:3] = torch.tensor([0.5, -0.25, 1.0])
    table = Drawing(generator, LAYOUT, OFFSET)(free(2000), Streams(2))
    of_slot = dict(zip(LAYOUT.value_slots.tolist(), np.tanh([0.5, -0.25, 1.0]), strict=True))
    for j in range(3):
        wanted = [of_slot.get(LAYOUT.start[j] + code, 0.0) for code in table.codes[:, j]]
        np.testing.assert_allclose(table.values[:, j], wanted, atol=4e-3)


def test_given_codes_are_kept() -> None:
    condition = free(300)
    condition[::2, 2] = 3
    codes = Drawing(Generator(LAYOUT, 4, 16, 1), LAYOUT, OFFSET)(condition, Streams(3)).codes
    assert (codes[::2, 2] == 3).all() and len(np.unique(codes[1::2, 2])) > 1


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    generator = Generator(LAYOUT, 4, 16, 1)
    torch.manual_seed(0)
    for parameter in generator.parameters():
        torch.nn.init.normal_(parameter)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        table = Drawing(generator, LAYOUT, OFFSET)(free(3 * BATCH + 7), Streams(4))
        assert torch.get_num_threads() == threads, "the caller's setting stays"
    finally:
        torch.set_num_threads(before)
    digest = (int(table.codes.sum()), float(table.values.astype(np.float64).sum()))
    assert SEEN.setdefault("digest", digest) == digest


SEEN: dict[str, tuple[int, float]] = {}
