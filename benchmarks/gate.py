"""The gate on releases that must fail it, and on releases that must pass.

python benchmarks/gate.py --threads 1

On Adult, with fnlwgt (nearly unique) and without. Must fail every shipped policy: the train table
itself; train rows with 60 % of their cells exchanged for those of other rows, each column on its
own (70 and 80 % too where a column is nearly unique); the holdout with 1 % exact copies of train
rows; a model that memorized its rows; a copy of the train table beside a genuine model of epsilon
1. Must pass: a real holdout under partner-sharing; a model of epsilon 1 and its sample under
open-release. The policies were set before any of them was run. A table whose test part is small is
halved instead. What has finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from harness import machine
from harness.data import SPLIT_SEED, TABLES, load
from harness.places import RESULTS, WORK
from synthgen import PrivacyReport, Schema, SynthGen, evaluate_privacy
from synthgen.cli.reproduce import check_lineage
from synthgen.cli.sample import write_sample
from synthgen.connectors import find
from synthgen.evaluation.privacy.power import exchanged
from synthgen.reports.policy import checks, shipped
from synthgen.reports.policy import load as load_policy

FOLDER = WORK / "gate"
DELTA, MEMORIZED, REPEATED = 1e-5, 2_000, 20
LEAST_TEST_SHARE = 0.3


@dataclass(frozen=True)
class Case:
    """A release, and the policies that it must pass; it must fail the others named."""

    name: str
    train: pd.DataFrame
    holdout: pd.DataFrame
    make: Callable[[Path], pd.DataFrame | None]
    policies: tuple[str, ...]
    passes: bool
    model: Path | None = None


def main() -> None:
    """Make each release, judge it, write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["adult"], choices=TABLES)
    parser.add_argument("--without", nargs="*", default=["fnlwgt"], help="columns to leave out too")
    parser.add_argument("--only", nargs="*", default=[], help="names of cases")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=RESULTS / "gate", help="without ending")
    wanted = parser.parse_args()
    torch.set_num_threads(wanted.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    found: list[dict[str, Any]] = []
    for table in wanted.tables:
        for dropped in ([], wanted.without):
            if dropped and not set(dropped) <= set(load(table).train.columns):
                continue
            label = f"{table}-without-{'-'.join(dropped)}" if dropped else table
            for case in cases(table, label, dropped):
                if wanted.only and case.name not in wanted.only:
                    continue
                found += judged(label, case)
                write(wanted.out, found)
    print(wanted.out.with_suffix(".md").read_text())
    if not all(run["as_it_must"] for run in found):
        sys.exit(1)


def cases(table: str, label: str, dropped: list[str]) -> Iterator[Case]:
    """Releases of one table."""
    train, test = (part.drop(columns=dropped) for part in parts(table))
    half = len(test) // 2
    every = tuple(shipped())
    yield Case("train", train, test, lambda _: train, every, False)
    shares = (0.6,) if dropped else (0.6, 0.7, 0.8)
    for share in shares:
        yield Case(
            f"exchanged-{100 * share:.0f}pct", train, test,
            lambda _, share=share: exchanged(train, share, 5), every, False,
        )  # fmt: skip
    yield Case(
        "copies-1pct", train, test.iloc[half:],
        lambda _: with_copies(test.iloc[:half], train), every, False,
    )  # fmt: skip
    few = train.sample(MEMORIZED, random_state=0).reset_index(drop=True)
    known = FOLDER / f"{label}-memorized.synthgen"
    yield Case("memorized", few, test, lambda _: memorized(few, known), every, False, known)
    private = FOLDER / f"{label}-private.synthgen"
    yield Case(
        "copy-beside-private-model", train, test,
        lambda _: beside_private_model(train, private), every, False, private,
    )  # fmt: skip
    yield Case(
        "holdout", train, test.iloc[half:], lambda _: test.iloc[:half], ("partner-sharing",), True
    )
    yield Case(
        "private", train, test, lambda stem: private_sample(train, private, stem),
        ("open-release",), True, private,
    )  # fmt: skip


def parts(table: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and test rows; of a table with few test rows, halves: few attacks prove nothing."""
    data = load(table)
    if len(data.test) >= LEAST_TEST_SHARE * len(data.train):
        return data.train, data.test
    rows = pd.concat([data.train, data.test], ignore_index=True)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(rows))
    half = len(rows) // 2
    train, test = (rows.iloc[part].reset_index(drop=True) for part in (order[half:], order[:half]))
    return train, test


def with_copies(rows: pd.DataFrame, train: pd.DataFrame) -> pd.DataFrame:
    """Honest rows, a hundredth of the train table among them."""
    copied = train.sample(len(train) // 100, random_state=3)
    return pd.concat([rows, copied]).sample(frac=1, random_state=4).reset_index(drop=True)


def memorized(rows: pd.DataFrame, path: Path) -> pd.DataFrame:
    """Rows of a model for which what is held out is what it learned: each row stands often."""
    often = pd.concat([rows] * REPEATED, ignore_index=True)
    options = {"dropout": 0.0, "late_dropout": 0.0, "critic": "none"}
    synth = SynthGen(model="argan", seed=0, time_limit_s=600, model_options=options, progress=False)
    synth.fit(often).save(path)
    return synth.sample(len(rows), seed=0)


def private_model(train: pd.DataFrame, path: Path) -> None:
    """A model of epsilon 1, unless it is there."""
    if not path.exists():
        synth = SynthGen(epsilon=1.0, delta=DELTA, seed=0, progress=False)
        synth.fit(train, schema=Schema.infer(train)).save(path)


def beside_private_model(train: pd.DataFrame, path: Path) -> pd.DataFrame:
    """The train table, handed in with that model."""
    private_model(train, path)
    return train


def private_sample(train: pd.DataFrame, model: Path, stem: Path) -> None:
    """Rows of that model, written by the command, which leaves the record of how."""
    private_model(train, model)
    out = stem.with_suffix(".csv")
    write_sample(SynthGen.load(model), str(model), str(out), rows=len(train), seed=1)


def judged(label: str, case: Case) -> list[dict[str, Any]]:
    """Verdicts of a release under each of its policies, as the command comes to them."""
    stem = FOLDER / f"{label}-{case.name}"
    path = stem.with_suffix(".json")
    if not path.exists():
        rows, released = case.make(stem), stem.with_suffix(".csv")
        if rows is not None:
            rows.to_csv(released, index=False)
        started = time.perf_counter()
        model = None if case.model is None else SynthGen.load(case.model)
        tables = [find(str(released)).read(str(released)), case.train, case.holdout]
        report = evaluate_privacy(tables[1], tables[0], holdout=tables[2], model=model)
        if model is not None:
            check_lineage(report, str(released), str(case.model), model)
        seconds = time.perf_counter() - started
        runs = [verdict(report, policy, case, seconds) for policy in case.policies]
        runs = [{"table": label, "case": case.name, **run} for run in runs]
        path.write_text(json.dumps(runs, indent=1))
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def verdict(report: PrivacyReport, policy: str, case: Case, seconds: float) -> dict[str, Any]:
    """What a policy says of one release."""
    found = checks(load_policy(policy)[0], report.risks, report.contents["claim"])
    passed = all(check["passed"] for check in found)
    return {
        "policy": policy,
        "passed": passed,
        "must_pass": case.passes,
        "as_it_must": passed == case.passes,
        "failed": [check["requirement"] for check in found if not check["passed"]],
        "risks": {name: risk.value for name, risk in report.risks.items()},
        "uppers": {check["requirement"]: check["upper"] for check in found},
        "seconds": seconds,
        "threads": torch.get_num_threads(),
        "commit": machine.commit(),
    }


def write(target: Path, found: list[dict[str, Any]]) -> None:
    """``target.json`` and ``target.md``."""
    described = machine.describe()
    document = {"machine": described, "runs": found}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    lines = [
        "# The gate\n",
        machine.line(described),
        "\nReleases that must fail every shipped policy, and releases that must pass one. Where a "
        "model is handed in: how well its likelihood tells train rows from holdout rows. Seconds: "
        "all attacks, and the evidence pack.\n",
        "| table | release | policy | must | does | fails by | model's likelihood, AUC | s |",
        "|---|---|---|---|---|---|--:|--:|",
    ]
    for run in found:
        must, does = ("pass" if run[key] else "fail" for key in ("must_pass", "passed"))
        told = run["risks"].get("membership_model_auc")
        mark = does if run["as_it_must"] else f"**{does}**"
        lines.append(
            f"| {run['table']} | {run['case']} | {run['policy']} | {must} | {mark} "
            f"| {', '.join(run['failed'])} | {'' if told is None else f'{told:.3f}'} "
            f"| {run['seconds']:.0f} |"
        )
    target.with_suffix(".md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
