from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen.evaluation.quality.constraints import Constraint, constraints

Adult = tuple[pd.DataFrame, pd.DataFrame]


def trips() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    start = pd.Timestamp("2024-03-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 9000, 400), "m")
    return pd.DataFrame(
        {
            "start": start,
            "end": start + pd.to_timedelta(rng.integers(0, 90, 400), "m"),
            "fare": rng.integers(3, 60, 400),
            "city": rng.choice(["Rome", "Oslo", "Bonn"], 400),
        }
    ).assign(country=lambda t: t["city"].map({"Rome": "IT", "Oslo": "NO", "Bonn": "DE"}))


def by_text(found: tuple[Constraint, ...]) -> dict[str, Constraint]:
    return {constraint.text: constraint for constraint in found}


def test_what_always_holds_is_found_and_its_breaches_counted() -> None:
    real = trips()
    made = real.copy()
    made.loc[:39, "end"] = made["start"] - pd.Timedelta(minutes=5)
    made["fare"] = made["fare"].astype(float)
    made.loc[:19, "fare"] += 0.5
    made.loc[100:109, "fare"] = 900
    made.loc[200:239, "country"] = made["country"].map({"IT": "NO", "NO": "DE", "DE": "IT"})
    made.loc[300, "city"] = "Atlantis"
    made.loc[301:302, "country"] = None
    result = constraints(real, made, holdout=real)
    found = by_text(result.found)
    assert found["start <= end"].synthetic == 0.1
    assert found["fare is a whole number"].synthetic == 20 / 400
    assert found[f"fare is from {real['fare'].min()} to {real['fare'].max()}"].synthetic >= 10 / 400
    assert found["city decides country"].synthetic == pytest.approx(42 / 400)
    assert found["city is one of 3 values"].synthetic == 1 / 400
    assert found["country is never missing"].synthetic == 2 / 400
    assert "end <= start" not in found
    assert all(constraint.holdout == 0 for constraint in result.found)
    assert result.violations.value == pytest.approx(100 * (40 + 10 + 40 + 1 + 2) / 400)
    assert result.violations.baseline == 0


def test_what_independent_columns_would_keep_is_no_constraint() -> None:
    rng = np.random.default_rng(0)
    real = pd.DataFrame({"low": rng.random(200), "high": rng.random(200) + 5, "k": "x"})
    real["g"] = rng.choice(list("ab"), 200)
    found = by_text(constraints(real, real).found)
    assert not any(c.kind in ("ordering", "dependency") for c in found.values())


def test_columns_that_share_no_value_decide_nothing() -> None:
    real = pd.DataFrame({"name": [f"n{i}" for i in range(300)], "side": list("ab") * 150})
    assert not any(c.kind == "dependency" for c in constraints(real, real).found)


def test_adult(parts: Adult) -> None:
    train, test = parts
    rng = np.random.default_rng(0)
    loose = pd.DataFrame({name: rng.permutation(train[name]) for name in train.columns})
    found = constraints(train, loose, holdout=test)
    assert found.found[0].columns in (
        ("education", "education-num"),
        ("education-num", "education"),
    )
    assert found.found[0].holdout == 0 and found.found[0].synthetic > 0.7
    assert (found.violations.baseline or 0) < 2 < (found.violations.value or 0)


def test_missing_numbers_are_whole() -> None:
    real = pd.DataFrame({"n": [1.0, 2.0, None] * 30})
    found = by_text(constraints(real, real).found)
    assert found["n is a whole number"].synthetic == 0


def test_few_rows() -> None:
    table = pd.DataFrame({"a": range(10)})
    found = constraints(table, table).violations
    assert found.value is None and "too few" in (found.reason or "")
