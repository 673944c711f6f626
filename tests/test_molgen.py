from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from synthgen import MolGen, SynthGen
from synthgen.chemistry import canonical, properties
from synthgen.errors import ConditionError, InvalidInputError, ModelFileError, NotFittedError
from synthgen.molecular import model as graphgan

SMALL = {"width": 64, "layers": 2, "heads": 4}


@pytest.fixture(scope="module")
def fitted(qm9: pd.Series) -> MolGen:
    rows = [*qm9.tolist(), "", "not a molecule", "CC[Se]C", "CCO.Cl"]
    options = {**SMALL, "critic": "none", "learning_rate": 3e-3, "orders": 2}
    return MolGen(
        max_steps=250, seed=0, progress=False, properties=["QED", "weight"], model_options=options
    ).fit(rows)


def test_all_draws_are_valid(fitted: MolGen) -> None:
    drawn = fitted.sample(500, seed=1)
    assert list(drawn) == ["smiles"]
    assert len(drawn) == 500
    assert [canonical(text) for text in drawn["smiles"]] == drawn["smiles"].tolist()
    assert drawn["smiles"].nunique() > 450


def test_draws_are_like_the_data(fitted: MolGen, qm9: pd.Series) -> None:
    drawn = fitted.sample(500, seed=2)["smiles"]
    weight = [np.array([properties(t, ["weight"])[0] for t in part]) for part in (qm9[::4], drawn)]
    assert abs(weight[0].mean() - weight[1].mean()) < 5


def test_rows_that_cannot_be_represented_are_listed(fitted: MolGen, qm9: pd.Series) -> None:
    rejected = fitted.rejected_.set_index("row")["reason"]
    n = len(qm9)
    assert rejected[n] == "empty"
    assert rejected[n + 1] == "not a valid SMILES"
    assert "Se" in rejected[n + 2]
    assert n + 3 not in rejected
    assert fitted.training_["n_molecules"] + len(rejected) == n + 4


def test_the_same_seed_gives_the_same_molecules_also_from_a_file(
    fitted: MolGen, tmp_path: Path
) -> None:
    path = tmp_path / "m.synthgen"
    fitted.save(path)
    loaded = MolGen.load(path)
    assert loaded.sample(50, seed=3).equals(fitted.sample(50, seed=3))
    assert not loaded.sample(50, seed=4).equals(fitted.sample(50, seed=3))
    again = tmp_path / "again.synthgen"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()


def test_conditions_are_followed(fitted: MolGen) -> None:
    drawn = [
        fitted.sample(200, where={"weight": value}, seed=1)["smiles"] for value in (112.0, 126.0)
    ]
    light, heavy = (np.median([properties(t, ["weight"])[0] for t in part]) for part in drawn)
    assert light + 5 < heavy


def test_a_range_holds_more_of_what_is_asked_for_and_all_of_it_alike(fitted: MolGen) -> None:
    def weights(where: dict[str, object] | None) -> np.ndarray:
        drawn = fitted.sample(400, where=where, seed=1)["smiles"]
        return np.array([properties(text, ["weight"])[0] for text in drawn])

    free = weights(None)
    low, high = np.quantile(free, (0.2, 0.5))
    asked = weights({"weight": (float(low), float(high))})
    assert np.mean((asked >= low) & (asked <= high)) > 0.45
    # a range is not its middle
    assert asked.std() > 0.15 * free.std()


def test_unique_and_novel(fitted: MolGen) -> None:
    known = fitted.sample(300, seed=5)["smiles"]
    assert set(known).intersection(fitted.sample(300, unique=True, seed=5)["smiles"])
    drawn = fitted.sample(300, unique=True, novel_to=known, seed=5)["smiles"]
    assert drawn.is_unique
    assert len(drawn) == 300
    assert not set(known).intersection(drawn)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"colour": 1}, "no property 'colour'; there is QED"),
        ({"QED": (2, 3)}, "nothing between 2 and 3"),
        ({"QED": "high"}, "expected a number or a range"),
        ({"QED": (0.7, 0.2)}, "expected a number or a range"),
        ({"QED": float("nan")}, "expected a number or a range"),
    ],
)
def test_a_condition_that_cannot_be_met_says_why(
    fitted: MolGen, where: dict[str, object], message: str
) -> None:
    with pytest.raises(ConditionError, match=message):
        fitted.sample(3, where=where)


