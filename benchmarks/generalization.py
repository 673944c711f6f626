"""How far from train rows' score the one against test rows must fall, for rows that hold true.

python benchmarks/generalization.py --threads 1

A generator that keeps the shares of the train rows keeps their chance deviations too, and test rows
do not have those. So real rows that are in neither are drawn as if they were synthetic: as they
come; weighed until every column has the train rows' shares; and until every pair of columns has
them, in at most ten cells a column. How these depend on each other is otherwise the truth. The
train rows of a large table are thinned, which leaves rows enough to draw from; the default model
learns the same thinned train rows.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import machine
from harness.data import SPLIT_SEED, Table, load, read_csv
from harness.places import RESULTS
from harness.report import figure
from harness.runs import Run, execute
from synthgen.adversarial.trees import systematic
from synthgen.evaluation.quality.c2st import compare_with_holdout
from synthgen.tabular.autoregressive.raking import rake

TABLES = ["adult", "beijing", "california", "diabetes-full", "flights", "nsl_kdd"]
MOST_ROWS, SHARE = 10_000, 0.25
BINS, PAIR_BINS, ROUNDS = 100, 10, 20
ARMS = {
    "fresh": "other real rows",
    "shares": "other real rows, every column with the train rows' shares",
    "pairs": "other real rows, every pair of columns with them",
    "argan": "SynthGen, default",
}


def main() -> None:
    """Draw, fit and score; write the table after each of them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=TABLES, choices=TABLES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "generalization")
    wanted = parser.parse_args()
    found: list[dict[str, Any]] = []
    for seed in wanted.seeds:
        for name in wanted.tables:
            table, rest = thinned(load(name))
            for arm, rows in arms(table, rest, seed, wanted.threads):
                compared = compare_with_holdout(table.train, rows, table.test, seed=seed)
                scores = {k: getattr(compared, k).value for k in ("train", "holdout", "ceiling")}
                size = {"train_rows": len(table.train), "test_rows": len(table.test)}
                found.append({"table": name, "seed": seed, "arm": arm, **size, **scores})
                write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def thinned(table: Table) -> tuple[Table, pd.DataFrame]:
    """The table with a part of its train rows, and the rest of these."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(table.train))
    n = min(MOST_ROWS, int(SHARE * len(table.train)))
    train = table.train.iloc[order[:n]].reset_index(drop=True)
    thin = Table(f"{table.name}-thinned", train, table.test, table.target, table.note)
    return thin, table.train.iloc[order[n:]]


def arms(
    table: Table, rest: pd.DataFrame, seed: int, threads: int
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Rows of each arm, as many as there are train rows."""
    rng, n = np.random.default_rng([SPLIT_SEED, seed]), len(table.train)
    yield "fresh", rest.iloc[rng.permutation(len(rest))[:n]]
    for arm, sets in (("shares", 1), ("pairs", 2)):
        weight = rake(np.ones(len(rest)), margins(table.train, rest, sets), ROUNDS)
        yield arm, rest.iloc[rng.permutation(systematic(weight, n, rng))]
    run = Run(table.name, "argan", seed, threads)
    execute(run, table)
    yield "argan", read_csv(run.file("-syn.csv"), table.times, table.texts)


def margins(
    train: pd.DataFrame, rest: pd.DataFrame, sets: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cells (n,) of the rest's rows in each column or pair, and the train rows' shares of cells."""
    single = [cells(train[name], rest[name], BINS if sets == 1 else PAIR_BINS) for name in train]
    chosen = single
    if sets == 2:
        chosen = [
            (a[0] * b[2] + b[0], a[1] * b[2] + b[1], a[2] * b[2])
            for a, b in combinations([c for c in single if c[2] > 1], 2)
        ]
    return [(other, np.bincount(own, minlength=n) / len(own)) for own, other, n in chosen]


def cells(train: pd.Series, rest: pd.Series, most: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Cells of a column's train and other values, and how many cells there are.

    Quantiles of a number with many values, else values; for pairs the most frequent of these.
    """
    both = pd.concat([train, rest], ignore_index=True)
    if both.dtype.kind in "ifM" and train.nunique() > most:
        x = both.astype("int64") if both.dtype.kind == "M" else both.astype(float)
        edges = np.unique(np.nanquantile(x[: len(train)], np.linspace(0, 1, most + 1)[1:-1]))
        codes = np.where(both.isna(), len(edges) + 1, np.searchsorted(edges, x, side="right"))
        n = len(edges) + 2
    else:
        codes, values = pd.factorize(both.astype(str))
        n = len(values)
        if most == PAIR_BINS and n > most:
            rank = np.argsort(np.argsort(-np.bincount(codes, minlength=n)))
            codes, n = np.minimum(rank[codes], most - 1), most
    return codes[: len(train)], codes[len(train) :], n


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "arms": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        "# What test rows can tell that train rows cannot\n",
        machine.line(described),
        _LEGEND,
        "| table | train rows | rows | seeds | train | test | fall |",
        "|---|--:|---|--:|--:|--:|--:|",
    ]
    for name in dict.fromkeys(c["table"] for c in found):
        for arm, label in ARMS.items():
            here = [c for c in found if (c["table"], c["arm"]) == (name, arm)]
            if not here:
                continue
            falls = [c["train"] - c["holdout"] for c in here]
            scores = ([c["train"] for c in here], [c["holdout"] for c in here], falls)
            figures = " | ".join(figure(values, 3) for values in scores)
            lines.append(
                f"| {name} | {here[0]['train_rows']:,} | {label} | {len(here)} | {figures} |"
            )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


_LEGEND = """XGB-C2ST against train and against test rows, thinned to the size of the smallest
table, 5 draws, and how far the second is below the first. Mean ± standard deviation over seeds.
"""


if __name__ == "__main__":
    main()
