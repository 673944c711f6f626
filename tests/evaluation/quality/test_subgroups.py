from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality.binning import Binning
from synthgen.evaluation.quality.subgroups import subgroups

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_the_group_that_is_wrong_is_found(parts: Adult) -> None:
    train, test = parts
    made = train.copy()
    wrong = (made["sex"] == "Female") & (made["race"] == "Black")
    made.loc[wrong, "age"] += 40
    made.loc[wrong, "hours-per-week"] = 10
    found = subgroups(train, made, holdout=test)
    worst = found.groups[0]
    assert worst.values in (("Black", "Female"),) and worst.columns == ("race", "sex")
    assert worst.worst_column in ("age", "hours-per-week")
    assert (
        found.worst.reason is not None and "race is Black and sex is Female" in found.worst.reason
    )
    assert found.worst.value == worst.shape_error_pct
    assert worst.n_real == worst.n_synthetic == int(wrong.sum())


def test_errors_against_a_loop(parts: Adult) -> None:
    train, test = (part[["age", "sex", "income", "hours-per-week"]] for part in parts)
    binning = Binning.of(train)
    for group in subgroups(train, test).groups[:4]:
        inside = [
            np.logical_and.reduce(
                [t[c] == v for c, v in zip(group.columns, group.values, strict=True)]
            )
            for t in (train, test)
        ]
        codes = [binning.codes(t)[i] for t, i in zip((train, test), inside, strict=True)]
        gaps = []
        for index, name in enumerate(train.columns):
            if name not in group.columns:
                shares = [
                    np.bincount(c[:, index], minlength=binning.sizes[index]) / len(c) for c in codes
                ]
                gaps.append(100 * np.abs(shares[0] - shares[1]).sum() / 2)
        assert group.shape_error_pct == pytest.approx(np.mean(gaps))
        assert group.n_synthetic == inside[1].sum()


def test_chance_is_what_equal_tables_show() -> None:
    rng = np.random.default_rng(0)
    tables = [
        pd.DataFrame({"g": rng.choice(list("ab"), 2000), "n": rng.normal(size=2000)})
        for _ in range(20)
    ]
    groups = [
        g for a, b in zip(tables[::2], tables[1::2], strict=True) for g in subgroups(a, b).groups
    ]
    shown = np.mean([group.shape_error_pct for group in groups])
    assert shown == pytest.approx(np.mean([group.chance_pct for group in groups]), rel=0.15)


def test_a_group_without_synthetic_rows_is_all_wrong(parts: Adult) -> None:
    train, _ = parts
    found = subgroups(train, train[train["race"] != "Black"]).groups[0]
    assert "race is Black" in found.text and found.shape_error_pct == 100
    assert found.n_synthetic == 0 and found.worst_column is None


def test_usefulness_inside_groups(parts: Adult) -> None:
    train, test = parts
    noise = train.assign(income=np.random.default_rng(0).permutation(train["income"]))
    found = [g for g in subgroups(train, noise, holdout=test, target="income").groups if g.mle_real]
    assert found
    assert np.mean([g.mle for g in found]) < 0.65 < np.mean([g.mle_real for g in found])


def test_booleans_group_and_numbers_do_not() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"f": rng.random(400) < 0.5, "n": rng.normal(size=400)})
    texts = {group.text for group in subgroups(real, real).groups}
    assert texts == {"f is true", "f is false"}
    none = subgroups(real[["n"]], real[["n"]]).worst
    assert none.value is None and none.reason
