"""Augmentation gain: do synthetic rows of a rare class help to recognize it, beside SMOTE?

python benchmarks/augmentation.py --cases adult nsl_kdd-r2l --seeds 0 1 2

A fit that has finished is not repeated: stop the command at any time and start it again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd

from harness import machine
from harness.data import SPLIT_SEED, load
from harness.places import RESULTS, WORK
from peers.measured import measured
from synthgen import SynthGen
from synthgen.evaluation.quality.augmentation import ARMS, MEASURES, augmentation_gain

FOLDER = WORK / "augmentation"
# Attacks that get into a machine from outside; each alone is too rare to judge.
REMOTE = ("ftp_write", "guess_passwd", "imap", "multihop", "phf", "spy", "warezclient",
          "warezmaster")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """Rows to train on, rows to judge on, and the class to recognize among all others."""

    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    rare: str

    def thinned(self, kept: int) -> Case:
        """The case with ``kept`` train rows of the class, as if it were rarer."""
        of_class = np.flatnonzero((self.train[self.target] == self.rare).to_numpy())
        left_out = np.random.default_rng(SPLIT_SEED).permutation(of_class)[kept:]
        train = self.train.drop(index=left_out).reset_index(drop=True)
        return Case(train, self.test, self.target, self.rare)

    def counts(self) -> dict[str, int]:
        """Rows, and rows of the class."""
        parts = {"train": self.train, "test": self.test}
        return {f"{name}_rows": len(part) for name, part in parts.items()} | {
            f"{name}_rare": int((part[self.target] == self.rare).sum())
            for name, part in parts.items()
        }


def adult() -> Case:
    """High incomes, in the split the table was published in."""
    table = load("adult")
    return Case(table.train, table.test, table.target, ">50K")


def attacks(rare: str, remote: bool = False) -> Case:
    """One kind of attack; half of the rows are held out, a tenth would hold too few of it."""
    table = load("nsl_kdd")
    rows = pd.concat([table.train, table.test], ignore_index=True)
    if remote:
        rows[table.target] = rows[table.target].where(~rows[table.target].isin(REMOTE), "r2l")
    order = np.random.default_rng(SPLIT_SEED).permutation(len(rows))
    fit, judge = np.array_split(order, 2)
    parts = (rows.iloc[part].reset_index(drop=True) for part in (fit, judge))
    return Case(*parts, table.target, rare)


CASES: dict[str, Callable[[], Case]] = {
    "adult": adult,
    "adult-200": lambda: adult().thinned(200),
    "adult-50": lambda: adult().thinned(50),
    "nsl_kdd-r2l": lambda: attacks("r2l", remote=True),
    "nsl_kdd-r2l-20": lambda: attacks("r2l", remote=True).thinned(20),
    "nsl_kdd-warezclient-20": lambda: attacks("warezclient").thinned(20),
    "nsl_kdd-pod": lambda: attacks("pod"),
}


def main() -> None:
    """Run the cases, and write the gains."""
    wanted = arguments()
    asked = [one(name, seed, wanted) for name in wanted.cases for seed in wanted.seeds]
    runs = [run for run in asked if run]
    described = machine.describe() | {"model": wanted.model}
    print(write(wanted.out, described, runs))


def arguments() -> argparse.Namespace:
    """What was asked on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--model", default="argan")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--time-limit-s", type=float, help="of each fit")
    parser.add_argument("--max-steps", type=int, help="of each fit")
    parser.add_argument("--again", action="store_true", help="repeat what has finished")
    parser.add_argument("--finished-only", action="store_true", help="start no fit")
    parser.add_argument("--out", type=Path, default=RESULTS / "augmentation")
    return parser.parse_args()


def one(name: str, seed: int, wanted: argparse.Namespace) -> dict[str, Any]:
    """Scores and gains of one case with one seed, from their file where it is there.

    Empty if they are not and no fit is to be started.
    """
    limits = [f"{wanted.time_limit_s:g}s"] if wanted.time_limit_s else []
    limits += [f"{wanted.max_steps}steps"] if wanted.max_steps else []
    path = FOLDER / ("-".join([name, wanted.model, *limits, f"s{seed}"]) + ".json")
    if path.exists() and not wanted.again:
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept
    if wanted.finished_only:
        return {}
    print(f"{path.stem} ...", flush=True)
    found = run(CASES[name](), seed, wanted)
    FOLDER.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"case": name, "seed": seed, **found}, indent=1))
    return {"case": name, "seed": seed, **found}


