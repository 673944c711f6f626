"""Raked weights against counts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthgen.encoding.table import RankedTable, TableEncoder
from synthgen.schema import Schema
from synthgen.seeds import Streams
from synthgen.tabular.autoregressive.raking import raked


def test_shares_and_ranks_become_those_of_the_data() -> None:
    rng = np.random.default_rng(0)
    n = 6000
    kind = rng.choice(["a", "b", "c"], n, p=[0.7, 0.25, 0.05])
    frame = pd.DataFrame({"kind": kind, "x": rng.normal(size=n) + 2 * (kind == "b")})
    encoder = TableEncoder.fit(frame, Schema.infer(frame))
    table = encoder.ranked(encoder.encode(frame, Streams(0)))
    # rows that are drawn too often where x is high, and of a kind
    skew = np.exp(0.3 * frame["x"]) * np.where(kind == "a", 1.5, 1.0)
    taken = rng.choice(n, n, p=skew / skew.sum())
    drawn = RankedTable(table.codes[taken], table.ranks[taken])
    weight = raked(np.ones(n), drawn, encoder)
    share = np.bincount(drawn.codes[:, 0], weight, minlength=3)
    np.testing.assert_allclose(share, encoder.columns[0].share, atol=0.01)
    inside = encoder.columns[1].has_value[drawn.codes[:, 1]]
    mean_rank = np.average(drawn.ranks[inside, 1], weights=weight[inside])
    assert drawn.ranks[inside, 1].mean() > 0.55 and abs(mean_rank - 0.5) < 0.01


def test_right_shares_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"kind": rng.choice(["a", "b"], 4000), "x": rng.normal(size=4000)})
    encoder = TableEncoder.fit(frame, Schema.infer(frame))
    table = encoder.ranked(encoder.encode(frame, Streams(0)))
    weight = raked(np.ones(4000), table, encoder)
    np.testing.assert_allclose(weight * 4000, 1, atol=0.15)
