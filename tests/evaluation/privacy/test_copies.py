"""Who is attacked by copies: rows that stand alone, as comparing all pairs finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthgen.evaluation.privacy.copies import exact_copies, unlike_others


def test_rows_that_stand_alone_are_those_of_a_comparison_of_all_pairs(adult: pd.DataFrame) -> None:
    columns = ["age", "education", "sex", "hours-per-week", "income"]
    rows = adult[columns].head(400).reset_index(drop=True)
    found = np.concatenate(unlike_others(rows.head(250), rows.tail(150)))

    differing = sum(
        (rows[name].to_numpy()[:, None] != rows[name].to_numpy()[None]).astype(int)
        for name in columns
    )
    np.fill_diagonal(differing, len(columns))
    assert np.array_equal(found, differing.min(axis=1) >= 2)
    assert 10 < found.sum() < 390


def test_copies_are_found_among_rows_that_many_are_like(adult: pd.DataFrame) -> None:
    rows = adult.drop(columns="fnlwgt").sample(frac=1, random_state=0).reset_index(drop=True)
    third = len(rows) // 3
    train, holdout, others = (rows.iloc[k * third : (k + 1) * third] for k in range(3))
    honest = exact_copies(train, others, holdout)
    leaky = exact_copies(train, pd.concat([others, train.head(third // 50)]), holdout)

    assert honest.parts is not None
    assert leaky.value is not None
    # a row that stands alone comes by chance seldom
    assert honest.parts["control"] < 0.02
    assert honest.upper(1) < 0.01
    assert 0.01 < leaky.value < 0.03
