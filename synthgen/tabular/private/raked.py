"""Free rows with the shares that were bought: what noisy training drifted from is free to mend."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from synthgen.adversarial.trees import systematic
from synthgen.encoding.table import RankedTable, TableEncoder
from synthgen.seeds import Streams
from synthgen.tabular.autoregressive.raking import raked

_POOL_ROWS = 131_072


def raked_rows(
    n: int,
    pool: float,
    draw: Callable[[int, Streams], RankedTable],
    encoder: TableEncoder,
    streams: Streams,
) -> RankedTable:
    """``n`` rows, each of ``pool`` drawn ones, part by part; with 1 all rows stay as they are."""
    parts = []
    size = max(1, int(_POOL_ROWS / pool))
    for start in range(0, max(n, 1), size):
        wanted, own = min(size, n - start), streams.child(f"part/{start}")
        drawn = draw(int(np.ceil(wanted * pool)), own)
        if pool > 1 and wanted:
            rng = own.numpy("raked")
            weight = raked(np.ones(len(drawn)), drawn, encoder)
            taken = rng.permutation(systematic(weight, wanted, rng))
            drawn = RankedTable(drawn.codes[taken], drawn.ranks[taken])
        parts.append(drawn)
    return RankedTable(
        *(np.concatenate([getattr(p, f) for p in parts]) for f in ("codes", "ranks"))
    )
