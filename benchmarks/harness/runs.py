"""One run: a model fitted and sampled in a process of its own, kept as JSON and CSV.

A run ``NAME`` is three files in its folder: ``NAME-job.json`` (what was asked), ``NAME-syn.csv``
(the rows) and ``NAME.json`` (times and memory, written last). A run whose record exists is not
repeated. A process of its own makes the peak memory that of the run alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.data import Table
from harness.places import BENCHMARKS, ENVIRONMENTS, PEERS, WORK

# The peer's default is 300 epochs: over an hour on Adult with two cores.
PEER_EPOCHS = {"adult": 300}
OTHER_EPOCHS = 60


@dataclass(frozen=True)
class Run:
    """A model on a table with a seed."""

    table: str
    model: str
    seed: int
    threads: int
    time_limit_s: float | None = None
    max_steps: int | None = None

    @property
    def is_peer(self) -> bool:
        """Whether the model is another project's."""
        return self.model.startswith("peer:")

    @property
    def epochs(self) -> int:
        """Passes over the rows that a peer trains for."""
        return PEER_EPOCHS.get(self.table, OTHER_EPOCHS)

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        return WORK / ("peer" if self.is_peer else "synthgen")

    @property
    def name(self) -> str:
        """Name of the run's files."""
        if self.is_peer:
            parts = [self.table, f"{self.epochs}e", f"{self.threads}t"]
            return "-".join(parts + [f"s{self.seed}"] * bool(self.seed))
        limits = [f"{self.time_limit_s:g}s"] if self.time_limit_s else []
        limits += [f"{self.max_steps}steps"] if self.max_steps else []
        model = self.model.replace(":", "-").replace(",", "-").replace("=", "_")
        return "-".join([self.table, model, f"{self.threads}t", *limits, f"s{self.seed}"])

    @property
    def options(self) -> dict[str, Any]:
        """Options of our model: those of "ctgan:loss=hinge,pac=4"."""
        _, _, text = self.model.partition(":")
        pairs = [] if self.is_peer or not text else [part.split("=") for part in text.split(",")]
        return {name: _plain(value) for name, value in pairs}

    def file(self, ending: str) -> Path:
        """The run's file with this ending."""
        return self.folder / f"{self.name}{ending}"

    @property
    def record(self) -> dict[str, Any] | None:
        """What the run recorded; ``None`` before it has finished."""
        path = self.file(".json")
        if not path.exists() or not self.file("-syn.csv").exists():
            return None
        record: dict[str, Any] = json.loads(path.read_text())
        return record


def _plain(text: str) -> Any:
    """A number, true or false, or the text itself."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text


def execute(run: Run, table: Table, *, again: bool = False) -> dict[str, Any]:
    """Run it, unless its record is there already; returns the record.

    With ``again`` a run of ours is repeated; a peer's never is.
    """
    if (found := run.record) is not None and (run.is_peer or not again):
        return found
    run.folder.mkdir(parents=True, exist_ok=True)
    run.file(".json").unlink(missing_ok=True)
    train = _train_file(run, table)
    job = {
        "train": str(train),
        "discrete_columns": table.discrete,
        "times": [str(c) for c in table.train.select_dtypes("datetime")],
        "n": len(table.train),
        "seed": run.seed,
        "threads": run.threads,
        "epochs": run.epochs,
        "model": run.model if run.is_peer else run.model.partition(":")[0],
        "options": run.options,
        "time_limit_s": run.time_limit_s,
        "max_steps": run.max_steps,
        "synthetic": str(run.file("-syn.csv")),
        "record": str(run.file(".json")),
    }
    run.file("-job.json").write_text(json.dumps(job, indent=1))
    if run.is_peer:
        peer = run.model.removeprefix("peer:")
        python, script = environment(peer), PEERS / f"{peer}_peer.py"
    else:
        python, script = Path(sys.executable), BENCHMARKS / "run_synthgen.py"
    with run.file(".log").open("w") as log:
        done = subprocess.run([python, script, run.file("-job.json")], stdout=log, stderr=log)
    if done.returncode or run.record is None:
        raise SystemExit(f"{run.name} failed with {done.returncode}; see {run.file('.log')}")
    return run.record


def _train_file(run: Run, table: Table) -> Path:
    """The train rows as CSV, the same for all runs of the folder."""
    path, text = run.folder / f"{run.table}.csv", table.train.to_csv(index=False)
    if path.exists() and path.read_text() != text:
        raise SystemExit(f"{path} holds other rows than the split gives now; remove the folder")
    path.write_text(text)
    return path


def environment(name: str) -> Path:
    """The interpreter of a peer's own environment, made on first use."""
    home = ENVIRONMENTS / name
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        wanted = PEERS / f"{name}-requirements.txt"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
    return python
