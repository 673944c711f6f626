from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality.nash import nash_gap

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_the_gap_of_known_tables() -> None:
    # Real rows are 0 or 1 evenly, synthetic ones 1 in 9 of 10: the best guess is right in .7.
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"a": rng.random(8000) < 0.5, "b": rng.random(8000)})
    made = pd.DataFrame({"a": rng.random(8000) < 0.9, "b": rng.random(8000)})
    found = nash_gap(real, made)
    assert found.value == pytest.approx(0.2, abs=0.03)
    assert found.ci is not None and found.ci[0] < 0.2 < found.ci[1] + 0.01


def test_rows_that_interact_are_seen() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"a": rng.random(3000), "b": rng.random(3000)})
    made = pd.DataFrame({"a": rng.random(3000)}).assign(b=lambda t: t["a"])
    assert (nash_gap(real, made).value or 0) > 0.4


def test_real_rows_leave_no_gap(parts: Adult) -> None:
    train, test = parts
    found = nash_gap(train, test.head(700), holdout=test.tail(700))
    assert found.value == pytest.approx(0, abs=0.08)
    assert found.baseline == pytest.approx(0, abs=0.08)
    assert found.n == 700 and found.reason is None
    thinned = nash_gap(train, test, most_rows=300)
    assert thinned.n == 300 and "300 rows" in (thinned.reason or "")


def test_few_rows() -> None:
    table = pd.DataFrame({"a": range(10)})
    assert nash_gap(table, table).value is None
