from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from synthgen.chemistry import canonical, descriptors, n_descriptors, properties
from synthgen.errors import ConditionError, ModelFileError
from synthgen.molecular.outcomes import Outcomes
from synthgen.molecular.representation import Molecules
from synthgen.molecular.response import Noise
from synthgen.seeds import Streams

N = 500


def beside(smiles: list[str], seed: int) -> pd.DataFrame:
    """Columns that depend on structure and on each other, with gaps, whole numbers and names."""
    rng = np.random.default_rng(seed)
    logp, rings = np.array([properties(text, ["logP", "rings"]) for text in smiles]).T
    assay = (logp + rng.normal(0, 0.3, len(smiles))).round(2)
    return pd.DataFrame(
        {
            "id": [f"compound {rng.integers(10**9)}" for _ in smiles],
            "assay": np.where(rng.random(len(smiles)) < 0.05 + 0.4 * (logp > 1), np.nan, assay),
            "twice": (2 * assay + rng.normal(0, 0.1, len(smiles))).round(1),
            "rings": rings.astype(int),
            "active": (assay > 0).astype(int),
            "class": np.where(assay > 0.5, "fat", np.where(assay > -0.5, "middle", "water")),
        }
    )


@pytest.fixture(scope="module")
def smiles(qm9: pd.Series) -> list[str]:
    return [text for text in map(canonical, qm9) if text]


@pytest.fixture(scope="module")
def table(smiles: list[str]) -> pd.DataFrame:
    return beside(smiles[:N], 0)


@pytest.fixture(scope="module")
def fitted(smiles: list[str], table: pd.DataFrame) -> tuple[Outcomes, dict[str, str]]:
    return Outcomes.fit(smiles[:N], table, Molecules(), Streams(0))


@pytest.fixture(scope="module")
def drawn(fitted: tuple[Outcomes, dict[str, str]], smiles: list[str]) -> pd.DataFrame:
    return fitted[0].draw(smiles[N:], {}, Streams(1))[0]


def test_names_are_not_learned(fitted: tuple[Outcomes, dict[str, str]]) -> None:
    outcomes, refused = fitted
    assert outcomes.names == ["assay", "twice", "rings", "active", "class"]
    assert "not learned" in refused["id"]
    assert "compound" not in str(outcomes.to_dict())


def test_columns_have_the_forms_of_the_data(drawn: pd.DataFrame, table: pd.DataFrame) -> None:
    assert drawn.dtypes.to_dict() == table.drop(columns="id").dtypes.to_dict()
    assert set(drawn["active"]) == {0, 1}
    assert set(drawn["class"]) == {"fat", "middle", "water"}
    known = drawn["assay"].dropna()
    assert np.array_equal(known, known.round(2))


def test_columns_have_the_distributions_of_the_data(
    drawn: pd.DataFrame, table: pd.DataFrame, smiles: list[str]
) -> None:
    real = beside(smiles[N:], 1)
    for name in ("assay", "twice", "rings", "active"):
        goal = real[name].dropna()
        floor, found = (ks_2samp(goal, part[name].dropna()).statistic for part in (table, drawn))
        assert found < floor + 0.08, name
    assert abs(drawn["assay"].isna().mean() - table["assay"].isna().mean()) < 0.04
    share = [part["class"].value_counts(normalize=True) for part in (table, drawn)]
    assert (share[0] - share[1]).abs().max() < 0.08


def test_columns_depend_on_the_structure_and_on_each_other(
    drawn: pd.DataFrame, smiles: list[str]
) -> None:
    logp = np.array([properties(text, ["logP"])[0] for text in smiles[N:]])
    known = drawn["assay"].notna().to_numpy()
    assert np.corrcoef(logp[known], drawn["assay"][known])[0, 1] > 0.75
    assert drawn["assay"].corr(drawn["twice"]) > 0.93
    assert drawn["twice"].corr(drawn["active"]) > 0.6
    # gaps come where they are in the data
    assert known[logp <= 1].mean() - known[logp > 1].mean() > 0.2


