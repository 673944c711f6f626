"""Batch matrices against a plain loop over cells."""

from __future__ import annotations

import numpy as np
import torch

from synthgen.encoding.table import EncodedTable
from synthgen.tabular.layout import Layout

N_CODES = np.array([3, 1, 17, 2, 3, 40])
HAS_VALUE = tuple(
    np.arange(n) < limit for n, limit in zip(N_CODES, (0, 1, 10, 0, 2, 0), strict=True)
)
LAYOUT = Layout(N_CODES, HAS_VALUE)


def test_slots_do_not_overlap_and_padding_is_the_rest() -> None:
    used = np.concatenate([s + np.arange(n) for s, n in zip(LAYOUT.start, N_CODES, strict=True)])
    assert len(np.unique(used)) == N_CODES.sum() <= LAYOUT.n_slots <= 1.5 * N_CODES.sum()
    np.testing.assert_array_equal(np.flatnonzero(LAYOUT.padding == 0), np.sort(used))


def test_batch_equals_a_loop_over_cells() -> None:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, n, 50) for n in N_CODES], axis=1).astype(np.int32)
    values = rng.normal(size=codes.shape).astype(np.float32)
    expected = np.zeros((50, LAYOUT.n_slots + len(LAYOUT.value_slots)), np.float32)
    slots = LAYOUT.value_slots.tolist()
    for row in range(50):
        for j in range(len(N_CODES)):
            slot = LAYOUT.start[j] + codes[row, j]
            expected[row, slot] = 1
            if HAS_VALUE[j][codes[row, j]]:
                expected[row, LAYOUT.n_slots + slots.index(slot)] = values[row, j]
    batch = LAYOUT.batch(EncodedTable(codes, values), torch.device("cpu"))
    np.testing.assert_array_equal(batch.numpy(), expected)


def test_free_columns_are_empty_blocks() -> None:
    condition = torch.full((1, 6), -1)
    condition[0, 2] = 5
    hot = LAYOUT.one_hot(condition)
    assert hot.sum() == 1 and hot[0, LAYOUT.start[2] + 5] == 1


def test_fifty_thousand_codes_cost_little_padding() -> None:
    layout = Layout(np.array([50_000]), (np.zeros(50_000, bool),))
    assert layout.n_slots <= 66_000