def test_nothing_drawn_is_an_empty_table(fitted: MolGen) -> None:
    assert list(fitted.sample(0)) == ["smiles"]
    assert len(fitted.sample(0)) == 0


@pytest.fixture(scope="module")
def joint(qm9: pd.Series) -> MolGen:
    rows = qm9[:200]
    size = np.array([len(text) for text in rows])
    table = {"name": [f"no. {n * 7919}" for n in range(200)], "size": size, "SMILES": rows}
    frame = pd.DataFrame(table | {"assay": (size / 3).round(1)})
    model = MolGen(max_steps=3, seed=0, progress=False, properties=["logP"], model_options=SMALL)
    return model.fit(frame)


def test_a_condition_on_a_column_beside_leaves_what_goes_with_it(qm9: pd.Series) -> None:
    atoms = np.array([properties(text, ["atoms"])[0] for text in qm9])
    noise = np.random.default_rng(0).normal(0, 0.5, len(qm9))
    # heavy molecules are active more often
    active = (noise < atoms - np.median(atoms)).astype(int)
    options = {**SMALL, "critic": "none", "orders": 0, "learning_rate": 3e-3}
    model = MolGen(max_steps=150, seed=0, progress=False, properties=[], model_options=options)
    model.fit(pd.DataFrame({"smiles": qm9, "active": active}))
    sizes = []
    for label in (0, 1):
        drawn = model.sample(400, where={"active": label}, seed=1)
        assert (drawn["active"] == label).all()
        sizes.append(np.mean([properties(text, ["atoms"])[0] for text in drawn["smiles"]]))
    gap = atoms[active == 1].mean() - atoms[active == 0].mean()
    assert 0.6 * gap < sizes[1] - sizes[0] < 1.4 * gap


def test_columns_beside_the_smiles_are_drawn(joint: MolGen, tmp_path: Path) -> None:
    assert [one.name for one in joint.properties_] == ["logP", "size", "assay"]
    assert any("'name' is not learned" in text for text in joint.training_["warnings"])
    drawn = joint.sample(60, seed=1)
    assert list(drawn) == ["smiles", "size", "assay"]
    assert drawn["size"].dtype == np.int64
    assert drawn["size"].corr(drawn["assay"]) > 0.5
    joint.save(tmp_path / "m.synthgen")
    assert MolGen.load(tmp_path / "m.synthgen").sample(60, seed=1).equals(drawn)
    parts = list(joint.sample_batches(30, seed=1, batch=20))
    assert [len(part) for part in parts] == [20, 10]
    assert list(joint.sample(0)) == list(drawn)


def test_drawn_columns_meet_the_conditions(joint: MolGen) -> None:
    drawn = joint.sample(20, where={"size": (12, 14), "assay": 4.5}, seed=1)
    assert drawn["size"].between(12, 14).all()
    assert (drawn["assay"] == 4.5).all()
    with pytest.raises(ConditionError, match="whole numbers"):
        joint.sample(3, where={"size": 12.5})


def test_a_table_needs_one_column_of_smiles(qm9: pd.Series) -> None:
    frame = pd.DataFrame({"smiles": qm9[:50], "other": qm9[:50]})
    with pytest.raises(InvalidInputError, match="no column 'smile' of SMILES"):
        MolGen(progress=False).fit(frame, smiles_column="smile")
    with pytest.raises(InvalidInputError, match="drop or rename the other column"):
        MolGen(progress=False).fit(frame, smiles_column="other")


def test_the_critic_is_saved_with_the_model(qm9: pd.Series, tmp_path: Path) -> None:
    options = {**SMALL, "critic_steps": 20, "orders": 0}
    rows = qm9.tolist() * 3  # held-out molecules enough for a critic
    model = MolGen(max_steps=20, seed=0, progress=False, properties=[], model_options=options)
    model.fit(rows)
    assert model.generator_.critic is not None
    assert model.generator_.odds is not None
    model.save(tmp_path / "m.synthgen")
    drawn = model.sample(40, seed=1)
    assert len(drawn) == 40
    assert MolGen.load(tmp_path / "m.synthgen").sample(40, seed=1).equals(drawn)


