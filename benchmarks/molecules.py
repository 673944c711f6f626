"""Molecules: FCD and its fellows on QM9 and ZINC250k, with the critic and without it.

python benchmarks/molecules.py --sets qm9 --time-limit-s 3600

Rows of the table: train molecules (the floor), two trivial generators that any model has to beat,
the classical MolGAN, whose draws are judged as they come, and ours in three arms: trained by
likelihood alone for as long, with the adversarial stage but sampled without the critic, and as it
is. A fit or a score that has finished is not repeated, and a fit that was cut off goes on from its
checkpoint; the seconds in its record are then those of the last process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import pandas as pd
import torch

from harness import machine
from harness.data import SPLIT_SEED
from harness.places import RESULTS, WORK, data_folder
from peers.measured import measured
from synthgen import MolGen
from synthgen.chemistry import canonical
from synthgen.evaluation.molecules.judge import MOST, WAYS, Molecules, judge
from synthgen.seeds import Streams

FOLDER = WORK / "molecules"
LABELS = {
    "train": "train molecules",
    "add-carbon": "train molecules with a carbon more",
    "perturbed": "train molecules with one atom exchanged",
    "molgan": "MolGAN, raw draws",
    "likelihood": "SynthGen, likelihood alone for the whole time",
    "adversarial": "SynthGen, critic at sampling switched off",
    "full": "**SynthGen**",
}
_LIKELIHOOD = {"adversary": "none", "critic": "none"}
# the fit that an arm is drawn from: its name, model and options
ARMS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "molgan": ("molgan", "molgan", {}),
    "likelihood": ("likelihood", "graphgan", _LIKELIHOOD),
    "adversarial": ("graphgan", "graphgan", {}),
    "full": ("graphgan", "graphgan", {}),
}


def main() -> None:
    """Fit, sample and score; write the table after each set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", nargs="+", default=["qm9", "zinc"], choices=sorted(SETS))
    parser.add_argument("--arms", nargs="+", default=list(ARMS), choices=list(ARMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--time-limit-s", type=float, default=3600, help="of each fit")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "molecules", help="without ending")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for name in wanted.sets:
        train, test = SETS[name]()
        scored = Scored(name, train, test)
        found += [scored.row("train", None, lambda t=train: some(t))]
        found += [scored.row("add-carbon", None, lambda t=train: add_carbon(t))]
        found += [scored.row("perturbed", None, lambda t=train: perturbed(t))]
        for seed in wanted.seeds:
            for arm in wanted.arms:
                model, record = fitted(name, train, seed, wanted, arm)
                rows = scored.row(f"{arm}", seed, lambda m=model, a=arm: drawn(m(), a), wanted)
                limit = {"limit_s": wanted.time_limit_s, "threads": wanted.threads}
                found.append(rows | limit | {"record": record})
            write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())


def qm9() -> tuple[list[str], list[str]]:
    """The first tenth of the permuted rows to the test part."""
    rows = pd.read_csv(data_folder() / "molecules" / "qm9.csv")["smiles"]
    rows = rows.iloc[np.random.default_rng(SPLIT_SEED).permutation(len(rows))]
    n = len(rows) // 10
    return rows.iloc[n:].tolist(), rows.iloc[:n].tolist()


def zinc() -> tuple[list[str], list[str]]:
    """The published split; its test and validation rows are the test part."""
    rows = pd.read_csv(data_folder() / "molecules" / "zinc250k.csv.gz")
    is_test = rows["jtvae_split"].isin(["test", "valid"])
    smiles = rows["smiles"].str.strip()
    return smiles[~is_test].tolist(), smiles[is_test].tolist()


SETS: dict[str, Callable[[], tuple[list[str], list[str]]]] = {"qm9": qm9, "zinc": zinc}


def fitted(
    name: str, train: list[str], seed: int, wanted: argparse.Namespace, arm: str
) -> tuple[Callable[[], MolGen], dict[str, Any]]:
    """A way to load the model, and the record of its fit; fitted where it is not there yet."""
    told, kind, options = ARMS[arm]
    stem = f"{name}-{told}-{wanted.time_limit_s:g}s-{wanted.threads}t-s{seed}"
    path, record = FOLDER / f"{stem}.synthgen", FOLDER / f"{stem}.json"
    if not record.exists():
        checkpoints = FOLDER / stem
        model = MolGen(
            kind,
            time_limit_s=wanted.time_limit_s,
            seed=seed,
            device="cpu",
            progress=True,
            model_options=options,
            checkpoint_dir=checkpoints,
            resume=True,
        )
        done, took = measured(lambda: model.fit(train))
        done.save(path)
        facts = {k: v for k, v in done.training_.items() if k != "history"}
        facts |= {"fit_s": took.wall_s, "fit_cpu_s": took.cpu_s, "fit_peak_mb": took.peak_mb}
        facts |= {"stages_s": done.timings_, "commit": machine.commit()}
        record.write_text(json.dumps(facts, indent=1))
        shutil.rmtree(checkpoints)
    return lambda: MolGen.load(path), json.loads(record.read_text())


def drawn(model: MolGen, arm: str) -> list[str | None]:
    """Raw draws, as many as are looked at; ``None`` where one is not valid."""
    if arm == "molgan":
        return model.generator_.raw(MOST, Streams(1))
    if arm == "adversarial":
        model.generator_.critic = None
    return list(model.sample(MOST, seed=1)["smiles"])


class Scored:
    """Scores of rows against the test molecules of one set, kept in files."""

    def __init__(self, name: str, train: list[str], test: list[str]) -> None:
        self.name, self.train, self.test = name, train, test
        self.sets: tuple[Molecules, Molecules] | None = None

    def row(
        self,
        kind: str,
        seed: int | None,
        make: Callable[[], Sequence[str | None]],
        wanted: argparse.Namespace | None = None,
    ) -> dict[str, Any]:
        """Scores of what ``make`` gives, with the seconds it took."""
        told = "" if wanted is None else f"-{wanted.time_limit_s:g}s-{wanted.threads}t-s{seed}"
        path = FOLDER / f"{self.name}-{kind}{told}-scores.json"
        if not path.exists():
            started = time.perf_counter()
            smiles = make()
            seconds = time.perf_counter() - started
            jobs = os.cpu_count() or 1
            if self.sets is None:
                known, goal = (Molecules.of(part, jobs=jobs) for part in (self.train, self.test))
                self.sets = known, goal
            scores = judge(self.sets[0], Molecules.of(smiles, jobs=jobs), self.sets[1])
            row = {"set": self.name, "kind": kind, "seed": seed, "seconds": seconds}
            row |= {"scores": {k: v.to_dict() for k, v in scores.items()}}
            path.write_text(json.dumps(row, indent=1))
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def some(smiles: list[str]) -> list[str]:
    """As many as are looked at."""
    order = np.random.default_rng(SPLIT_SEED).permutation(len(smiles))[:MOST]
    return [smiles[i] for i in order]


def add_carbon(train: list[str]) -> list[str]:
    """A carbon put into the SMILES where the result is valid and new (Renz et al., 2019)."""
    rng, known = np.random.default_rng(SPLIT_SEED), set(train)
    return [_changed(text, rng, known, lambda s, at: s[:at] + "C" + s[at:]) for text in some(train)]


def perturbed(train: list[str]) -> list[str]:
    """One letter of the SMILES exchanged where the result is valid and new."""
    rng, known = np.random.default_rng(SPLIT_SEED), set(train)

    def exchanged(text: str, at: int) -> str:
        return text[:at] + str(rng.choice(list("CNO"))) + text[at + 1 :]

    return [_changed(text, rng, known, exchanged) for text in some(train)]


def _changed(
    text: str, rng: np.random.Generator, known: set[str], change: Callable[[str, int], str]
) -> str:
    for at in rng.permutation(len(text)):
        new = canonical(change(text, int(at)))
        if new and new not in known and new != canonical(text):
            return new
    return text


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``; rows of other sets, limits and seeds stay in them."""
    path, described = target.with_suffix(".json"), machine.describe()
    before = json.loads(path.read_text())["rows"] if path.exists() else []
    rows = list({_key(row): row for row in [*before, *found]}.values())
    path.write_text(json.dumps({"machine": described, "rows": rows}, indent=1) + "\n")
    lines = ["# Molecules\n", machine.line(described), _LEGEND]
    fitted = [row for row in rows if "record" in row]
    for name, limit in sorted({(row["set"], _limit(row)) for row in fitted}):
        several = [row for row in fitted if (row["set"], _limit(row)) == (name, limit)]
        commits = ", ".join(sorted({row["record"]["commit"] for row in several}))
        threads = sorted({row.get("threads", 2) for row in several})
        on = " and ".join(f"{n} thread{'s' * (n > 1)}" for n in threads)
        lines.append(f"\n## {name}, fits of {limit / 60:g} minutes on {on}, commit {commits}\n")
        lines += ["| | seeds | " + " | ".join(WAYS) + " | fit s | per s |"]
        lines.append("|---|--:|" + "--:|" * (len(WAYS) + 2))
        trivial = [row for row in rows if row["set"] == name and "record" not in row]
        for kind, label in LABELS.items():
            of_kind = [row for row in trivial + several if row["kind"] == kind]
            if of_kind:
                lines.append(_line(label, of_kind))
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("set", "kind", "seed", "limit_s", "threads"))


def _limit(row: dict[str, Any]) -> float:
    return float(row["limit_s"])


def _line(label: str, rows: list[dict[str, Any]]) -> str:
    figures = [_figure([row["scores"][name]["value"] for row in rows]) for name in WAYS]
    ours = all("record" in row for row in rows)
    fit = f"{mean(row['record']['fit_s'] for row in rows):.0f}" if ours else ""
    rate = f"{mean(MOST / row['seconds'] for row in rows):.0f}" if ours else ""
    seeds = str(len(rows)) if ours else ""
    return f"| {label} | {seeds} | {' | '.join(figures)} | {fit} | {rate} |"


def _figure(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "-"
    return f"{mean(known):.4g}" + (f" ± {stdev(known):.2g}" if len(known) > 1 else "")


_LEGEND = f"""{MOST:,} raw draws against as many molecules of the test part; docs/molecules.md says
what the measures are; only MolGAN's can be invalid, and of those that are the other measures know
nothing. Below the FCD of train molecules nothing can be told. "per s": molecules
drawn a second, with the loading of the model."""


if __name__ == "__main__":
    main()
