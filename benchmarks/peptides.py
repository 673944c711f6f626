"""Peptides: lengths, residues and what a classifier learns of them, from labelled synthetic ones.

python benchmarks/peptides.py

Fits the train part of AMPlify's peptides with their label, draws as many of each label, and
compares them with real ones. A fit or a sample that has finished is not repeated; `--again` repeats
them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from harness import machine
from harness.places import RESULTS, WORK, data_folder
from peers.measured import measured
from synthgen import MolGen
from synthgen.evaluation.molecules.peptides import dipeptides, residues, total_variation
from synthgen.peptides import RESIDUES

FOLDER = WORK / "peptides"
LABEL = "is_amp"
# smaller than the default, for a fit of minutes; most sequences carry their label
OPTIONS = {"width": 128, "layers": 3, "heads": 4}
# repetitions of what is drawn by chance: sequences drawn anew, seeds of the classifier
REPEATS = 5
# residues that a bin of lengths is wide, where single lengths hold too few sequences to compare
BIN = 5
VALUES = {
    "length": lambda texts: map(len, texts),
    "length_binned": lambda texts: (len(text) // BIN for text in texts),
    "residue": residues,
    "dipeptide": dipeptides,
}
LABELS = {
    "length": "lengths",
    "length_binned": f"lengths, in bins of {BIN}",
    "residue": "residues",
    "dipeptide": "dipeptides",
}
Rows = pd.DataFrame


def main() -> None:
    """Fit, sample, score; write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--max-steps", type=int, default=600)
    parser.add_argument("--options", type=json.loads, default=OPTIONS, help="of the model, as JSON")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="repeat the fit and the sample")
    parser.add_argument("--out", type=Path, default=RESULTS / "peptides", help="without ending")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = pd.read_csv(data_folder() / "molecules" / "peptides_amplify.csv")
    train, test = (rows[rows["split"] == part].reset_index(drop=True) for part in ("train", "test"))
    record, synthetic = made(train, wanted)
    found = {
        "seed": wanted.seed,
        "options": wanted.options,
        "record": record,
        "rows": {"train": len(train), "test": len(test), "synthetic": len(synthetic)},
        "distances": distances(train, test, synthetic),
        "classifier": classified(train, test, synthetic),
    }
    write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def made(train: Rows, wanted: argparse.Namespace) -> tuple[dict[str, Any], Rows]:
    """Record of the fit, and as many synthetic rows of each label as the train part has."""
    named = "-".join(f"{name}={value}" for name, value in sorted(wanted.options.items()))
    stem = f"{named}-{wanted.max_steps}-{wanted.threads}t-s{wanted.seed}"
    model, record, drawn = (FOLDER / f"{stem}{end}" for end in (".synthgen", ".json", ".csv"))
    if wanted.again:
        for path in (model, record, drawn):
            path.unlink(missing_ok=True)
    if not record.exists():
        unfitted = MolGen(
            kind="peptides", seed=wanted.seed, max_steps=wanted.max_steps, device="cpu",
            model_options=wanted.options,
        )  # fmt: skip
        fitted, took = measured(lambda: unfitted.fit(train[["sequence", LABEL]]))
        fitted.save(model)
        facts = {k: v for k, v in fitted.training_.items() if k != "history"}
        facts |= {"fit_s": took.wall_s, "fit_cpu_s": took.cpu_s, "fit_peak_mb": took.peak_mb}
        facts |= {"likelihood": fitted.training_["history"], "commit": machine.commit()}
        facts["n_parameters"] = int(sum(a.size for a in fitted.generator_.weights().values()))
        record.write_text(json.dumps(facts, indent=1))
    if not drawn.exists():
        loaded = MolGen.load(model)
        counts = train[LABEL].value_counts()
        parts = [
            loaded.sample(int(n), where={LABEL: int(label)}, seed=1 + int(label)).assign(
                **{LABEL: label}
            )
            for label, n in counts.items()
        ]
        pd.concat(parts).to_csv(drawn, index=False)
    # "NA" is a peptide
    return json.loads(record.read_text()), pd.read_csv(drawn, keep_default_na=False)