def test_the_critic_keeps_to_the_time_limit(qm9: pd.Series) -> None:
    settings: dict[str, Any] = {"seed": 0, "progress": False, "properties": []}
    options = {**SMALL, "critic_steps": 20, "orders": 0}
    rows = qm9.tolist() * 3
    late = MolGen(time_limit_s=0.5, model_options=options, **settings).fit(rows)
    assert late.generator_.critic is None
    assert any("there is no critic" in warning for warning in late.training_["warnings"])
    assert len(late.sample(5)) == 5
    # what the clock decided is told, and repeats without one
    limited = MolGen(max_steps=5, time_limit_s=600, model_options=options, **settings).fit(rows)
    options["critic_drawn"] = limited.generator_.config()["critic_drawn"]
    assert 500 < options["critic_drawn"] <= len(rows)
    again = MolGen(max_steps=5, model_options=options, **settings).fit(rows)
    assert again.sample(20, seed=1).equals(limited.sample(20, seed=1))


def test_the_adversarial_stage_is_part_of_the_fit_and_repeats(
    qm9: pd.Series, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphgan, "_MIN_ADVERSARIAL", 500)
    options = {**SMALL, "orders": 0, "critic": "none"}
    options |= {"adversary_rounds": 2, "adversary_drawn": 400}
    settings = {"max_steps": 30, "seed": 0, "progress": False, "properties": ["logP"]}
    fits = [MolGen(model_options=options, **settings).fit(qm9[:800]) for _ in range(2)]  # type: ignore[arg-type]
    rounds = [entry for entry in fits[0].training_["history"] if "diversity" in entry]
    assert [entry["step"] for entry in rounds] == [31, 32]
    assert all(np.isfinite(entry["steering"]) for entry in rounds)
    assert fits[0].generator_.config()["adversary_rounds"] == 2
    for k, fitted in enumerate(fits):
        fitted.save(tmp_path / f"{k}.synthgen")
    assert (tmp_path / "0.synthgen").read_bytes() == (tmp_path / "1.synthgen").read_bytes()
    without = {**options, "adversary": "none"}
    other = MolGen(model_options=without, **settings).fit(qm9[:800])  # type: ignore[arg-type]
    assert not other.sample(20, seed=1).equals(fits[0].sample(20, seed=1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "gpt"}, "no model 'gpt'"),
        ({"epsilon": 1.0}, "epsilon without delta"),
        ({"epsilon": 1.0, "delta": 1e-5, "model": "graphgan"}, "cannot keep epsilon"),
        # which of the two it is depends on the noise
        ({"epsilon": 1.0, "delta": 1e-5}, "must be 100 or more|no action is in molecules enough"),
        ({"model": "dp-graph"}, "give epsilon and delta"),
        ({"salts": "all"}, "salts must be one of"),
        ({"properties": ["colour"]}, "no property 'colour'"),
        ({"model_options": {"depth": 3}}, "depth"),
    ],
)
def test_odd_options_are_refused(settings: dict[str, object], message: str, qm9: pd.Series) -> None:
    with pytest.raises(InvalidInputError, match=message):
        MolGen(progress=False, **settings).fit(qm9[:60])  # type: ignore[arg-type]


def test_too_few_molecules_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="at least 5 are needed; most often: not a valid"):
        MolGen(progress=False).fit(["C", "xx", "yy"])


def test_before_the_fit_and_across_kinds(fitted: MolGen, tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        MolGen().sample(1)
    assert clone(fitted).get_params()["max_steps"] == 250
    fitted.save(tmp_path / "m.synthgen")
    with pytest.raises(ModelFileError, match="a model of molecules"):
        SynthGen.load(tmp_path / "m.synthgen")


def test_strict_leaves_out_what_does_not_meet_the_condition(fitted: MolGen) -> None:
    drawn = fitted.sample(50, where={"weight": (120, 126)}, strict=True, seed=1)
    weights = [properties(text, ["weight"])[0] for text in drawn["smiles"]]
    assert len(drawn) == 50
    assert all(120 <= weight <= 126 for weight in weights)
    assert drawn.attrs["raw_draws"] > 50
    with pytest.raises(ConditionError, match="give a range"):
        fitted.sample(3, where={"weight": 123.4}, strict=True)
