"""Molecules with a measured column: what is drawn against what was measured.

python benchmarks/joint.py --sets esol lipophilicity --time-limit-s 300 --threads 1

Train molecules with a drawn column show the model of the column alone, drawn molecules the whole.
R2 on real test molecules of a random forest on Morgan bits says how much of the dependence on the
structure is left. A fit or a score that has finished is not repeated; with `--columns` the columns
of finished fits are learned again, and all is scored again.
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
import torch
from rdkit import Chem
from rdkit.Chem import rdFingerprintGenerator
from scipy.stats import ks_2samp, wasserstein_distance
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score

from harness import machine
from harness.data import SPLIT_SEED
from harness.places import RESULTS, WORK, data_folder
from peers.measured import measured
from synthgen import MolGen
from synthgen.molecular.outcomes import Outcomes
from synthgen.molecular.representation import Molecules
from synthgen.seeds import Streams

FOLDER = WORK / "joint"
SETS = {
    "esol": "measured log solubility in mols per litre",
    "lipophilicity": "exp",
}
LABELS = {
    "real": "train rows (the floor)",
    "train": "train molecules, drawn column",
    "train5": "the same, five columns each",
    "drawn": "**SynthGen**, as many rows",
    "drawn5": "**SynthGen**, five times as many",
}


def main() -> None:
    """Fit, draw and score; write the table after each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--kinds", nargs="+", default=list(LABELS), choices=LABELS)
    parser.add_argument("--time-limit-s", type=float, default=300, help="of each fit")
    parser.add_argument("--max-steps", type=int, help="of each fit, in place of the time")
    parser.add_argument("--columns", action="store_true", help="learn the columns again")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "joint", help="without ending")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = []
    for name in wanted.sets:
        train, test = parts(name)
        judge = Judge(name, test)
        for seed in wanted.seeds:
            models = Models(name, train, seed, wanted)
            found += [judge.row(kind, models, wanted) for kind in LABELS if kind in wanted.kinds]
        wanted.out.parent.mkdir(parents=True, exist_ok=True)
        write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def parts(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """SMILES and the measured column: the first four fifths of the permuted rows, and the rest."""
    rows = pd.read_csv(data_folder() / "molecules" / f"{name}.csv")[["smiles", SETS[name]]]
    rows["smiles"] = rows["smiles"].str.strip()
    rows = rows.iloc[np.random.default_rng(SPLIT_SEED).permutation(len(rows))]
    n = len(rows) * 4 // 5
    return rows[:n].reset_index(drop=True), rows[n:].reset_index(drop=True)


class Models:
    """The fit of one seed, and the model of the column alone; each made where it is asked for."""

    def __init__(
        self, name: str, train: pd.DataFrame, seed: int, wanted: argparse.Namespace
    ) -> None:
        limit = f"{wanted.time_limit_s:g}s"
        if wanted.max_steps is not None:
            limit = f"{wanted.max_steps}steps"
        self.stem = f"{name}-{limit}-{wanted.threads}t-s{seed}"
        self.name, self.train, self.seed, self.wanted = name, train, seed, wanted

    def columns(self) -> Outcomes:
        """The model of the column."""
        table, smiles = self.train[[SETS[self.name]]], self.train["smiles"].tolist()
        return Outcomes.fit(smiles, table, Molecules(), Streams(self.seed).child("outcomes"))[0]

    def fitted(self) -> tuple[MolGen, dict[str, Any]]:
        """The fit and its record."""
        path, record = (FOLDER / f"{self.stem}{ending}" for ending in (".synthgen", ".json"))
        steps = self.wanted.max_steps
        if not record.exists():
            limit = None if steps is not None else self.wanted.time_limit_s
            model = MolGen(time_limit_s=limit, max_steps=steps, seed=self.seed, device="cpu")
            done, took = measured(lambda: model.fit(self.train))
            done.save(path)
            facts = {k: v for k, v in done.training_.items() if k != "history"}
            facts |= {"fit_s": took.wall_s, "fit_cpu_s": took.cpu_s, "commit": machine.commit()}
            record.write_text(json.dumps(facts, indent=1))
        model = MolGen.load(path)
        if self.wanted.columns:
            model.outcomes_ = self.columns()
        return model, json.loads(record.read_text())

    def rows(self, kind: str) -> tuple[pd.DataFrame, dict[str, Any]]:
        """SMILES and column of a kind of rows, and the record of the fit."""
        times = 5 if kind.endswith("5") else 1
        if kind == "real":
            return self.train, {}
        if kind.startswith("train"):
            smiles = self.train["smiles"].tolist() * times
            table, _ = self.columns().draw(smiles, {}, Streams(1))
            return table.assign(smiles=smiles), {}
        model, record = self.fitted()
        return model.sample(times * len(self.train), seed=1), record


class Judge:
    """Scores against the test rows of one set, kept in files."""

    def __init__(self, name: str, test: pd.DataFrame) -> None:
        self.name, self.test, self.bits = name, test, morgan(test["smiles"])

    def row(self, kind: str, models: Models, wanted: argparse.Namespace) -> dict[str, Any]:
        """Distances of the column, and R2 of a forest trained on the rows."""
        path = FOLDER / f"{models.stem}-{kind}-scores.json"
        if wanted.columns or not path.exists():
            rows, record = models.rows(kind)
            held, goal = rows[SETS[self.name]], self.test[SETS[self.name]]
            forest = RandomForestRegressor(
                100, max_features=0.1, random_state=models.seed, n_jobs=wanted.threads
            )
            forest.fit(morgan(rows["smiles"]), held)
            found = {
                "set": self.name,
                "kind": kind,
                "seed": models.seed,
                "rows": len(rows),
                "distinct": int(rows["smiles"].nunique()),
                "ks": float(ks_2samp(held, goal).statistic),
                "wasserstein": float(wasserstein_distance(held, goal)),
                "r2": float(r2_score(goal, forest.predict(self.bits))),
                "fit": record,
                "commit": machine.commit(),
            }
            path.write_text(json.dumps(found, indent=1))
            print({k: v for k, v in found.items() if k != "fit"}, flush=True)
        loaded: dict[str, Any] = json.loads(path.read_text())
        return loaded


def morgan(smiles: pd.Series) -> np.ndarray:
    """(n, 2048) bits of radius 2."""
    of = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    return np.array([of.GetFingerprintAsNumPy(Chem.MolFromSmiles(text)) for text in smiles])


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "rows": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = ["# Molecules with a measured column\n", machine.line(described), _LEGEND]
    figures: dict[str, Callable[[dict[str, Any]], float]] = {
        "KS": lambda row: row["ks"],
        "Wasserstein": lambda row: row["wasserstein"],
        "R2": lambda row: row["r2"],
    }
    for name in dict.fromkeys(row["set"] for row in found):
        lines += [f"\n## {name}\n", "| | seeds | rows | distinct | " + " | ".join(figures) + " |"]
        lines.append("|---|--:|--:|--:|" + "--:|" * len(figures))
        for kind, label in LABELS.items():
            rows = [row for row in found if row["set"] == name and row["kind"] == kind]
            if rows:
                shown = " | ".join(_figure([of(row) for row in rows]) for of in figures.values())
                distinct = mean(row["distinct"] for row in rows)
                n = rows[0]["rows"]
                lines.append(f"| {label} | {len(rows)} | {n:,} | {distinct:,.0f} | {shown} |")
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _figure(values: list[float]) -> str:
    return f"{mean(values):.3f}" + (f" ± {stdev(values):.3f}" if len(values) > 1 else "")


_LEGEND = """Distances of the column to that of the test rows, a fifth of the data. R2: on the test
rows, of a random forest on Morgan bits (radius 2, 2048) trained on the rows of the line."""


if __name__ == "__main__":
    main()
