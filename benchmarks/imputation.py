"""Held-out cells filled by the default model and by scikit-learn's IterativeImputer.

python benchmarks/imputation.py --threads 1

Cells of test rows are blanked at random; every imputer has learned the same train rows. The fit of
`argan` is that of `tables.py`, made where it is not there yet.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd

from harness import machine
from harness.data import TABLES, Table, load
from harness.places import RESULTS
from harness.runs import Run, execute
from peers.measured import measured
from synthgen import SynthGen

# Test rows to fill at most, and the share of their cells that is blanked.
ROWS, SHARE = 5_000, 0.2
METHODS = {
    "argan": "SynthGen, `impute`",
    "ridge": "IterativeImputer, BayesianRidge (default)",
    "trees": "IterativeImputer, ExtraTreesRegressor",
    "simple": "SimpleImputer, mean and most frequent",
}
Filled = Callable[[pd.DataFrame], pd.DataFrame]


def main() -> None:
    """Measure all tables and seeds, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["adult", "diabetes"], choices=TABLES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "imputation", help="without ending")
    wanted = parser.parse_args()
    found = []
    for name in wanted.tables:
        table = load(name)
        peers = {method: fitted_peer(method, table) for method in METHODS if method != "argan"}
        for seed in wanted.seeds:
            methods = {"argan": fitted_ours(table, seed, wanted.threads), **peers}
            found += judged(table, seed, methods)
    write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def judged(table: Table, seed: int, methods: dict[str, Filled]) -> list[dict[str, Any]]:
    """Accuracy and error of every method on the same blanked cells."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(table.test))[:ROWS]
    rows = table.test.iloc[chosen].reset_index(drop=True)
    blanked = (rng.random(rows.shape) < SHARE) & rows.notna().to_numpy()
    gaps = rows.mask(blanked)
    found = []
    for method, fill in methods.items():
        filled, took = measured(lambda fill=fill: fill(gaps))
        accuracy, error = compared(table, rows, filled, blanked)
        found.append(
            {
                "table": table.name,
                "seed": seed,
                "method": method,
                "cells": int(blanked.sum()),
                "accuracy": accuracy,
                "rmse": error,
                "cpu_s": took.cpu_s,
                "commit": machine.commit(),
            }
        )
        print(found[-1], flush=True)
    return found


def compared(
    table: Table, rows: pd.DataFrame, filled: pd.DataFrame, blanked: np.ndarray
) -> tuple[float, float]:
    """Mean accuracy of categories; mean error of numbers in standard deviations of train rows."""
    accuracy, error = [], []
    for j, name in enumerate(rows):
        held, got = (frame[name][blanked[:, j]] for frame in (rows, filled))
        if not len(held):
            continue
        if name in table.discrete:
            accuracy.append(float((held.astype(str) == got.astype(str)).mean()))
            continue
        spread = table.train[name].std()
        if spread > 0:
            error.append(float(np.sqrt(((held - got.astype(float)) ** 2).mean()) / spread))
    return mean(accuracy), mean(error)


def fitted_ours(table: Table, seed: int, threads: int) -> Filled:
    """The default model."""
    run = Run(table.name, "argan", seed, threads)
    execute(run, table)
    return SynthGen.load(run.file(".synthgen")).impute


def fitted_peer(method: str, table: Table) -> Filled:
    """An imputer of scikit-learn on categories as ordinal codes and plain numbers."""
    levels = {name: table.train[name].dropna().astype(str).unique() for name in table.discrete}

    def encoded(frame: pd.DataFrame) -> pd.DataFrame:
        coded = frame.astype(dict.fromkeys(table.discrete, object)).copy()
        for name, known in levels.items():
            index = pd.Index(known).get_indexer(frame[name].astype(str)).astype(float)
            coded[name] = np.where((index < 0) | frame[name].isna(), np.nan, index)
        return coded.astype(float)

    def fill(frame: pd.DataFrame) -> pd.DataFrame:
        got = pd.DataFrame(imputer.transform(encoded(frame)), columns=frame.columns)
        for name, known in levels.items():
            codes = got[name].round().clip(0, len(known) - 1).astype(int)
            got[name] = frame[name].where(frame[name].notna(), known[codes])
        return got

    imputer = _imputer(method, table)
    _, took = measured(lambda: imputer.fit(encoded(table.train)))
    print(f"{table.name}: {method} fitted in {took.cpu_s:.0f} CPU s", flush=True)
    return fill


def _imputer(method: str, table: Table) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.impute import IterativeImputer, SimpleImputer

    empty: dict[str, Any] = {"keep_empty_features": True}
    if method == "ridge":
        return IterativeImputer(random_state=0, **empty)
    if method == "trees":
        trees = ExtraTreesRegressor(n_estimators=20, min_samples_leaf=5, random_state=0)
        return IterativeImputer(trees, max_iter=3, random_state=0, **empty)
    frequent = SimpleImputer(strategy="most_frequent", **empty)
    kinds = [
        (name, frequent if name in table.discrete else SimpleImputer(**empty), [name])
        for name in table.train
    ]
    return ColumnTransformer(kinds)


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "runs": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        "# Imputation of held-out cells\n",
        machine.line(described),
        _LEGEND,
    ]
    for table in dict.fromkeys(run["table"] for run in found):
        lines += [
            f"\n## {table}\n",
            "| method | seeds | accuracy | RMSE | CPU s |",
            "|---|--:|--:|--:|--:|",
        ]
        for method, label in METHODS.items():
            here = [r for r in found if r["table"] == table and r["method"] == method]
            figures = [
                f"{_mean_and_spread([run[name] for run in here]):s}"
                for name in ("accuracy", "rmse")
            ]
            seconds = mean(run["cpu_s"] for run in here)
            lines.append(f"| {label} | {len(here)} | {' | '.join(figures)} | {seconds:.1f} |")
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _mean_and_spread(values: list[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


_LEGEND = f"""A fifth of the known cells of {ROWS:,} test rows at most is blanked at random; a seed
is a fit of ours and a choice of cells. Accuracy: mean over the columns that are no numbers. RMSE:
mean over the numeric columns, in standard deviations of the train rows. CPU seconds to fill."""


if __name__ == "__main__":
    main()
