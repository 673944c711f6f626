"""Gaps: what known cells decide is exact, and relations hold for what is filled."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from synthgen import SynthGen

Kept = Callable[[pd.DataFrame], None]
Make = Callable[..., pd.DataFrame]


@pytest.mark.parametrize("method", ["best", "draw"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.7, 1.0])
def test_relations_hold_and_known_cells_stay(
    argan: SynthGen, kept: Kept, make_related: Make, method: str, share: float
) -> None:
    whole = make_related(300, seed=3)
    whole[["x", "y"]] = whole[["x", "y"]].fillna(0.5)
    holes = pd.DataFrame(
        np.random.default_rng(1).random(whole.shape) < share, columns=whole.columns
    )
    filled = argan.impute(whole.mask(holes), method=method, seed=1)
    assert not filled.isna().any().any()
    assert ((filled == whole) | holes).all().all()
    kept(filled)


def one_gap(make_related: Make, *names: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    whole = make_related(200, seed=3)
    gaps = whole.copy()
    gaps[list(names)] = np.nan
    return whole, gaps


@pytest.mark.parametrize(
    "names",
    [("city",), ("city_code",), ("country",), ("total",), ("paid",), ("fare",), ("tip", "total"),
     ("city", "country"), ("total", "fare")],
)  # fmt: skip
def test_what_the_others_decide_is_exact(
    argan: SynthGen, make_related: Make, names: tuple[str, ...]
) -> None:
    whole, gaps = one_gap(make_related, *names)
    filled = argan.impute(gaps, seed=1)
    for name in names:
        if whole[name].dtype == float:
            np.testing.assert_allclose(filled[name], whole[name], atol=1e-9)
        else:
            assert (filled[name] == whole[name]).all()


def test_what_known_cells_rule_out_does_not_come(argan: SynthGen, make_related: Make) -> None:
    whole, gaps = one_gap(make_related, "city", "city_code")
    for method in ("best", "draw"):
        filled = argan.impute(gaps, method=method, seed=1)
        assert (filled["country"] == whole["country"]).all()
        of = whole.drop_duplicates("city").set_index("city")["country"]
        assert (filled["city"].map(of) == whole["country"]).all()
