"""One run: a model fitted and sampled in a process of its own, kept as JSON and CSV.

A run ``NAME`` is files in its folder: ``NAME-job.json`` (what was asked), ``NAME-syn.csv`` (the
rows), ``NAME.synthgen`` (a model of ours) and ``NAME.json`` (times and memory, written last). A run
whose record exists is not repeated; one that failed or was stopped leaves ``NAME-failed.json``
instead. A process of its own makes the peak memory that of the run alone.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness import machine, process
from harness.baselines import independent
from harness.data import SPLIT_SEED, Table
from harness.environments import environment
from harness.peers import PEERS, Peer
from harness.places import BENCHMARKS, WORK
from harness.places import PEERS as SCRIPTS

# No run may take longer.
LIMIT_S = 7200.0

__all__ = ["LIMIT_S", "Run", "RunFailed", "environment", "execute"]


class RunFailed(SystemExit):
    """A run that gave no rows; the text says why."""


@dataclass(frozen=True)
class Run:
    """A model on a table with a seed.

    ``model`` is a model of ours, ``peer:NAME`` or ``baseline:independent``; options follow its
    name: ``ctgan:loss=hinge,pac=4``, ``peer:sdv-tvae:epochs=100``.
    """

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
    def is_baseline(self) -> bool:
        """Whether the rows come from no model."""
        return self.model.startswith("baseline:")

    @property
    def peer(self) -> Peer:
        """What runs a peer."""
        name = self.model.split(":")[1]
        if name not in PEERS:
            raise SystemExit(f"no peer {name!r}; there are {', '.join(PEERS)}")
        return PEERS[name]

    @property
    def epochs(self) -> int:
        """Passes over the rows that a peer trains for; 0: it ends by itself."""
        return int(self.options.get("epochs", self.peer.epochs_on(self.table)))

    @property
    def folder(self) -> Path:
        """Where the run's files are."""
        kind = "peer" if self.is_peer else "baseline" if self.is_baseline else "synthgen"
        return WORK / kind

    @property
    def name(self) -> str:
        """Name of the run's files."""
        if self.is_baseline:
            return "-".join([self.table, self.model.partition(":")[2], f"s{self.seed}"])
        if self.is_peer:
            # The first peer's runs bear no name of their own.
            name = self.model.split(":")[1]
            parts = [self.table, *([name] if name != "ctgan" else [])]
            parts += [f"{self.epochs}e"] * bool(self.epochs) + [f"{self.threads}t"]
            return "-".join(parts + [f"s{self.seed}"] * bool(self.seed))
        limits = [f"{self.time_limit_s:g}s"] if self.time_limit_s else []
        limits += [f"{self.max_steps}steps"] if self.max_steps else []
        model = self.model.replace(":", "-").replace(",", "-").replace("=", "_")
        return "-".join([self.table, model, f"{self.threads}t", *limits, f"s{self.seed}"])

    @property
    def options(self) -> dict[str, Any]:
        """Options after the model's name: those of "ctgan:loss=hinge,pac=4"."""
        parts = self.model.split(":", 2) if self.is_peer else self.model.split(":", 1)
        text = parts[-1] if len(parts) == 2 + self.is_peer else ""
        if self.is_baseline or not text:
            return {}
        pairs = [part.split("=") for part in text.split(",")]
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

    def or_earlier(self) -> Run:
        """This run, or one of the same peer with another number of threads that has finished."""
        if not self.is_peer or self.record is not None:
            return self
        others = (replace(self, threads=threads) for threads in range(1, 65))
        return next((run for run in others if run.record is not None), self)

    @property
    def failure(self) -> str | None:
        """Why the run gave no rows; ``None`` if it did, or was never made."""
        path = self.file("-failed.json")
        return str(json.loads(path.read_text())["reason"]) if path.exists() else None


def _plain(text: str) -> Any:
    """A number, true or false, or the text itself."""
    try:
        return json.loads(text.lower())
    except ValueError:
        return text


