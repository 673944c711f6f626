"""Does a rare class get easier to recognize with synthetic rows of it? Measured, over seeds.

python examples/augment.py [--rare 100] [--rows 4000] [--added 300] [--seeds 5] [--out FOLDER]

Adult, with so few high incomes in the train rows as if they were rare. Needs the extra `quality`,
and matplotlib for the picture.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import matplotlib as mpl
import pandas as pd
from scipy.stats import t

from synthgen import SynthGen
from synthgen.evaluation.quality.augmentation import Augmentation, augmentation_gain

mpl.use("svg")
from matplotlib import pyplot as plt

TARGET, RARE = "income", ">50K"
ARMS = {"weights": "classes weighted", "smote": "SMOTE", "synthetic": "SynthGen"}
MEASURES = {"pr_auc": "average precision", "recall": "recall", "f1": "F1"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rare", type=int, default=100, help="train rows of the rare class")
    parser.add_argument("--rows", type=int, default=4000, help="train rows of the other class")
    parser.add_argument("--added", type=int, default=300, help="synthetic rows to add")
    parser.add_argument("--test-rows", type=int, help="judge on so many test rows only")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--max-steps", type=int, help="end each fit after so many steps")
    parser.add_argument("--out", type=Path, default=Path("augment-out"))
    wanted = parser.parse_args()

    adult = bundled("adult_train.csv.gz")
    test = bundled("adult_test.csv.gz").head(wanted.test_rows or len(adult))
    found = []
    for seed in range(wanted.seeds):
        # 1. Another choice of rows, another fit: what is reported is not one lucky draw.
        train = thinned(adult, wanted.rows, wanted.rare, seed)
        synth = SynthGen(seed=seed, max_steps=wanted.max_steps).fit(train)

        # 2. More rows of the class. They are made for it: nothing is drawn and thrown away.
        def more(n: int, synth: SynthGen = synth, seed: int = seed) -> pd.DataFrame:
            return synth.sample(n, where={TARGET: RARE}, seed=seed)

        # 3. Boosted trees, trained with them and without, judged on real rows.
        found.append(augmentation_gain(train, test, TARGET, more, rare=RARE,
                                       n_added=wanted.added, seed=seed))  # fmt: skip
        print(f"seed {seed}: {found[-1].n_added:,} rows added to {wanted.rare}")

    # 4. The gain over real rows alone, with an interval over seeds.
    table = gains(found)
    print(table.to_string(index=False))
    wanted.out.mkdir(parents=True, exist_ok=True)
    table.to_csv(wanted.out / "gains.csv", index=False)
    draw(found, wanted.out / "augment.svg")
    print(f"written to {wanted.out}: gains.csv, augment.svg")


def bundled(name: str) -> pd.DataFrame:
    """A table that comes with the package."""
    return pd.read_csv(str(files("synthgen") / "data" / name), keep_default_na=False)


def thinned(adult: pd.DataFrame, rows: int, rare: int, seed: int) -> pd.DataFrame:
    """So many rows of the other class, and so few of the rare one."""
    of_class = adult[TARGET] == RARE
    others = adult[~of_class].sample(rows, random_state=seed)
    return pd.concat([others, adult[of_class].sample(rare, random_state=seed)], ignore_index=True)


def gains(found: list[Augmentation]) -> pd.DataFrame:
    """Score of real rows alone, and what each arm adds: mean and 95 % t interval over seeds."""
    rows = []
    for measure, words in MEASURES.items():
        plain = pd.Series([one.scores["none"][measure].value for one in found])
        for arm, label in ARMS.items():
            gain = pd.Series([one.gains[arm][measure].value for one in found])
            half = t.ppf(0.975, len(gain) - 1) * gain.sem() if len(gain) > 1 else float("nan")
            rows.append({
                "measure": words, "real rows": plain.mean(), "with": label,
                "gain": gain.mean(), "low": gain.mean() - half, "high": gain.mean() + half,
            })  # fmt: skip
    return pd.DataFrame(rows).round(3)


def draw(found: list[Augmentation], out: Path) -> None:
    """Each seed's gain as a dot with the interval of its bootstrap."""
    style = {"svg.hashsalt": "synthgen", "font.size": 9, "axes.spines.top": False,
             "axes.spines.right": False}  # fmt: skip
    with mpl.rc_context(style):
        figure, axes = plt.subplots(1, 3, figsize=(8.4, 2.4), layout="constrained", sharey=True)
        for axis, (measure, words) in zip(axes, MEASURES.items(), strict=True):
            for at, arm in enumerate(ARMS):
                for k, one in enumerate(found):
                    gain = one.gains[arm][measure]
                    height = -at + 0.5 * (k / max(1, len(found) - 1) - 0.5)
                    colour = "#d1495b" if arm == "synthetic" else "#69737d"
                    axis.plot(gain.ci, [height] * 2, color=colour, linewidth=1)
                    axis.plot(gain.value, height, "o", color=colour, markersize=4)
            axis.axvline(0, color="black", linewidth=0.8)
            axis.set_title(f"gain in {words}", loc="left", fontsize=9)
        axes[0].set_yticks([-at for at in range(len(ARMS))], list(ARMS.values()))
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
