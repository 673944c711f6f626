"""Differential privacy: utility of private fits at an epsilon that counts everything.

python benchmarks/privacy.py --threads 1

Both private models and AIM on Adult at epsilon 1 and delta 1e-5, and the default model over a range
of epsilon. Our fits get a schema of names, kinds and formats alone: values, bounds and counts are
bought. A fit or a score that has finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from xgboost import XGBClassifier

from harness import machine
from harness.data import TABLES, Table, load
from harness.places import RESULTS, WORK
from harness.runs import Run, execute
from peers.measured import measured
from synthgen import Schema, SynthGen

FOLDER = WORK / "privacy"
DELTA = 1e-5
CURVE = (0.1, 0.5, 1.0, 3.0, 10.0)
LABELS = {
    "real": "train rows",
    "holdout": "test rows",
    "dp-ar": "**SynthGen dp-ar** (default)",
    "dp-gan": "SynthGen dp-gan (one-shot GAN)",
    "aim": "AIM (dpmm, model of 2 MB at most)",
}
FIGURES = ("auc", "one_way", "two_way", "discriminator")


def main() -> None:
    """Fit, sample and score; write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["adult"], choices=TABLES)
    parser.add_argument("--models", nargs="+", default=["dp-ar", "dp-gan", "aim"], choices=LABELS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--curve", nargs="*", type=float, default=list(CURVE))
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "privacy", help="without ending")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for name in wanted.tables:
        table = load(name)
        plan = [("real", None, 0), ("holdout", None, 0)]
        plan += [(model, 1.0, seed) for model in wanted.models for seed in wanted.seeds]
        plan += [("dp-ar", epsilon, wanted.seeds[0]) for epsilon in wanted.curve]
        for model, epsilon, seed in dict.fromkeys(plan):
            if model == "aim" and seed != wanted.seeds[0]:
                continue  # hours; one seed says where it stands
            found.append(scored(table, model, epsilon, seed, wanted.threads))
            print({k: v for k, v in found[-1].items() if k != "record"}, flush=True)
            write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def scored(
    table: Table, model: str, epsilon: float | None, seed: int, threads: int
) -> dict[str, Any]:
    """The figures of one fit, kept in a file."""
    stem = f"{table.name}-{model}-e{epsilon}-{threads}t-s{seed}"
    path = FOLDER / f"{stem}-scores.json"
    if not path.exists():
        rows, record = drawn(table, model, epsilon, seed, threads, FOLDER / stem)
        row = {"table": table.name, "model": model, "epsilon": epsilon, "seed": seed}
        row |= figures(table, rows, threads) | {"record": record, "commit": machine.commit()}
        # a table is not told from itself, and what is tested on is not trained on
        row |= {"real": {"discriminator": None}, "holdout": {"auc": None}}.get(model, {})
        path.write_text(json.dumps(row, indent=1, default=str))
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def drawn(
    table: Table, model: str, epsilon: float | None, seed: int, threads: int, stem: Path
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """As many rows as there are train rows, and how they were made."""
    n = len(table.train)
    if model == "real":
        return table.train, {}
    if model == "holdout":
        return table.test.sample(min(n, len(table.test)), random_state=seed), {}
    if model == "aim":
        run = Run(table.name, f"peer:aim:epsilon={epsilon:g}", seed, threads)
        record = execute(run, table)
        return pd.read_csv(run.file("-syn.csv"), keep_default_na=False, na_values=[""]), record
    synth = SynthGen(model=model, epsilon=epsilon, delta=DELTA, seed=seed, progress=False)
    schema = Schema.infer(table.train)
    fitted, took = measured(lambda: synth.fit(table.train, schema=schema))
    fitted.save(stem.with_name(stem.name + ".synthgen"))
    facts = {"fit_s": took.wall_s, "fit_cpu_s": took.cpu_s, "spent": fitted.privacy_["spent"]}
    return fitted.sample(n, seed=seed), facts


def figures(table: Table, rows: pd.DataFrame, threads: int) -> dict[str, float | None]:
    """Utility and closeness of rows; see the legend."""
    one, two = closeness(table.train, rows)
    known = {
        name: np.unique(table.train[name].astype(str))
        for name in table.train
        if name in table.discrete
    }
    inputs = [name for name in table.train if name != table.target]
    auc = None
    if table.train[table.target].nunique() == 2:
        positive = str(sorted(table.train[table.target].unique())[1])
        wanted, goal = (part[table.target].astype(str) == positive for part in (rows, table.test))
        trees = XGBClassifier(n_jobs=threads, random_state=0)
        trees.fit(coded(rows[inputs], known), wanted)
        auc = float(
            roc_auc_score(goal, trees.predict_proba(coded(table.test[inputs], known))[:, 1])
        )
    x = pd.concat([coded(table.train, known), coded(rows, known)])
    y = np.repeat([0, 1], [len(table.train), len(rows)])
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.3, random_state=0)
    trees = XGBClassifier(n_jobs=threads, random_state=0).fit(x_train, y_train)
    told = float(roc_auc_score(y_test, trees.predict_proba(x_test)[:, 1]))
    return {"auc": auc, "one_way": one, "two_way": two, "discriminator": told}


