"""`MolGen` on peptides. The sequences are made here: of two families that differ in their residues,
their lengths, and what follows what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthgen import MolGen
from synthgen.errors import InvalidInputError
from synthgen.evaluation.molecules.peptides import judge_peptides
from synthgen.peptides import RESIDUES, canonical

SMALL = {"width": 64, "layers": 2, "heads": 4, "learning_rate": 3e-3}


def family(n: int, letters: str, shortest: int, seed: int) -> list[str]:
    """Sequences whose every other residue is of the first half of ``letters``."""
    rng = np.random.default_rng(seed)
    halves = letters[: len(letters) // 2], letters[len(letters) // 2 :]
    return [
        "".join(rng.choice(list(halves[i % 2])) for i in range(shortest + rng.integers(0, 6)))
        for _ in range(n)
    ]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    first, second = family(500, "KRLIAG", 12, 1), family(500, "DESTVG", 6, 2)
    return pd.DataFrame({"sequence": first + second, "is_amp": [1] * 500 + [0] * 500})


@pytest.fixture(scope="module")
def fitted(table: pd.DataFrame) -> MolGen:
    odd = ["", "GAk", "GAX", "KKWLL", None]
    rows = pd.concat([table, pd.DataFrame({"sequence": odd, "is_amp": 0})], ignore_index=True)
    options = {**SMALL, "critic": "none"}
    return MolGen(
        kind="peptides", max_steps=300, seed=0, progress=False, model_options=options
    ).fit(rows)


def test_draws_are_sequences_like_the_data(fitted: MolGen, table: pd.DataFrame) -> None:
    drawn = fitted.sample(1000, seed=1)
    assert list(drawn) == ["sequence", "is_amp"]
    # the label goes with the residues
    is_first = drawn["sequence"].map(lambda text: set(text) <= set("KRLIAG"))
    assert (is_first == drawn["is_amp"])[is_first].mean() > 0.8
    found = judge_peptides(table["sequence"].tolist(), drawn["sequence"].tolist())
    assert found["validity"].value == 1
    assert found["novelty"].value > 0.95
    for name in ("tv_length", "tv_residue", "tv_dipeptide"):
        result = found[name]
        assert result.value is not None
        assert result.baseline is not None
        # of 250 steps; weights that learned nothing have more than .4
        assert result.value < 0.25, name


def test_rows_that_cannot_be_represented_are_listed(fitted: MolGen) -> None:
    assert list(fitted.rejected_) == ["row", "sequence", "reason"]
    reasons = fitted.rejected_.set_index("row")["reason"]
    assert reasons[1000] == reasons[1004] == "empty"
    assert "lower-case" in reasons[1001]
    assert "'X'" in reasons[1002]
    assert reasons[1003] == "residue W: fewer than 5 peptides have it"
    assert len(reasons) == 5


def test_conditions_are_followed(fitted: MolGen) -> None:
    assert [one.name for one in fitted.properties_] == [
        "length", "charge", "hydrophobicity", "weight", "is_amp",
    ]  # fmt: skip
    share = [
        np.mean(
            [set(text) <= set("KRLIAG") for text in fitted.sample(200, where=where)["sequence"]]
        )
        for where in ({"is_amp": 0}, {"is_amp": 1})
    ]
    assert share[1] > share[0] + 0.25
    length = [
        fitted.sample(200, where=where, seed=1)["sequence"].str.len().mean()
        for where in ({"length": (6, 8)}, {"length": (14, 16)})
    ]
    assert length[1] > length[0] + 2


def test_the_same_seed_gives_the_same_peptides_also_from_a_file(
    fitted: MolGen, tmp_path: Path
) -> None:
    path = tmp_path / "p.synthgen"
    fitted.save(path)
    loaded = MolGen.load(path)
    assert loaded.kind == "peptides"
    assert loaded.sample(50, seed=3).equals(fitted.sample(50, seed=3))
    again = tmp_path / "again.synthgen"
    loaded.save(again)
    assert again.read_bytes() == path.read_bytes()
    assert list(loaded.rejected_) == ["row", "sequence", "reason"]


def test_unique_and_novel(fitted: MolGen) -> None:
    known = fitted.sample(100, seed=5)["sequence"]
    drawn = fitted.sample(100, unique=True, novel_to=known, seed=5)["sequence"]
    assert drawn.is_unique
    assert not set(known).intersection(drawn)


def test_the_critic_is_saved_with_the_model(table: pd.DataFrame, tmp_path: Path) -> None:
    rows = pd.concat([table] * 5)  # held-out peptides enough for a critic
    options = {**SMALL, "critic_steps": 20}
    model = MolGen(kind="peptides", max_steps=20, seed=0, progress=False, model_options=options)
    model.fit(rows)
    assert model.generator_.critic is not None
    model.save(tmp_path / "p.synthgen")
    drawn = model.sample(40, seed=1)
    assert MolGen.load(tmp_path / "p.synthgen").sample(40, seed=1).equals(drawn)


def test_long_sequences_go_through_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    from synthgen.molecular import warmstart

    options = {**SMALL, "critic": "none", "dropout": 0.0}
    rows = family(300, "KRLIAG", 20, 3)

    def loss() -> float:
        settings = {"max_steps": 3, "seed": 0, "progress": False}
        model = MolGen(kind="peptides", model_options=options, **settings).fit(rows)
        return float(model.training_["history"][-1]["score"])

    whole = loss()
    monkeypatch.setattr(warmstart, "_PAIRS", 5 * 26**2)
    assert loss() == pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "proteins"}, "kind must be one of molecules, peptides, got 'proteins'"),
        ({"salts": "keep"}, "peptides have none"),
        ({"properties": ["logP"]}, "no property 'logP'; there is length"),
        ({"model_options": {"orders": 3}}, "peptides have one order"),
    ],
)
def test_odd_options_are_refused(
    settings: dict[str, object], message: str, table: pd.DataFrame
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        MolGen(**{"kind": "peptides", "progress": False, **settings}).fit(table[:60])


def test_input_that_is_none_is_refused(table: pd.DataFrame) -> None:
    model = MolGen(kind="peptides", progress=False)
    with pytest.raises(InvalidInputError, match="no column 'sequence' of sequences"):
        model.fit(table.rename(columns={"sequence": "text"}))
    with pytest.raises(InvalidInputError, match="0 of 3 rows are peptides .* most often: lower"):
        model.fit(["gak", "gal", "gav"])


def test_measures_know_a_copy_and_a_shift(table: pd.DataFrame) -> None:
    rows = table["sequence"].tolist()
    copied = judge_peptides(rows, rows)
    assert [copied[name].value for name in ("tv_length", "tv_residue", "novelty")] == [0, 0, 0]
    other = judge_peptides(rows, ["W" * 40, "bad", "W" * 40])
    assert other["validity"].value == pytest.approx(2 / 3)
    assert other["uniqueness"].value == 0.5
    assert other["tv_length"].value == other["tv_residue"].value == 1
    assert judge_peptides(rows, ["x"])["tv_length"].value is None
    assert set("".join(rows)) <= set(RESIDUES)


@pytest.mark.shared_data
def test_real_peptides_are_all_represented(shared_data: Path) -> None:
    rows = pd.read_csv(shared_data / "molecules" / "peptides_amplify.csv")
    options = {"width": 32, "layers": 1, "heads": 2, "critic": "none"}
    model = MolGen(kind="peptides", max_steps=2, seed=0, progress=False, model_options=options)
    model.fit(rows[rows["split"] == "train"].iloc[::4])
    assert len(model.rejected_) == 0
    assert model.sample(20, seed=1)["sequence"].map(canonical).notna().all()
