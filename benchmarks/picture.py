"""Real against synthetic rows of Adult in four views: docs/img/adult.svg.

python benchmarks/picture.py [--run adult-ctgan-2t-s0]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from harness.data import load, read_csv
from harness.places import ROOT, WORK

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

REAL, SYNTHETIC = "#9aa5b1", "#d1495b"
STYLE = {
    "svg.hashsalt": "synthgen",  # the same picture is the same file
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
}


def main() -> None:
    """Draw the picture from a finished run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", default="adult-ctgan-2t-s0", help="a run in .work/synthgen")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "img" / "adult.svg")
    wanted = parser.parse_args()
    rows = WORK / "synthgen" / f"{wanted.run}-syn.csv"
    if not rows.exists():
        raise SystemExit(f"no run {wanted.run}: run benchmarks/tables.py --tables adult first")
    draw(load("adult").train, read_csv(rows), wanted.out)
    print(wanted.out)


def draw(real: pd.DataFrame, synthetic: pd.DataFrame, out: Path) -> None:
    """Two single columns, and two dependences between columns."""
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(2, 2, figsize=(8.4, 5.0), layout="constrained")
        histogram(axes[0, 0], real, synthetic, "age", np.arange(16.5, 91.5))
        bars(axes[0, 1], real, synthetic, "education")
        rate(axes[1, 0], real, synthetic, "age", np.arange(17, 82, 4))
        rate(axes[1, 1], real, synthetic, "education-num", np.arange(1, 18))
        axes[0, 0].legend(frameon=False)
        out.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


def both(real: pd.DataFrame, synthetic: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Label, colour and rows of either table."""
    return [("real", REAL, real), ("synthetic", SYNTHETIC, synthetic)]


def histogram(
    axes: Axes, real: pd.DataFrame, synthetic: pd.DataFrame, name: str, edges: np.ndarray
) -> None:
    """Share of rows in each bin, real filled and synthetic as a line."""
    for label, colour, rows in both(real, synthetic):
        counts, _ = np.histogram(rows[name], edges)
        kind = {"fill": label == "real", "color": colour, "label": label}
        axes.stairs(100 * counts / len(rows), edges, **kind)
    axes.set(title=f"{name}, % of rows", ylim=(0, None))


def bars(axes: Axes, real: pd.DataFrame, synthetic: pd.DataFrame, name: str) -> None:
    """Share of rows that hold each category."""
    order = real[name].value_counts().index[:10]
    at = np.arange(len(order))
    for shift, (label, colour, rows) in zip((0.2, -0.2), both(real, synthetic), strict=True):
        share = 100 * rows[name].value_counts(normalize=True).reindex(order, fill_value=0)
        axes.barh(at - shift, share, height=0.4, color=colour, label=label)
    axes.set_yticks(at, order)
    axes.invert_yaxis()
    axes.set(title=f"{name}, % of rows")


def rate(
    axes: Axes, real: pd.DataFrame, synthetic: pd.DataFrame, name: str, edges: np.ndarray
) -> None:
    """Share of rows with a high income by another column."""
    middle = (edges[1:] + edges[:-1] - 1) / 2
    for label, colour, rows in both(real, synthetic):
        part = pd.cut(rows[name], edges, right=False, labels=middle)
        share = 100 * (rows["income"] == ">50K").groupby(part, observed=False).mean()
        axes.plot(middle, share, color=colour, label=label, lw=3 if label == "real" else 1.5)
    axes.set(title=f"income above 50K by {name}, %", ylim=(0, None))


if __name__ == "__main__":
    main()
