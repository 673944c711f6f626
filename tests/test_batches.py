"""Tables in batches: samples of their rows, and fits that never hold them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from synthgen import Batches, InvalidInputError, Schema, SchemaError, SynthGen
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.relations import batched
from synthgen.relations.batched import read_batches
from synthgen.relations.learned import read_table
from synthgen.seeds import Streams

STEPS: dict[str, Any] = {
    "max_steps": 40, "seed": 3, "progress": False, "model_options": {"critic": "none"}
}  # fmt: skip


def cut(frame: pd.DataFrame, rows: int) -> Batches:
    return Batches(lambda: (frame.iloc[k : k + rows] for k in range(0, len(frame), rows)))


def test_a_sample_is_uniform_in_order_and_the_same_however_rows_are_cut() -> None:
    frame = pd.DataFrame({"x": np.arange(5000)})
    found = [cut(frame, rows).sample(300, np.random.default_rng(1)) for rows in (7, 450, 5000)]
    first = found[0][0]["x"].tolist()
    assert [n for _, n in found] == [5000] * 3
    assert all(sample["x"].tolist() == first for sample, _ in found)
    assert first == sorted(first) and len(first) == 300
    hits = np.zeros(5000)
    for seed in range(200):
        hits[cut(frame, 450).sample(300, np.random.default_rng(seed))[0]["x"]] += 1
    # 12 expected of each; tenths of the table by chance within 5 %
    assert np.allclose(hits.reshape(10, -1).mean(1), 12, rtol=0.05)
    assert cut(frame, 450).sample(9000, np.random.default_rng(0))[0]["x"].tolist() == [*range(5000)]


def test_every_kind_of_frame_comes_back_as_itself(adult: pd.DataFrame) -> None:
    head = adult.head(600)[["age", "workclass", "income"]]
    kinds = {
        pd.DataFrame: head,
        pl.DataFrame: pl.from_pandas(head),
        pa.Table: pa.Table.from_pandas(head, preserve_index=False),
    }
    for kind, data in kinds.items():
        batches = Batches(lambda d=data: [d[:250], d[250:250], d[250:]])  # type: ignore[misc]
        drawn = SynthGen(**STEPS).fit(batches).sample(20, seed=1)
        assert isinstance(drawn, kind)
        assert drawn.shape == (20, 3)


def test_encoders_are_those_of_the_whole_table(adult: pd.DataFrame) -> None:
    whole = read_table(adult, None, Streams(0))
    parts = read_batches(cut(adult, 3000), None, Streams(0), wanted=lambda n: n)
    assert parts.n_rows == len(adult) and len(parts.table) == len(adult)
    assert parts.schema.to_dict() == whole.schema.to_dict()
    for a, b in zip(parts.completion.full.columns, whole.completion.full.columns, strict=True):
        # levels come in the order of their first batch
        assert sorted(a.share) == pytest.approx(sorted(b.share), abs=1e-12)
    few = read_batches(cut(adult, 3000), None, Streams(0), wanted=lambda n: 1000)
    assert len(few.table) == 1000
    assert few.completion.to_dict() == parts.completion.to_dict(), "encoders see all rows"
    rows = parts.completion.encoder.decode(parts.table, Streams(0))
    assert (rows["education"].to_numpy() == adult["education"].to_numpy()).mean() > 0.999


def test_what_only_the_rest_of_the_rows_contradicts_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, 4000)
    low = rng.normal(size=4000)
    frame = pd.DataFrame(
        {
            "a": a, "b": a * 7 % 9, "low": low, "high": low + rng.exponential(size=4000),
            "id": [f"U{k:06d}" for k in rng.permutation(4000)],
        }
    )  # fmt: skip
    found = read_batches(cut(frame, 500), None, Streams(0), wanted=lambda n: n)
    assert {r.kind for r in found.schema.relations or ()} == {"dependency", "ordering"}
    assert found.schema["id"].unique
    # a row that the sample does not see, and that no batch of one row can contradict alone
    odd = frame.iloc[[-1]].assign(b=(frame["b"].iloc[-1] + 1) % 9, high=-99.0, id=frame["id"][0])
    longer = pd.concat([frame, odd], ignore_index=True)
    monkeypatch.setattr(batched, "SAMPLE_ROWS", 2000)
    unlucky = next(
        s for s in range(50)
        if 4000 not in cut(longer.assign(n=range(4001)), 500).sample(
            2000, Streams(s).numpy("sample")
        )[0]["n"].to_numpy()
    )  # fmt: skip
    found = read_batches(cut(longer, 500), None, Streams(unlucky), wanted=lambda n: n)
    assert found.schema.relations == ()
    assert not found.schema["id"].unique
    # what the user declared is refused instead, with the row
    declared = Schema.infer(frame)
    with pytest.raises(SchemaError, match="declared unique, but 1 of 4,001 .* row 4001"):
        read_batches(cut(longer, 500), declared, Streams(unlucky), wanted=lambda n: n)
    relation = {"kind": "dependency", "columns": ["a", "b"]}
    plain = declared.to_dict() | {"relations": [relation]}
    plain["columns"] = [{**c, "unique": False} for c in plain["columns"]]
    with pytest.raises(SchemaError, match="does not hold: 1 of 4,001 rows .* row 4001"):
        read_batches(
            cut(longer, 500), Schema.from_dict(plain), Streams(unlucky), wanted=lambda n: n
        )


def test_relations_hold_and_rare_values_stay_hidden(adult: pd.DataFrame) -> None:
    frame = adult.head(6000).copy()
    frame["workclass"] = frame["workclass"].astype(object)
    frame.loc[[5, 2500], "workclass"] = "only-twice"
    synth = SynthGen(**STEPS).fit(cut(frame, 1000))
    drawn = synth.sample(3000, seed=2)
    pairs = drawn[["education", "education-num"]].drop_duplicates()
    known = frame[["education", "education-num"]].drop_duplicates()
    assert len(pairs.merge(known)) == len(pairs) > 10
    counts = frame["workclass"].value_counts()
    assert set(drawn["workclass"]) <= set(counts[counts >= MIN_ROWS].index)
    assert synth.training_["n_rows"] == 6000


def test_batches_that_cannot_be_used() -> None:
    frame = pd.DataFrame({"x": np.arange(100.0), "y": ["a", "b"] * 50})

    def fit(batches: Batches, **more: Any) -> None:
        SynthGen(**STEPS, **more).fit(batches)

    with pytest.raises(InvalidInputError, match="batch 2 has other columns than the first: 'y'"):
        fit(Batches(lambda: [frame, frame[["x"]]]))
    with pytest.raises(InvalidInputError, match="in another order"):
        fit(Batches(lambda: [frame, frame[["y", "x"]]]))
    with pytest.raises(InvalidInputError, match="batch 1 is a dict"):
        fit(Batches(lambda: [{"x": [1]}]))
    with pytest.raises(InvalidInputError, match="no rows"):
        fit(Batches(lambda: [frame.head(0)]))
    with pytest.raises(InvalidInputError, match="epsilon needs a table in memory"):
        fit(Batches(lambda: [frame]), epsilon=1.0, delta=1e-5)
    once = iter([frame])
    with pytest.raises(InvalidInputError, match="100 rows when it was read first, and 0 when"):
        fit(Batches(lambda: once))

    calls = iter(range(9))

    def growing() -> Iterator[pd.DataFrame]:
        yield pd.concat([frame] * (1 + next(calls)))

    with pytest.raises(InvalidInputError, match="100 rows when it was read first, and 200 when"):
        fit(Batches(growing))


def test_the_command_line_fits_in_batches(adult: pd.DataFrame, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from synthgen.cli.app import app

    file, model = tmp_path / "a.parquet", tmp_path / "a.synthgen"
    adult.head(5000).to_parquet(file)
    fit = ["fit", str(file), "-o", str(model), "--max-steps", "30", "--seed", "0"]
    done = CliRunner().invoke(app, [*fit, "--batch-rows", "1200", "-q"])
    assert done.exit_code == 0, done.output
    assert SynthGen.load(model).training_["n_rows"] == 5000
    again = CliRunner().invoke(app, ["replay", f"{model}.meta.json"])
    assert again.exit_code == 0, again.output
    assert "The same bytes" in again.output
    piped = CliRunner().invoke(app, ["fit", "-", "-o", str(model), "--batch-rows", "1000"])
    assert piped.exit_code == 4
    assert "read only once" in piped.output


def test_the_schema_of_a_table_in_batches_is_that_of_a_sample(
    adult: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from typer.testing import CliRunner

    from synthgen.cli.app import app
    from synthgen.relations import batched

    file = tmp_path / "a.parquet"
    adult.head(5000).to_parquet(file)

    def shown(*more: str) -> Any:
        done = CliRunner().invoke(app, ["schema", str(file), "--json", *more])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    whole = shown()
    assert shown("--batch-rows", "1200") == whole
    monkeypatch.setattr(batched, "SAMPLE_ROWS", 600)
    few = shown("--batch-rows", "1200")
    assert [c["name"] for c in few["columns"]] == [c["name"] for c in whole["columns"]]