def test_no_value_of_few_rows_is_given_away(drawn: pd.DataFrame, table: pd.DataFrame) -> None:
    exact = table["assay"].round(2).value_counts()
    rare = set(exact[exact < 5].index)
    # of a hundred values to an order of magnitude, some are met by chance
    smooth = table["assay"].dropna() + np.random.default_rng(0).normal(0, 0.3, exact.sum())
    by_chance = smooth.round(2).isin(rare).mean()
    assert drawn["assay"].dropna().isin(rare).mean() < by_chance + 0.1


def test_conditions_hold(fitted: tuple[Outcomes, dict[str, str]], smiles: list[str]) -> None:
    outcomes = fitted[0]
    asked = outcomes.conditions({"assay": (0.5, 1.0), "rings": 1})
    drawn, weight = outcomes.draw(smiles[N : N + 300], asked, Streams(2))
    assert drawn["assay"].between(0.5, 1.0).all()
    assert (drawn["rings"] == 1).all()
    logp = np.array([properties(text, ["logP"])[0] for text in smiles[N : N + 300]])
    assert abs(logp[weight > np.quantile(weight, 0.9)].mean() - 0.75) < 0.5
    with pytest.raises(ConditionError, match="nothing is generated"):
        outcomes.conditions({"assay": (90.0, 91.0)})
    with pytest.raises(ConditionError, match="whole numbers"):
        outcomes.conditions({"rings": 1.5})


def test_a_saved_model_draws_the_same(
    fitted: tuple[Outcomes, dict[str, str]], drawn: pd.DataFrame, smiles: list[str]
) -> None:
    outcomes = fitted[0]
    again = Outcomes.load(outcomes.to_dict(), outcomes.to_arrays(), Molecules())
    assert again.draw(smiles[N:], {}, Streams(1))[0].equals(drawn)
    arrays = outcomes.to_arrays()
    arrays["0.noise.residual"] = arrays["0.noise.residual"][:, 1:]
    with pytest.raises(ModelFileError, match="noise of a wrong shape"):
        Outcomes.load(outcomes.to_dict(), arrays, Molecules())
    arrays = {k: v for k, v in outcomes.to_arrays().items() if not k.startswith("1.mean.0")}
    arrays["1.mean.0.feature"] = np.zeros(3, np.int32)
    with pytest.raises(ModelFileError, match="do not fit"):
        Outcomes.load(outcomes.to_dict(), arrays, Molecules())


def test_noise_knows_where_it_is_wide() -> None:
    rng = np.random.default_rng(0)
    expected = rng.uniform(-1, 1, 4000)
    score = expected + rng.normal(0, np.where(expected > 0, 0.5, 0.1))
    spread = np.diff(Noise.of(expected, score).scores(np.array([-0.5, 0.5]))[:, [10, 30]])
    assert spread[1] > 3 * spread[0]


def test_descriptors_are_numbers(smiles: list[str]) -> None:
    found = descriptors([*smiles[:5], "[Na+]", "C[Se]C", "[Pt]"])
    assert found.shape == (8, n_descriptors())
    assert np.isfinite(found).all()


@pytest.mark.shared_data
def test_two_classes_stay_two_classes(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "molecules" / "bbbp.csv")
    rows = rows[[canonical(text) is not None for text in rows["smiles"]]].reset_index(drop=True)
    outcomes, refused = Outcomes.fit(
        rows["smiles"][:600], rows[["num", "name", "p_np"]][:600], Molecules(), Streams(0)
    )
    assert outcomes.names == ["num", "p_np"]
    assert set(refused) == {"name"}
    drawn, _ = outcomes.draw(rows["smiles"][600:1000], {}, Streams(1))
    assert set(drawn["p_np"]) <= {0, 1}
