"""Rows that no model made: what the measures say of them frames every other figure."""

from __future__ import annotations

import numpy as np
import pandas as pd


def independent(train: pd.DataFrame, n: int, seed: int) -> pd.DataFrame:
    """Every column drawn on its own from the train rows: right columns, no dependence."""
    rng = np.random.default_rng(seed)
    drawn = {
        name: train[name].iloc[rng.integers(0, len(train), n)].reset_index(drop=True)
        for name in train.columns
    }
    return pd.DataFrame(drawn)
