"""Molecules together with what was measured of them: a table with a SMILES column.

python examples/assay.py [--time-limit-s 240] [--max-steps N] [--out FOLDER]

4,000 molecules with their measured solubility (AqSolDB), which come with the package. What a
forest learns from drawn rows is judged on real ones. Needs the extra `molecules`, and matplotlib
for the picture.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from sklearn.ensemble import RandomForestRegressor

from synthgen import MolGen
from synthgen.chemistry import descriptors, properties

mpl.use("svg")
from matplotlib import pyplot as plt

COLUMN = "log_solubility"  # of mol / l


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-limit-s", type=float, default=240)
    parser.add_argument("--max-steps", type=int, help="end fitting after so many steps")
    parser.add_argument("--molecules", type=int, help="use so many of the rows only")
    parser.add_argument("--out", type=Path, default=Path("assay-out"))
    wanted = parser.parse_args()

    # 1. Learn molecules and columns from one part; the other is for judging.
    table = bundled(wanted.molecules)
    train, test = table.iloc[: len(table) * 4 // 5], table.iloc[len(table) * 4 // 5 :]
    model = MolGen(time_limit_s=wanted.time_limit_s, max_steps=wanted.max_steps, seed=0)
    model.fit(train)
    for warning in model.training_["warnings"]:
        print("warning:", warning)

    # 2. Draw rows: molecule and measurements, in the columns and types of the table.
    synthetic = model.sample(len(train), seed=1)
    assert list(synthetic.columns) == list(train.columns)
    soluble = model.sample(200, where={COLUMN: (0, 2)}, seed=2)
    assert soluble[COLUMN].between(0, 2).all()
    print(synthetic.head().to_string(index=False))

    # 3. Judge: R2 on real molecules of a forest that learned from drawn rows.
    for name, rows in (("real", train), ("drawn", synthetic)):
        print(f"R2 on {len(test)} real molecules, from {name} rows: {worth(rows, test):.2f}")

    wanted.out.mkdir(parents=True, exist_ok=True)
    model.save(wanted.out / "assay.synthgen")
    synthetic.to_csv(wanted.out / "synthetic.csv", index=False)
    draw(train, synthetic, wanted.out / "assay.svg")
    print(f"written to {wanted.out}: assay.synthgen, synthetic.csv, assay.svg")


def bundled(n: int | None) -> pd.DataFrame:
    """The molecules that come with the package, and their solubility."""
    return pd.read_csv(str(files("synthgen") / "data" / "solubility.csv.gz"), nrows=n)


def worth(rows: pd.DataFrame, test: pd.DataFrame) -> float:
    """R2 on ``test`` of a random forest that learned the column from ``rows``."""
    forest = RandomForestRegressor(n_estimators=100, min_samples_leaf=2, random_state=0)
    forest.fit(descriptors(list(rows["smiles"])), rows[COLUMN])
    return float(forest.score(descriptors(list(test["smiles"])), test[COLUMN]))


def draw(real: pd.DataFrame, synthetic: pd.DataFrame, out: Path) -> None:
    """Solubility against computed logP, of real rows and of drawn ones."""
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with mpl.rc_context(style):
        figure, axes = plt.subplots(
            1, 2, figsize=(8.4, 3.2), layout="constrained", sharex=True, sharey=True
        )
        parts = (("real", real, "#69737d"), ("synthetic", synthetic, "#d1495b"))
        for axis, (name, rows, colour) in zip(axes, parts, strict=True):
            some = rows.head(1500)
            log_p = [properties(smiles, ["logP"])[0] for smiles in some["smiles"]]
            axis.plot(log_p, some[COLUMN], ".", color=colour, markersize=2, rasterized=True)
            axis.set_title(name, loc="left", fontsize=9)
            axis.set_xlabel("computed logP")
        axes[0].set_ylabel("measured log solubility")
        figure.savefig(out, format="svg", dpi=150, metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
