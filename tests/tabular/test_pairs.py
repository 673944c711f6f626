"""What the pair critic looks at, against counts over rows."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthgen.encoding.table import EncodedTable
from synthgen.tabular import pairs
from synthgen.tabular.layout import Layout
from synthgen.tabular.pairs import CodePairs

N_CODES = np.array([3, 1, 40])
LAYOUT = Layout(N_CODES, tuple(np.zeros(n, bool) for n in N_CODES))


def some_table(n: int = 500) -> EncodedTable:
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, k, n) ** 2 // k for k in N_CODES], axis=1).astype(np.int32)
    return EncodedTable(codes, np.zeros(codes.shape, np.float32))


def test_shares_of_pairs_are_those_of_the_rows() -> None:
    table = some_table()
    found = CodePairs(LAYOUT, table, np.random.default_rng(1), torch.device("cpu"))
    hot = LAYOUT.batch(table, torch.device("cpu")).numpy()[:, found.slots.numpy()]
    np.testing.assert_allclose(found.critic.real.numpy(), hot.T @ hot / len(table), atol=1e-5)
    assert LAYOUT.start[1] not in found.slots.tolist(), "a constant column pairs with nothing"


def test_of_many_codes_the_most_frequent_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pairs, "MAX_CODES", 20)
    table = some_table()
    found = CodePairs(LAYOUT, table, np.random.default_rng(1), torch.device("cpu"))
    kept = {slot - LAYOUT.start[2] for slot in found.slots.tolist()} & set(range(40))
    counts = np.bincount(table.codes[:, 2], minlength=40)
    kept_counts = sorted(counts[[int(s) for s in kept if s >= 0]])
    assert len(found.slots) == 13 and kept_counts == sorted(sorted(counts)[-10:])
