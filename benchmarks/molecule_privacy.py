"""Epsilon against FCD: molecules of private fits on QM9, at several epsilons.

python benchmarks/molecule_privacy.py --threads 1

The molecule is the unit of privacy, and everything is counted: the vocabulary, the lengths and the
gradients. Beside them stand train molecules, which are the floor, and the trivial generators of
`molecules.py`. A fit or a score that has finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from molecules import FOLDER, LABELS, Scored, add_carbon, perturbed, qm9, some

from harness import machine
from harness.places import RESULTS
from peers.measured import measured
from synthgen import MolGen
from synthgen.evaluation.molecules.judge import MOST, WAYS

DELTA = 1e-6


def main() -> None:
    """Fit, draw and score; write the curve after each epsilon."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epsilons", nargs="+", type=float, default=[1, 10, 3, 0.3, 30])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "molecule-privacy")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    train, test = qm9()
    scored = Scored("qm9", train, test)
    found = [scored.row("train", None, lambda: some(train))]
    found += [scored.row("add-carbon", None, lambda: add_carbon(train))]
    found += [scored.row("perturbed", None, lambda: perturbed(train))]
    for seed in wanted.seeds:
        for epsilon in wanted.epsilons:
            stem = f"dp-e{epsilon:g}-{wanted.threads}t-s{seed}"
            path, record = fitted(stem, train, epsilon, seed)
            row = scored.row(
                stem, None, lambda p=path: list(MolGen.load(p).sample(MOST, seed=1)["smiles"])
            )
            found.append(row | {"epsilon": epsilon, "seed": seed, "record": record})
            write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def fitted(stem: str, train: list[str], epsilon: float, seed: int) -> tuple[Path, dict[str, Any]]:
    """The model's file, and the record of its fit."""
    path, kept = FOLDER / f"qm9-{stem}.synthgen", FOLDER / f"qm9-{stem}.json"
    if not kept.exists():
        model = MolGen(epsilon=epsilon, delta=DELTA, seed=seed, progress=True)
        done, took = measured(lambda: model.fit(train))
        done.save(path)
        spent = done.privacy_ or {}
        facts = {k: v for k, v in done.training_.items() if k != "history"}
        facts |= {"fit_s": took.wall_s, "fit_cpu_s": took.cpu_s, "fit_peak_mb": took.peak_mb}
        facts |= {"spent": spent["spent"], "delta": DELTA, "commit": machine.commit()}
        kept.write_text(json.dumps(facts, indent=1))
    return path, json.loads(kept.read_text())


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "rows": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    private = sorted((row for row in found if "record" in row), key=lambda row: row["epsilon"])
    lines = ["# Molecules with differential privacy: QM9\n", machine.line(described), _LEGEND]
    lines += ["| epsilon | seeds | " + " | ".join(WAYS) + " | fit CPU s |"]
    lines.append("|--:|--:|" + "--:|" * (len(WAYS) + 1))
    for epsilon in dict.fromkeys(row["epsilon"] for row in private):
        rows = [row for row in private if row["epsilon"] == epsilon]
        cost = f"{mean(row['record']['fit_cpu_s'] for row in rows):.0f}"
        lines.append(f"| {epsilon:g} | {len(rows)} | {_figures(rows)} | {cost} |")
    for row in found:
        if "record" not in row:
            lines.append(f"| {LABELS[row['kind']]} | | {_figures([row])} | |")
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _figures(rows: list[dict[str, Any]]) -> str:
    values = [[row["scores"][name]["value"] for row in rows] for name in WAYS]
    return " | ".join("-" if None in held else f"{mean(held):.4g}" for held in values)


_LEGEND = f"""One molecule, however often it is listed, is the unit of privacy; delta {DELTA:g}; all
touches counted. {MOST:,} raw draws against as many molecules of the test part; docs/molecules.md
says what the measures are.
"""


if __name__ == "__main__":
    main()