def run(case: Case, seed: int, wanted: argparse.Namespace) -> dict[str, Any]:
    """Fit, draw rows of the class, and train the classifiers."""
    model = SynthGen(
        model=wanted.model,
        seed=seed,
        time_limit_s=wanted.time_limit_s,
        max_steps=wanted.max_steps,
        device="cpu",
        progress=False,
    )
    fitted, fit = measured(lambda: model.fit(case.train))
    found = augmentation_gain(
        case.train,
        case.test,
        case.target,
        lambda n: fitted.sample(n, where={case.target: case.rare}, seed=seed),
        rare=case.rare,
        seed=seed,
    )
    return {
        "commit": machine.commit(),
        "rare": case.rare,
        **case.counts(),
        "added": found.n_added,
        "fit_s": fit.wall_s,
        "scores": _plain(found.scores),
        "gains": _plain(found.gains),
    }


def _plain(results: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        arm: {measure: result.to_dict() for measure, result in row.items()}
        for arm, row in results.items()
    }


def write(target: Path, described: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """Write ``target.json`` and ``target.md``; returns the Markdown."""
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": described, "runs": runs}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    text = markdown(described, runs)
    target.with_suffix(".md").write_text(text)
    return text


def markdown(described: dict[str, Any], runs: list[dict[str, Any]]) -> str:
    """One table for each case: what was trained on, and the scores with their gains."""
    parts = [
        "# Augmentation gain\n",
        machine.line(described) + f"Model {described['model']}.\n",
        _LEGEND,
    ]
    for name in dict.fromkeys(run["case"] for run in runs):
        here = [run for run in runs if run["case"] == name]
        facts = here[0]
        parts += [
            f"\n## {name}\n",
            f"{facts['train_rare']:,} of {facts['train_rows']:,} train rows and "
            f"{facts['test_rare']:,} of {facts['test_rows']:,} test rows are `{facts['rare']}`; "
            f"{facts['added']:,} rows of it are added; seeds: {len(here)}.\n",
            "| trained on | " + " | ".join(TITLES[measure] for measure in MEASURES) + " |",
            "|---|" + "---|" * len(MEASURES),
        ]
        parts += [_row(arm, here) for arm in ARMS]
    return "\n".join(parts) + "\n"


def _row(arm: str, runs: list[dict[str, Any]]) -> str:
    return f"| {LABELS[arm]} | " + " | ".join(_cell(arm, m, runs) for m in MEASURES) + " |"


def _cell(arm: str, measure: str, runs: list[dict[str, Any]]) -> str:
    """Mean score and gain over seeds; the interval holds those of all seeds."""
    scores = [run["scores"][arm][measure]["value"] for run in runs]
    if None in scores:
        return "-"
    text = f"{mean(scores):.3f}"
    if arm == "none":
        return text
    gains = [run["gains"][arm][measure] for run in runs]
    low, high = min(g["ci"][0] for g in gains), max(g["ci"][1] for g in gains)
    shown = f"{text} ({mean(g['value'] for g in gains):+.3f}, {low:+.3f} to {high:+.3f})"
    return f"**{shown}**" if low > 0 else shown


TITLES = {"pr_auc": "average precision", "auc": "AUC", "recall": "recall", "f1": "F1"}
LABELS = {
    "none": "real rows",
    "weights": "real rows, classes weighted",
    "smote": "real rows + SMOTE",
    "synthetic": "real rows + SynthGen",
}
_LEGEND = """Boosted trees learn the class against all others, from real rows plus rows of the class
until both are equally frequent, and are judged on real test rows. In brackets: the gain over the
real rows alone, and its 95 % interval (paired bootstrap of the test rows; the widest over the
seeds). Bold: better than the real rows alone for every seed. Recall and F1 at a probability of 1/2.
A number at the end of a case's name: so many train rows of the class were kept."""


if __name__ == "__main__":
    main()
