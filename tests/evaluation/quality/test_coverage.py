from __future__ import annotations

import pandas as pd
import pytest

from synthgen.evaluation.quality.coverage import rare_levels

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_by_hand() -> None:
    real = pd.DataFrame({"c": ["a"] * 990 + ["b"] * 6 + ["d"] * 4, "n": range(1000)})
    made = pd.DataFrame({"c": ["a"] * 997 + ["d"] * 3, "n": range(1000)})
    held = pd.DataFrame({"c": ["a"] * 996 + ["b"] * 4, "n": range(1000)})
    found = rare_levels(real, made, holdout=held)
    assert [(level.value, level.real, level.synthetic) for level in found.levels] == [
        ("d", 0.004, 0.003),
        ("b", 0.006, 0),
    ]
    assert (found.coverage.value, found.coverage.baseline) == (0.5, 0.5)
    assert found.frequency_error.value == pytest.approx(100 * (1 + 6) / 10)
    assert found.frequency_error.baseline == pytest.approx(100 * (4 + 2) / 10)


def test_adult_rows_without_rare_levels(parts: Adult) -> None:
    train, test = parts
    common = train["native-country"].value_counts().index[0]
    found = rare_levels(train, train.assign(**{"native-country": common}), holdout=test)
    countries = [level for level in found.levels if level.column == "native-country"]
    assert len(countries) > 10 and all(level.synthetic == 0 for level in countries)
    assert (found.coverage.value or 0) < (found.coverage.baseline or 0)
    assert found.coverage.n == len(test)


def test_identifiers_and_common_levels_have_a_reason() -> None:
    table = pd.DataFrame({"id": [f"r{i}" for i in range(300)], "c": ["a", "b"] * 150})
    found = rare_levels(table, table)
    assert found.coverage.value is None and "rarer" in (found.coverage.reason or "")