def coded(frame: pd.DataFrame, known: dict[str, np.ndarray]) -> pd.DataFrame:
    """Numbers, and categories as the place among those of train rows, -1 for others."""
    return pd.DataFrame(
        {
            name: pd.Index(known[name]).get_indexer(frame[name].astype(str))
            if name in known
            else pd.to_numeric(frame[name], errors="coerce").astype(float)
            for name in frame
        },
    ).reset_index(drop=True)


def closeness(real: pd.DataFrame, rows: pd.DataFrame) -> tuple[float, float]:
    """1 less the total variation distance, mean over columns and over pairs."""
    cells = [binned(real[name], rows[name]) for name in real]
    one = [1 - distance(a, b) for a, b in cells]
    pairs = [
        1 - distance(a * (max(c.max(), d.max()) + 1) + c, b * (max(c.max(), d.max()) + 1) + d)
        for i, (a, b) in enumerate(cells)
        for c, d in cells[:i]
    ]
    return mean(one), mean(pairs)


def binned(real: pd.Series, rows: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Cells of both: tenths of the real numbers, or values; 0 for missing."""
    if pd.api.types.is_numeric_dtype(real):
        edges = np.unique(np.nanquantile(real.astype(float), np.linspace(0.1, 0.9, 9)))
        columns = (real.astype(float), pd.to_numeric(rows, errors="coerce").astype(float))
        found = [
            np.where(c.isna(), 0, 1 + np.searchsorted(edges, c.fillna(0), side="right"))
            for c in columns
        ]
        return found[0], found[1]
    codes = pd.factorize(pd.concat([real.astype(str), rows.astype(str)]))[0] + 1
    return codes[: len(real)], codes[len(real) :]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Total variation distance of two samples of cells."""
    n = int(max(a.max(), b.max())) + 1
    shares = [np.bincount(held, minlength=n) / len(held) for held in (a, b)]
    return float(0.5 * np.abs(shares[0] - shares[1]).sum())


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    target.parent.mkdir(parents=True, exist_ok=True)
    described = machine.describe()
    target.with_suffix(".json").write_text(
        json.dumps({"machine": described, "runs": found}, indent=1) + "\n"
    )
    lines = ["# Differential privacy\n", machine.line(described), _LEGEND]
    for table in dict.fromkeys(run["table"] for run in found):
        lines += [
            f"\n## {table}\n",
            "| | epsilon | seeds | AUC | 1-way | 2-way | discriminator AUC | fit CPU s |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        kinds = dict.fromkeys((r["model"], r["epsilon"]) for r in found if r["table"] == table)
        for model, epsilon in kinds:
            here = [
                r
                for r in found
                if (r["table"], r["model"], r["epsilon"]) == (table, model, epsilon)
            ]
            values = " | ".join(_mean_and_spread([r[f] for r in here]) for f in FIGURES)
            seconds = [r["record"]["fit_cpu_s"] for r in here if "fit_cpu_s" in r["record"]]
            lines.append(
                f"| {LABELS[model]} | {'' if epsilon is None else f'{epsilon:g}'} | {len(here)} "
                f"| {values} | {f'{mean(seconds):.0f}' if seconds else ''} |"
            )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _mean_and_spread(values: list[float | None]) -> str:
    known = [v for v in values if v is not None]
    if not known:
        return "-"
    return f"{mean(known):.3f}" + (f" ± {stdev(known):.3f}" if len(known) > 1 else "")


_LEGEND = f"""Delta {DELTA:g}; neighbours differ by one row. Of ours everything that touches rows is
counted: number of rows, values, bounds, bins, counts, gradients. AUC: XGBoost trained on synthetic
rows, tested on real ones. 1-way, 2-way: 1 less the total variation distance to the train rows,
numbers cut into their tenths, mean over columns and pairs. Discriminator: AUC of XGBoost telling
train from synthetic rows on rows kept aside, .5 is best. As many synthetic rows as train rows; AIM
spends epsilon 0.1 more, for its preprocessing."""


if __name__ == "__main__":
    main()