def execute(
    run: Run, table: Table, *, again: bool = False, retry: bool = False, limit_s: float = LIMIT_S
) -> dict[str, Any]:
    """Run it, unless its record is there already; returns the record.

    Args:
        run: What to run.
        table: The table of the run.
        again: Repeat a run of ours that has finished; a peer's never is.
        retry: Repeat a run that failed.
        limit_s: End the run after so long; it has then failed.

    Raises:
        RunFailed: If it gives no rows, now or when it was run before.
    """
    repeat = again and not run.is_peer
    if (found := run.record) is not None and not repeat:
        return found
    if (reason := run.failure) is not None and not (repeat or retry):
        raise RunFailed(f"{run.name} {reason}; see {run.file('.log')}, or run with --retry")
    run.folder.mkdir(parents=True, exist_ok=True)
    for ending in (".json", "-failed.json"):
        run.file(ending).unlink(missing_ok=True)
    if run.is_baseline:
        return _baseline(run, table)
    run.file("-job.json").write_text(json.dumps(job(run, table), indent=1))
    reason = process.run(
        [*command(run), run.file("-job.json")], run.file(".log"), run.threads, limit_s
    )
    if reason is None and run.record is None:
        reason = "failed: it left no record"
    if reason is not None:
        run.file("-failed.json").write_text(json.dumps({"reason": reason}))
        raise RunFailed(f"{run.name} {reason}; see {run.file('.log')}")
    return _described(run)


def job(run: Run, table: Table) -> dict[str, Any]:
    """What the run's process is told; writes its train rows."""
    return {
        "train": str(_train_file(run, table)),
        "discrete_columns": table.discrete,
        "times": table.times,
        "texts": table.texts,
        "n": len(table.train),
        "seed": run.seed,
        "threads": run.threads,
        "epochs": run.epochs if run.is_peer else 0,
        "algorithm": run.peer.algorithm if run.is_peer else "",
        "model": run.model if run.is_peer else run.model.partition(":")[0],
        "options": run.options,
        "time_limit_s": run.time_limit_s,
        "max_steps": run.max_steps,
        "synthetic": str(run.file("-syn.csv")),
        "fitted": str(run.file(".synthgen")),
        "record": str(run.file(".json")),
    }


def command(run: Run) -> list[str | Path]:
    """Interpreter and script of the run."""
    if run.is_peer:
        return [environment(run.peer.environment), SCRIPTS / run.peer.script]
    return [sys.executable, BENCHMARKS / "run_synthgen.py"]


def _described(run: Run) -> dict[str, Any]:
    """The record, with where it was made; kept."""
    record = (run.record or {}) | {"machine": machine.hardware(), "commit": machine.commit()}
    run.file(".json").write_text(json.dumps(record, indent=1))
    return record


def _baseline(run: Run, table: Table) -> dict[str, Any]:
    """Rows of a baseline, as a run; its making takes no time worth telling."""
    if run.model != "baseline:independent":
        raise SystemExit(f"no baseline {run.model!r}; there is baseline:independent")
    rows = independent(table.train, len(table.train), run.seed)
    rows.to_csv(run.file("-syn.csv"), index=False)
    run.file(".json").write_text(json.dumps({"model": run.model, "rows": len(rows)}))
    return _described(run)


def _train_file(run: Run, table: Table) -> Path:
    """The train rows as CSV, the same for all runs of the folder that are given as many."""
    rows = _given(run, table.train)
    few = "" if len(rows) == len(table.train) else f"-{len(rows)}"
    path, text = run.folder / f"{run.table}{few}.csv", rows.to_csv(index=False)
    if path.exists() and path.read_text() != text:
        raise SystemExit(f"{path} holds other rows than the split gives now; remove the folder")
    path.write_text(text)
    return path


def _given(run: Run, train: pd.DataFrame) -> pd.DataFrame:
    """The train rows a model is given: all, or a sample for a slow peer."""
    most = run.peer.train_rows if run.is_peer else None
    if most is None or len(train) <= most:
        return train
    return train.iloc[np.random.default_rng(SPLIT_SEED).choice(len(train), most, replace=False)]
