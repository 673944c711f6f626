"""kill -9 at random moments of a fit, resumed: the same bytes, and with epsilon the same ledger.

python benchmarks/survival.py [--moments 10] [--rows 1000] [--steps 100] [--models argan]

Each moment is a run of its own on rows of Adult: started, killed a random time after its first
checkpoint (in training, or while the critic learns), and resumed to its end. Exit
code 1 when a model differs from that of the run that nobody killed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import machine
from harness.data import load
from harness.places import RESULTS
from synthgen import Schema
from synthgen.modelfile import read

SEED = 0
# every evaluation is written: the run is short, its checkpoints are as frequent as they can be
EVERY = ["--checkpoint-every", "0.01s"]
PRIVATE = ("dp-ar", "dp-gan")


@dataclass(frozen=True)
class Moment:
    """One run that was killed and resumed."""

    model: str
    killed_at_s: float
    resumed_from_step: int | None
    steps: int
    same: bool


def main() -> None:
    """Kill, resume, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moments", type=int, default=10)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--models", nargs="+", default=["argan", "ctgan", "dp-ar"])
    parser.add_argument("--out", type=Path, default=RESULTS / "survival", help="without an ending")
    wanted = parser.parse_args()
    found: dict[str, Any] = {"machine": machine.describe()}
    found |= {"rows": wanted.rows, "steps": wanted.steps, "moments": []}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "adult.csv"
        load("adult").train.head(wanted.rows).to_csv(data, index=False)
        _schema(data)
        for model in wanted.models:
            for moment in measure(model, data, wanted.moments, wanted.steps):
                found["moments"].append(asdict(moment))
                wanted.out.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
                wanted.out.with_suffix(".md").write_text(markdown(found))
    print(markdown(found))
    sys.exit(not all(moment["same"] for moment in found["moments"]))


def measure(model: str, data: Path, n: int, steps: int) -> Iterator[Moment]:
    """A whole run, and ``n`` that are killed once, between their first checkpoint and their end."""
    whole = data.with_name(f"{model}.synthgen")
    fit(model, data, whole, steps).wait()
    training_s = note(whole)["seconds"]["training"]
    rng, made = np.random.default_rng(SEED), 0
    while made < n:
        output, state = data.with_name("killed.synthgen"), data.with_name("state")
        kept = ["--checkpoint-dir", str(state), *EVERY]
        start = time.monotonic()
        first = fit(model, data, output, steps, *kept)
        while first.poll() is None and not any(state.glob("*.safetensors")):
            time.sleep(0.05)
        try:
            first.wait(float(rng.uniform()) * training_s)
        except subprocess.TimeoutExpired:
            first.kill()
            first.wait()
        killed_at = round(time.monotonic() - start, 1)
        if first.returncode == 0:  # faster than the whole one: nothing was left to kill
            training_s *= 0.8
            continue
        second = fit(model, data, output, steps, *kept, "--resume")
        if second.wait():
            sys.exit(f"{model}: the resumed run ended with {second.returncode}")
        resumed = note(output)["training"]["resumed_from_step"]
        moment = Moment(model, killed_at, resumed, steps, same(model, whole, output))
        print(moment, flush=True)
        made += 1
        yield moment


def note(model: Path) -> dict[str, Any]:
    """The record beside a model."""
    found: dict[str, Any] = json.loads(model.with_name(f"{model.name}.meta.json").read_text())
    return found


def fit(model: str, data: Path, output: Path, steps: int, *more: str) -> subprocess.Popen[bytes]:
    """The command, started."""
    settings = ["--model", model, "--seed", "7", "--max-steps", str(steps)]
    if model in PRIVATE:
        declared = str(data.with_suffix(".json"))
        settings += ["--epsilon", "1", "--delta", "1e-5", "--schema", declared]
    else:
        settings += ["--option", "evaluate_every=10"]
    command = [sys.executable, "-m", "synthgen", "fit", str(data), "-o", str(output), "--quiet"]
    environment = {**os.environ, "SYNTHGEN_CHECKPOINT_KEY": "a key for the benchmark alone"}
    return subprocess.Popen([*command, *settings, *more], env=environment)


def same(model: str, whole: Path, resumed: Path) -> bool:
    """The same bytes; of private fits, whose noise nobody can repeat, the same ledger."""
    if model in PRIVATE:
        return ledger(whole) == ledger(resumed)
    return whole.read_bytes() == resumed.read_bytes()


def ledger(path: Path) -> Any:
    """What was spent, and on what."""
    return read(path).privacy


def markdown(found: dict[str, Any]) -> str:
    """The table."""
    lines = [
        "# Survival",
        "",
        f"{machine.line(found['machine'])}Adult, {found['rows']:,} rows, at most "
        f"{found['steps']:,} steps; each line is a run that was killed with signal 9 and resumed.",
        "",
        "| model | killed after s | resumed from step | the same |",
        "|---|---|---|---|",
    ]
    for moment in found["moments"]:
        what = "ledger" if moment["model"] in PRIVATE else "bytes"
        step = moment["resumed_from_step"]
        lines.append(
            f"| {moment['model']} | {moment['killed_at_s']:.1f} | "
            f"{'the beginning' if step is None else step} | "
            f"{what if moment['same'] else 'NO'} |"
        )
    return "\n".join([*lines, ""])


def _schema(data: Path) -> None:
    """What a private fit needs: a schema, declared public."""
    data.with_suffix(".json").write_text(json.dumps(Schema.infer(pd.read_csv(data)).to_dict()))


if __name__ == "__main__":
    main()
