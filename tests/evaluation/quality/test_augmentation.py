from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, recall_score, roc_auc_score

from synthgen.errors import InvalidInputError
from synthgen.evaluation.quality.augmentation import ARMS, augmentation_gain, rates

Adult = tuple[pd.DataFrame, pd.DataFrame]


def test_rates_against_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(500) < 0.2
    score = np.round(np.clip(0.4 * truth + rng.random(500) * 0.8, 0, 1), 2)  # with ties
    weights = rng.multinomial(500, np.full(500, 1 / 500), size=3).astype(float)
    for found, weight in zip(rates(score, truth, weights), weights, strict=True):
        said = score >= 0.5
        assert found == pytest.approx(
            [
                average_precision_score(truth, score, sample_weight=weight),
                roc_auc_score(truth, score, sample_weight=weight),
                recall_score(truth, said, sample_weight=weight),
                f1_score(truth, said, sample_weight=weight),
            ]
        )


@pytest.fixture(scope="module")
def rare(parts: Adult) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Train rows with 25 of the rare class, test rows, and more real rows of the class."""
    train, test = parts
    rich = train[train["income"] == ">50K"]
    scarce = pd.concat([train[train["income"] != ">50K"], rich.head(25)], ignore_index=True)
    return scarce, test, rich.iloc[25:]


def test_real_rows_of_the_class_help_and_noise_does_not(
    rare: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    train, test, more = rare
    found = augmentation_gain(train, test, "income", more, n_added=600, draws=100)
    assert found.rare == ">50K" and set(found.scores) == set(ARMS)
    gain = found.gains["synthetic"]["pr_auc"]
    assert gain.value is not None and gain.value > 0.03
    assert gain.ci is not None and 0 < gain.ci[0] < gain.value < gain.ci[1]
    assert found.gains["weights"]["recall"].value is not None
    assert found.scores["smote"]["recall"].value > found.scores["none"]["recall"].value
    plain = found.scores["none"]["auc"].value
    assert found.scores["synthetic"]["auc"].baseline == plain
    rng = np.random.default_rng(0)
    noise = pd.DataFrame({name: rng.choice(train[name], 600) for name in train.columns})
    worse = augmentation_gain(
        train, test, "income", noise.assign(income=">50K"), n_added=600, draws=100
    )
    assert (worse.gains["synthetic"]["pr_auc"].value or 0) < 0


def test_a_function_makes_as_many_rows_as_asked(
    rare: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
) -> None:
    train, test, more = rare
    asked = []

    def make(n: int) -> pd.DataFrame:
        asked.append(n)
        return more

    found = augmentation_gain(train, test, "income", make, draws=20)
    assert asked == [len(train) - 50] == [found.n_added]
    reason = found.scores["synthetic"]["auc"].reason
    assert reason is not None and f"{len(more)} synthetic rows" in reason


def test_numbers_only_and_missing_cells() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=600), "b": rng.normal(size=600)})
    table["y"] = (table["a"] + table["b"] > 2).map({True: "hit", False: "miss"})
    table.loc[::17, "a"] = None
    found = augmentation_gain(table, table, "y", table, draws=20)
    assert found.rare == "hit"
    assert found.scores["smote"]["auc"].value is not None


def test_bad_input(parts: Adult) -> None:
    train, test = parts
    with pytest.raises(InvalidInputError, match="no column"):
        augmentation_gain(train, test, "nothing", train)
    with pytest.raises(InvalidInputError, match="one class"):
        augmentation_gain(train.assign(k=1), test.assign(k=1), "k", train)
    with pytest.raises(InvalidInputError, match="0 rows of the test table"):
        augmentation_gain(train, test[test["income"] != ">50K"], "income", train)
