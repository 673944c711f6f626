"""A differentially private table, attacked, and held against a policy before it leaves the house.

python examples/release.py [--epsilon 1] [--policy open-release] [--rows N] [--out FOLDER]

The commands that a release takes, one after the other, on Adult. Ends with the gate's exit code:
3 where the policy does not hold. Needs the extra `privacy`, and matplotlib for the picture.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

mpl.use("svg")
from matplotlib import pyplot as plt


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epsilon", default="1")
    parser.add_argument("--delta", default="1e-5")
    parser.add_argument("--policy", default="open-release")
    parser.add_argument("--rows", type=int, help="use so many rows of the table only")
    parser.add_argument("--out", type=Path, default=Path("release-out"))
    wanted = parser.parse_args()

    # 1. Rows to learn from, and a holdout of the same size that the model never sees.
    out: Path = wanted.out
    out.mkdir(parents=True, exist_ok=True)
    for part in ("train", "test"):
        bundled(f"adult_{part}.csv.gz", wanted.rows).to_csv(out / f"{part}.csv", index=False)
    train, test, model = (str(out / n) for n in ("train.csv", "test.csv", "adult.synthgen"))
    schema, rows = str(out / "schema.json"), str(out / "synthetic.csv")

    # 2. The schema is public from here on: a person reads it before the next step.
    synthgen("schema", train, "-o", schema)

    # 3. Fit and sample. The record beside the rows says how they were made.
    synthgen("fit", train, "-o", model, "--schema", schema, "--epsilon", wanted.epsilon,
             "--delta", wanted.delta)  # fmt: skip
    synthgen("sample", model, "-n", str(wanted.rows or 32_561), "-o", rows, "--seed", "1")

    # 4. The gate attacks the rows, samples the model again, and writes the evidence.
    code, told = synthgen(
        "gate", train, rows, "--holdout", test, "--model", model, "--policy", wanted.policy,
        "-o", str(out / "evidence"), "--json", may_fail=3,
    )  # fmt: skip
    verdict = json.loads(told)
    for check in verdict["checks"]:
        print(
            "holds " if check["passed"] else "FAILS ", check["requirement"], check["reason"] or ""
        )
    draw(verdict["checks"], out / "release.svg")
    print(f"{wanted.policy}: {'passed' if verdict['passed'] else 'not passed'}; see {out}")
    sys.exit(code)


def bundled(name: str, rows: int | None) -> pd.DataFrame:
    """A table that comes with the package."""
    return pd.read_csv(str(files("synthgen") / "data" / name), keep_default_na=False, nrows=rows)


def synthgen(*words: str, may_fail: int = 0) -> tuple[int, str]:
    """Run a command as in a shell; its exit code, and what it printed."""
    print("$ synthgen", *words, flush=True)
    done = subprocess.run([sys.executable, "-m", "synthgen", *words], stdout=subprocess.PIPE)
    if done.returncode not in (0, may_fail):
        sys.exit(done.returncode)
    return done.returncode, done.stdout.decode()


def draw(checks: list[dict[str, Any]], out: Path) -> None:
    """Upper bound of each risk as a share of its limit."""
    shown = [check for check in checks if check["upper"] is not None and check["limit"]]
    shares = [check["upper"] / check["limit"] for check in shown]
    style = {"svg.hashsalt": "synthgen", "font.size": 9, "axes.spines.top": False,
             "axes.spines.right": False}  # fmt: skip
    with mpl.rc_context(style):
        figure, axis = plt.subplots(figsize=(8.4, 3.2), layout="constrained")
        colours = ["#3b6ea5" if check["passed"] else "#d1495b" for check in shown]
        axis.barh([check["requirement"] for check in shown], shares, color=colours)
        axis.axvline(1, color="black", linewidth=0.8)
        axis.invert_yaxis()
        axis.set_title("upper bound as a share of the policy's limit", loc="left", fontsize=9)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
        plt.close(figure)


if __name__ == "__main__":
    main()
