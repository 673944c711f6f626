"""Learn molecules, then draw some with wanted properties, and see how well they follow.

python examples/wanted.py [--time-limit-s 240] [--max-steps N] [--model FILE] [--out FOLDER]

4,000 small organic molecules from AqSolDB, which come with the package. Needs the extra
`molecules`, and matplotlib for the picture.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from synthgen import MolGen
from synthgen.chemistry import contains, picture, properties

mpl.use("svg")
from matplotlib import pyplot as plt

LOGP = (3.0, 4.0)
FRAGMENT = "c1ccccc1C(=O)N"
CELL = (200, 140)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--time-limit-s", type=float, default=240)
    parser.add_argument("--max-steps", type=int, help="end fitting after so many steps")
    parser.add_argument("--model", type=Path, help="draw from this model, fitted already")
    parser.add_argument("--molecules", type=int, help="use so many of the molecules only")
    parser.add_argument("-n", type=int, default=500, help="molecules to draw each time")
    parser.add_argument("--out", type=Path, default=Path("wanted-out"))
    wanted = parser.parse_args()

    # 1. Learn. A set this small is learned in many random orders of each molecule's atoms.
    known = bundled(wanted.molecules)["smiles"]
    if wanted.model:
        model = MolGen.load(wanted.model)
    else:
        model = MolGen(time_limit_s=wanted.time_limit_s, max_steps=wanted.max_steps, seed=0)
        model.fit(known)
    told = model.training_
    print(f"{told['n_molecules']} molecules learned, {told['n_rejected']} rejected")

    # 2. Draw: as they come, and with a condition, which is followed and not guaranteed.
    drawn = {
        "as they come": model.sample(wanted.n, seed=1),
        "asked for": model.sample(wanted.n, where={"logP": LOGP}, seed=1),
    }
    print(f"logP within {LOGP[0]:g} to {LOGP[1]:g}:")
    print(f"  {'known molecules':15} {inside(known):5.1%}")
    for name, table in drawn.items():
        print(f"  {name:15} {inside(table['smiles']):5.1%}")

    # 3. Draw around a fragment: all of them hold it, none is in the table already.
    new = model.sample(
        12, where={"fragment": FRAGMENT, "logP": (0, 2)}, unique=True, novel_to=known, seed=2
    )
    assert all(contains(smiles, FRAGMENT) for smiles in new["smiles"])
    assert not set(new["smiles"]) & set(known)

    wanted.out.mkdir(parents=True, exist_ok=True)
    model.save(wanted.out / "molecules.synthgen")
    new.to_csv(wanted.out / "new.csv", index=False)
    draw(known, drawn, wanted.out / "wanted.svg")
    (wanted.out / "fragment.svg").write_text(gallery(list(new["smiles"])), encoding="utf-8")
    print(f"written to {wanted.out}: molecules.synthgen, new.csv, wanted.svg, fragment.svg")


def bundled(n: int | None) -> pd.DataFrame:
    """The molecules that come with the package."""
    return pd.read_csv(str(files("synthgen") / "data" / "solubility.csv.gz"), nrows=n)


def log_p(smiles: pd.Series) -> np.ndarray:
    """Computed logP of each molecule."""
    return np.array([properties(one, ["logP"])[0] for one in smiles])


def inside(smiles: pd.Series) -> float:
    """Share of molecules whose logP is what was asked for."""
    found = log_p(smiles)
    return float(((found >= LOGP[0]) & (found <= LOGP[1])).mean())


def draw(known: pd.Series, drawn: dict[str, pd.DataFrame], out: Path) -> None:
    """Where the known molecules are, and where the drawn ones."""
    edges = np.arange(-4, 9.01, 0.5)
    style = {"svg.hashsalt": "synthgen", "font.size": 9, "axes.spines.top": False,
             "axes.spines.right": False}  # fmt: skip
    with mpl.rc_context(style):
        figure, axis = plt.subplots(figsize=(8.4, 2.8), layout="constrained")
        axis.axvspan(*LOGP, color="#f3dfc1", label="range")
        axis.hist(log_p(known), edges, density=True, color="#c3cad1", label="known molecules")
        for (name, table), colour in zip(drawn.items(), ("#3b6ea5", "#d1495b"), strict=True):
            values = log_p(table["smiles"])
            axis.hist(values, edges, density=True, histtype="step", color=colour, label=name)
        axis.set_title("logP", loc="left", fontsize=9)
        axis.legend(frameon=False)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def gallery(smiles: list[str], columns: int = 4) -> str:
    """Molecules side by side, as one picture."""
    width, height = CELL
    rows = -(-len(smiles) // columns)
    cells = (
        f'<g transform="translate({k % columns * width} {k // columns * height})">'
        f"{picture(one, width, height)}</g>"
        for k, one in enumerate(smiles)
    )
    size = f'width="{columns * width}" height="{rows * height}"'
    background = f'<rect {size} fill="#fff"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{background}{"".join(cells)}</svg>\n'


if __name__ == "__main__":
    main()