def distances(train: Rows, test: Rows, synthetic: Rows) -> list[dict[str, Any]]:
    """Total variation of every distribution, against test and train, at several sizes.

    Beside each stands the floor: train sequences, drawn anew with replacement, in place of the
    synthetic ones. A generator that has learned the train distribution exactly comes to it, and
    not below.
    """
    found = []
    for goal_name, goal in (("test", test), ("train", train)):
        for n in (len(test), len(synthetic)):
            for name, values in VALUES.items():
                apart, floor = [], []
                for seed in range(REPEATS):
                    rng = np.random.default_rng(seed)
                    # as many of all synthetic ones as there are: each once
                    chosen = synthetic["sequence"].iloc[rng.permutation(len(synthetic))[:n]]
                    drawn = train["sequence"].iloc[rng.integers(len(train), size=n)]
                    apart.append(total_variation(values(chosen), values(goal["sequence"])))
                    floor.append(total_variation(values(drawn), values(goal["sequence"])))
                real = total_variation(values(train["sequence"]), values(goal["sequence"]))
                found.append(
                    {
                        "against": goal_name,
                        "n": n,
                        "of": name,
                        "synthetic": float(np.mean(apart)),
                        "floor": float(np.mean(floor)),
                        "floor_std": float(np.std(floor, ddof=1)),
                        "train_itself": real,
                    }
                )
    return found


def classified(train: Rows, test: Rows, synthetic: Rows) -> dict[str, Any]:
    """AUC on the test part of classifiers that learned from real, and from synthetic rows."""
    points, labels = features(test["sequence"]), test[LABEL].to_numpy()
    found: dict[str, Any] = {}
    for name, rows in (("real", train), ("synthetic", synthetic)):
        known = features(rows["sequence"])
        found[name] = [
            float(roc_auc_score(labels, _fitted(known, rows, seed).predict_proba(points)[:, 1]))
            for seed in range(REPEATS)
        ]
    known = features(synthetic["sequence"])
    real = _fitted(features(train["sequence"]), train, 0)
    # how far the real classifier agrees that what was asked for was drawn
    agreed = roc_auc_score(synthetic[LABEL], real.predict_proba(known)[:, 1])
    return {**found, "real_on_synthetic": float(agreed)}


def _fitted(points: np.ndarray, rows: Rows, seed: int) -> HistGradientBoostingClassifier:
    # different rows are held out for early stopping with each seed
    model = HistGradientBoostingClassifier(
        max_iter=300, learning_rate=0.05, early_stopping=True, random_state=seed
    )
    return model.fit(points, rows[LABEL].to_numpy())


def features(sequences: pd.Series) -> np.ndarray:
    """(n, 421): shares of residues, counts of dipeptides, and the length."""
    place = {letter: i for i, letter in enumerate(RESIDUES)}
    k = len(place)
    found = np.zeros((len(sequences), k + k * k + 1))
    for row, text in zip(found, sequences, strict=True):
        codes = np.array([place[letter] for letter in text])
        row[:k] = np.bincount(codes, minlength=k) / len(codes)
        row[k:-1] = np.bincount(codes[:-1] * k + codes[1:], minlength=k * k)
        row[-1] = len(codes)
    return found


def write(target: Path, found: dict[str, Any]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, **found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    record, classifier = found["record"], found["classifier"]
    lines = [
        "# Peptides\n",
        machine.line(described),
        f"{record['n_molecules']:,} train sequences, {record['n_parameters']:,} parameters, "
        f"{record['steps']:,} steps (best weights at {record['best_step']:,}), "
        f"{record['fit_cpu_s']:.0f} CPU s to fit, options {json.dumps(found['options'])}.\n",
        _LEGEND,
        "\n## Distributions\n",
        "| total variation of | against | n | synthetic | floor | all train |",
        "|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {LABELS[one['of']]} | {one['against']} | {one['n']:,} | {one['synthetic']:.3f} "
        f"| {one['floor']:.3f} ± {one['floor_std']:.3f} | {one['train_itself']:.3f} |"
        for one in found["distances"]
    ]
    lines += [
        "\n## Classifier of antimicrobial peptides\n",
        "| trained on | AUC on real test rows |",
        "|---|--:|",
    ]
    lines += [
        f"| {name} | {np.mean(classifier[name]):.3f} ± {np.std(classifier[name], ddof=1):.3f} |"
        for name in ("real", "synthetic")
    ]
    lines.append(
        f"\nThe classifier of real rows tells the synthetic labels apart with an AUC of "
        f"{classifier['real_on_synthetic']:.3f}."
    )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


_LEGEND = f"""Synthetic sequences are drawn with `where={{"{LABEL}": 1}}` and `0`, as many as the
train part has. Floor: as many train sequences, drawn with replacement, in place of the synthetic
ones (mean ± deviation of {REPEATS}): a perfect generator comes to it. "all train": the train part
itself. The classifier is boosted trees on residues, dipeptides and length; ± over {REPEATS} of its
seeds."""


if __name__ == "__main__":
    main()
