"""What the critic adds: the default model with it, without it, and trained longer in its stead.

python benchmarks/ablation.py --threads 1

Three arms from two fits of each table and seed: `argan`; the same fitted model sampled without its
critics; and a warm start alone that is more patient, so that it takes at least as long as warm
start and critic together. A fit that has finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd

from harness import machine
from harness.data import TABLES, Table, load, read_csv
from harness.places import RESULTS
from harness.runs import Run, execute
from synthgen import SynthGen
from synthgen.evaluation.quality.c2st import compare_with_holdout

FULL, LONGER = "argan", "argan:critic=none,patience=4"
ARMS = {
    "off": "warm start, critic switched off",
    "longer": "warm start, trained longer",
    "full": "warm start and critic (default)",
}
DEFAULT = ["adult", "beijing", "california", "diabetes", "flights", "nsl_kdd"]


def main() -> None:
    """Run all arms; write the table after each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=DEFAULT, choices=TABLES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "ablation", help="without an ending")
    wanted = parser.parse_args()
    found: list[dict[str, Any]] = []
    # seed by seed: a command that is cut off has all tables with fewer seeds
    for seed in wanted.seeds:
        for name in wanted.tables:
            found += arms(load(name), seed, wanted.threads)
            write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def arms(table: Table, seed: int, threads: int) -> list[dict[str, Any]]:
    """Scores and CPU seconds of the three arms."""
    full, longer = (Run(table.name, model, seed, threads) for model in (FULL, LONGER))
    records = {"full": execute(full, table), "longer": execute(longer, table)}
    off = without_critic(full, len(table.train), seed)
    rows = {"off": off, "longer": longer.file("-syn.csv"), "full": full.file("-syn.csv")}
    return [
        {
            "table": table.name,
            "seed": seed,
            "arm": arm,
            "fit_cpu_s": records[arm]["fit_cpu_s"] if arm in records else None,
            "steps": records[arm]["training"]["steps"] if arm in records else None,
            "commit": records["full"]["commit"],
            **scores(table, path),
        }
        for arm, path in rows.items()
    ]


def without_critic(full: Run, n: int, seed: int) -> Path:
    """Rows of a fitted model whose critics are switched off."""
    path = replace(full, model="argan-off").file("-syn.csv")
    model = full.file(".synthgen")
    if not path.exists() or path.stat().st_mtime < model.stat().st_mtime:
        fitted = SynthGen.load(model)
        fitted.generator_.critics = ()
        fitted.sample(n, seed=seed).to_csv(path, index=False)
    return path


def scores(table: Table, path: Path) -> dict[str, float | None]:
    """XGB-C2ST against train and test rows at the same n, kept beside the rows."""
    kept = path.with_name(path.name.removesuffix("-syn.csv") + "-c2st.json")
    if not kept.exists() or kept.stat().st_mtime < path.stat().st_mtime:
        rows: pd.DataFrame = read_csv(path, table.times, table.texts)
        compared = compare_with_holdout(table.train, rows, table.test)
        names = ("train", "holdout", "ceiling")
        kept.write_text(json.dumps({name: getattr(compared, name).value for name in names}))
    found: dict[str, float | None] = json.loads(kept.read_text())
    return found


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    described = machine.describe()
    document = {"machine": described, "arms": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    target.with_suffix(".md").write_text(markdown(described, found))


def markdown(described: dict[str, Any], found: list[dict[str, Any]]) -> str:
    """One row for each table and arm, and what switching the critic off costs."""
    lines = [
        "# Ablation of the critic\n",
        machine.line(described),
        _LEGEND,
        "| table | arm | seeds | test | train | ceiling | fit CPU s | steps |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for table in dict.fromkeys(cell["table"] for cell in found):
        for arm, label in ARMS.items():
            here = [c for c in found if c["table"] == table and c["arm"] == arm]
            figures = [_figure([c[name] for c in here], digits) for name, digits in FIGURES.items()]
            lines.append(f"| {table} | {label} | {len(here)} | " + " | ".join(figures) + " |")
    return "\n".join(lines) + "\n\n" + verdict(found) + "\n"


def verdict(found: list[dict[str, Any]]) -> str:
    """On how many tables the critic is worth more than the spread over seeds."""
    worth = []
    tables = list(dict.fromkeys(cell["table"] for cell in found))
    for table in tables:
        full, *others = (
            [c["holdout"] for c in found if c["table"] == table and c["arm"] == arm]
            for arm in ("full", "off", "longer")
        )
        spread = max(map(_spread, (full, *others)))
        worth.append(mean(full) - max(map(mean, others)) > spread)
    return (
        f"Against test rows, the critic gains more over both other arms than the largest standard "
        f"deviation over seeds on {sum(worth)} of {len(tables)} tables."
    )


def _spread(values: list[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _figure(values: list[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    text = f"{mean(known):.{digits}f}"
    return text + (f" ± {stdev(known):.{digits}f}" if len(known) > 1 else "")


FIGURES = {"holdout": 3, "train": 3, "ceiling": 3, "fit_cpu_s": 0, "steps": 0}
_LEGEND = """XGB-C2ST against test and against train rows, thinned to the size of the smallest
table, 5 draws; the ceiling is train against test rows. Mean ± standard deviation over seeds. The
first arm is the third, sampled without its critic: its fit is the same.
"""


if __name__ == "__main__":
    main()
