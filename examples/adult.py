"""Fit a real table, sample from it in four ways, and judge the result.

python examples/adult.py [--time-limit-s 120] [--max-steps N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
from importlib.resources import as_file, files
from pathlib import Path

import pandas as pd

from synthgen import SynthGen, evaluate_quality


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-limit-s", type=float, default=120)
    parser.add_argument("--max-steps", type=int, help="end fitting after so many steps")
    parser.add_argument("--rows", type=int, help="use so many rows of the table only")
    parser.add_argument("--out", type=Path, default=Path("adult-out"))
    wanted = parser.parse_args()

    # 1. Rows to learn from, and rows that the model never sees.
    train, test = (
        bundled("adult_train.csv.gz", wanted.rows),
        bundled("adult_test.csv.gz", wanted.rows),
    )

    # 2. Fit. "?" stands for missing here; it is learned as a value like any other.
    synth = SynthGen(time_limit_s=wanted.time_limit_s, max_steps=wanted.max_steps, seed=7)
    synth.fit(train)
    print(f"{synth.training_['steps']} steps, ended by {synth.training_['ended_by']}")
    for warning in synth.training_["warnings"]:
        print("warning:", warning)

    # 3. Sample: as it comes, on a condition, with a column balanced.
    synthetic = synth.sample(len(train), seed=1)
    rich = synth.sample(200, where={"income": ">50K", "sex": "Female"}, seed=1)
    balanced = synth.sample(200, balance="income", seed=1)
    assert set(rich["income"]) == {">50K"} and set(rich["sex"]) == {"Female"}
    assert (balanced["income"] == ">50K").sum() == 100
    print(synthetic.head())

    # 4. Keep: the model is one file; sampling needs nothing else.
    wanted.out.mkdir(parents=True, exist_ok=True)
    synth.save(wanted.out / "adult.synthgen")
    synthetic.to_csv(wanted.out / "synthetic.csv", index=False)

    # 5. Judge: beside every figure stands that of real rows that the model has not seen.
    report = evaluate_quality(train, synthetic, holdout=test, target="income", model=synth)
    for name in ("xgb_c2st_holdout", "mle", "shape_error_pct", "dcr_share"):
        figure = report.metrics[name]
        print(f"{name} {figure.value:.3f}, of real rows {figure.baseline:.3f} ({figure.unit})")
    report.save(wanted.out / "quality.html")
    print(f"written to {wanted.out}: adult.synthgen, synthetic.csv, quality.html")


def bundled(name: str, rows: int | None) -> pd.DataFrame:
    """A table that comes with the package."""
    with as_file(files("synthgen") / "data" / name) as path:
        return pd.read_csv(path, keep_default_na=False, nrows=rows)


if __name__ == "__main__":
    main()
