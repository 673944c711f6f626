"""Workers of Ray: training steps a second with one and with two, and what comes out of them.

python benchmarks/scaling.py [--tables adult beijing] [--seeds 0 1 2] [--steps 1000]

A rate is that between a short and a long fit, so that neither reading nor the start of a cluster
counts; every worker has one thread. The rows of both are scored beside those of a fit in one
process with as many steps. What has finished is not repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import mean, stdev
from typing import Any

import torch

from harness import machine
from harness.data import TABLES, Table, load
from harness.places import RESULTS, WORK
from harness.score import score
from synthgen import SynthGen

FOLDER = WORK / "scaling"
SHORT = 40
WORKERS = {"local": 0, "one worker": 1, "two workers": 2}
SHOWN = ("xgb_c2st", "xgb_c2st_train_at_holdout_n", "xgb_c2st_holdout")


def main() -> None:
    """Fit with each number of workers, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=["adult", "beijing"], choices=sorted(TABLES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=1000)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in wanted.tables:
        table = load(name)
        rows += [speed(table, arm, wanted.steps) for arm in list(WORKERS)[1:]]
        rows += [
            quality(table, arm, seed, wanted.steps) for seed in wanted.seeds for arm in WORKERS
        ]
    write(rows)
    print((RESULTS / "scaling.md").read_text())


def speed(table: Table, arm: str, steps: int) -> dict[str, Any]:
    """Seconds of a training step; nothing is evaluated."""

    def measure() -> dict[str, Any]:
        took = []
        for n in (SHORT, SHORT, steps):  # the first one starts the cluster
            started = time.perf_counter()
            _fitted(table, arm, 0, n, {"critic": "none", "evaluate_every": steps})
            took.append(time.perf_counter() - started)
        return {"seconds_a_step": (took[2] - took[1]) / (steps - SHORT)}

    return _kept({"table": table.name, "arm": arm, "steps": steps, "what": "speed"}, measure)


def quality(table: Table, arm: str, seed: int, steps: int) -> dict[str, Any]:
    """Scores of as many rows as the table has."""

    def measure() -> dict[str, Any]:
        rows = _fitted(table, arm, seed, steps, {}).sample(len(table.train), seed=1)
        found = score(table, rows)
        return {name: found[name]["value"] for name in SHOWN}

    about = {"table": table.name, "arm": arm, "steps": steps, "what": "quality", "seed": seed}
    return _kept(about, measure)


def _fitted(table: Table, arm: str, seed: int, steps: int, options: dict[str, Any]) -> SynthGen:
    how: dict[str, Any] = {}
    if WORKERS[arm]:
        how = {"engine": "ray", "workers": WORKERS[arm]}
    synth = SynthGen(
        max_steps=steps, seed=seed, device="cpu", progress=False, model_options=options, **how
    )
    fitted: SynthGen = synth.fit(table.train)
    return fitted


def _kept(about: dict[str, Any], measure: Any) -> dict[str, Any]:
    path = FOLDER / ("-".join(str(value).replace(" ", "-") for value in about.values()) + ".json")
    if not path.exists():
        found = {**about, **measure(), "commit": machine.commit()}
        path.write_text(json.dumps(found, indent=1))
    held: dict[str, Any] = json.loads(path.read_text())
    return held


def write(rows: list[dict[str, Any]]) -> None:
    """``scaling.json`` and ``scaling.md``."""
    described = machine.describe()
    document = {"machine": described, "rows": rows}
    (RESULTS / "scaling.json").write_text(json.dumps(document, indent=1) + "\n")
    lines = ["# Workers of Ray\n", machine.line(described), _LEGEND]
    lines += ["| table | | seconds a step | of one worker's rate | seeds | " + " | ".join(SHOWN)]
    lines[-1] += " |"
    lines.append("|---|---|--:|--:|--:|" + "--:|" * len(SHOWN))
    for name in dict.fromkeys(row["table"] for row in rows):
        of = [row for row in rows if row["table"] == name]
        took = {row["arm"]: row["seconds_a_step"] for row in of if row["what"] == "speed"}
        for arm in WORKERS:
            scored = [row for row in of if row["what"] == "quality" and row["arm"] == arm]
            figures = [_figure([row[measure] for row in scored]) for measure in SHOWN]
            rate = f"{took[arm]:.3f} | {took['one worker'] / took[arm]:.2f}" if arm in took else "|"
            lines.append(f"| {name} | {arm} | {rate} | {len(scored)} | {' | '.join(figures)} |")
    (RESULTS / "scaling.md").write_text("\n".join(lines) + "\n")


def _figure(values: list[float]) -> str:
    if not values:
        return "-"
    spread = f" ± {stdev(values):.3f}" if len(values) > 1 else ""
    return f"{mean(values):.3f}{spread}"


_LEGEND = """
Workers of one thread each on one machine; "local" is a fit in one process of one thread. Fits of
equally many steps, their rows scored against train and test rows; mean and standard deviation over
seeds.
"""


if __name__ == "__main__":
    main()
