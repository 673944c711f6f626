"""Runs and their scores as JSON and as Markdown tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from harness.data import Table
from harness.machine import line as describe_machine
from harness.peers import PEERS

Cell = dict[str, Any]
Getter = Callable[[Cell], float | None]


def _score(name: str) -> Getter:
    return lambda cell: cell["scores"].get(name, {}).get("value")


def _recorded(*names: str) -> Getter:
    """The first of these entries that a record has."""
    return lambda cell: next((cell["record"][n] for n in names if n in cell["record"]), None)


def _rate(cell: Cell) -> float | None:
    record = cell["record"]
    return record["rows"] / record["sample_s"] if record.get("sample_s") else None


# Heading, digits, and where the figure is in a cell.
QUALITY: dict[str, tuple[int, Getter]] = {
    "XGB-C2ST": (3, _score("xgb_c2st")),
    "train, test n": (3, _score("xgb_c2st_train_at_holdout_n")),
    "test": (3, _score("xgb_c2st_holdout")),
    "shape %": (2, _score("shape_error_pct")),
    "trend %": (2, _score("trend_error_pct")),
    "MLE": (3, _score("mle")),
    "alpha-precision": (3, _score("alpha_precision")),
    "beta-recall": (3, _score("beta_recall")),
    "DCR share": (3, _score("dcr_share")),
    "copies %": (2, lambda cell: _percent(_score("exact_copies")(cell))),
}
COST: dict[str, tuple[int, Getter]] = {
    "fit s": (0, _recorded("fit_s")),
    "fit CPU s": (0, _recorded("fit_cpu_s")),
    "fit peak MB": (0, _recorded("fit_peak_mb", "peak_mb")),
    "sample s": (1, _recorded("sample_s")),
    "rows/s": (0, _rate),
    "sample peak MB": (0, _recorded("sample_peak_mb", "peak_mb")),
}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def write(target: Path, machine: dict[str, Any], tables: list[Table], cells: list[Cell]) -> str:
    """Write ``target.json`` and ``target.md``; returns the Markdown."""
    target.parent.mkdir(parents=True, exist_ok=True)
    described = {table.name: describe(table) for table in tables}
    document = {"machine": machine, "tables": described, "cells": cells}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    text = markdown(machine, tables, cells)
    target.with_suffix(".md").write_text(text)
    return text


def describe(table: Table) -> dict[str, Any]:
    """Size, target and note of a table."""
    return {
        "train_rows": len(table.train),
        "test_rows": len(table.test),
        "columns": table.train.shape[1],
        "target": table.target,
        "note": table.note,
    }


def markdown(machine: dict[str, Any], tables: list[Table], cells: list[Cell]) -> str:
    """Two tables for each data set, one row for each model, mean ± deviation over seeds."""
    parts = ["# Tables\n", describe_machine(machine), _LEGEND]
    for table in tables:
        here = [cell for cell in cells if cell["table"] == table.name]
        parts += [f"\n## {table.name}\n", _intro(table, here)]
        models = [[c for c in here if c["model"] == m] for m in _models(here)]
        parts += ["", *_grid(QUALITY, models)]
        made = [group for group in models if any("fit_s" in c["record"] for c in group)]
        if made:
            parts += ["", *_grid(COST, made, versions=True)]
        parts += _failures(here)
    return "\n".join(parts) + "\n"


def _models(cells: list[Cell]) -> list[str]:
    return list(dict.fromkeys(cell["model"] for cell in cells if not cell.get("failed")))


def _intro(table: Table, cells: list[Cell]) -> str:
    facts = describe(table)
    lines = [
        f"{facts['train_rows']:,} train and {facts['test_rows']:,} test rows, "
        f"{facts['columns']} columns, target {facts['target']}. {facts['note']}".strip()
    ]
    ceilings = _known(cells, "xgb_c2st_ceiling")
    if ceilings:
        lines.append(
            f"Train against test rows, at n = {ceilings[0]['n']:,}, score "
            f"{mean(c['value'] for c in ceilings):.3f}: the ceiling of the second and third column."
        )
    real = _known(cells, "mle_real")
    if real:
        lines.append(f"MLE is {real[0]['unit']}; real train rows give {real[0]['value']:.3f}.")
    return " ".join(lines)


def _known(cells: list[Cell], name: str) -> list[dict[str, Any]]:
    """Results of this name that have a value."""
    found = [cell["scores"].get(name, {}) for cell in cells]
    return [result for result in found if result.get("value") is not None]


def _grid(
    columns: dict[str, tuple[int, Getter]], models: list[list[Cell]], versions: bool = False
) -> list[str]:
    heads = ["model", "seeds", *columns] + ["versions"] * versions
    lines = [_line(heads), "|---|" + "--:|" * (len(columns) + 1) + "---|" * versions]
    for cells in models:
        figures = [figure([get(c) for c in cells], digits) for digits, get in columns.values()]
        seeds = "" if cells[0]["seed"] is None else str(len(cells))
        last = [_versions(cells[0])] * versions
        lines.append(_line([label(cells[0]), seeds, *figures, *last]))
    return lines


def _line(parts: list[str]) -> str:
    return "| " + " | ".join(parts) + " |"


def label(cell: Cell) -> str:
    """What a row is called: the model, and how it differs from the default."""
    kind, _, name = cell["model"].partition(":")
    if kind == "real":
        return "real test rows"
    if kind == "baseline":
        return "independent columns"
    record = cell["record"]
    if kind != "peer":
        return f"**{cell['model']}**"
    parts = [PEERS[name.partition(":")[0]].title]
    parts += [f"{record['epochs']} epochs"] * bool(record.get("epochs"))
    if record.get("train_rows", record["rows"]) < record["rows"]:
        parts.append(f"{record['train_rows']:,} train rows")
    return ", ".join(parts)


def _versions(cell: Cell) -> str:
    """Versions of the model's own packages, or the commit of ours; and the threads it had."""
    record = cell["record"]
    threads = [f"threads: {record['threads']}"] if "threads" in record else []
    if not cell["model"].startswith("peer:"):
        made = [f"commit {record.get('commit', 'unknown')}", f"torch {record.get('torch')}"]
        return ", ".join(made + threads)
    known = record.get("versions") or {
        "ctgan": record.get("version"),
        "torch": record.get("torch"),
    }
    shown = [f"{name} {known[name]}" for name in list(known)[:1] + ["torch"] * ("torch" in known)]
    return ", ".join([*dict.fromkeys(shown), *threads])


def figure(values: list[float | None], digits: int) -> str:
    """Mean ± deviation of the values there are."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    text = f"{mean(known):,.{digits}f}"
    return text if len(known) == 1 else f"{text} ± {stdev(known):,.{digits}f}"


def _failures(cells: list[Cell]) -> list[str]:
    """Why runs gave no rows."""
    failed = [cell for cell in cells if cell.get("failed")]
    return [""] * bool(failed) + [f"- No rows: {cell['failed']}" for cell in failed]


_LEGEND = """XGB-C2ST: boosted trees, synthetic rows against all train rows; 1 = cannot be told
apart. "train, test n" and "test": the same against train and against test rows, all thinned to the
size of the smallest table, 5 draws; a model that copies train rows falls behind in the second.
Shape and trend error: sdmetrics. MLE: boosted trees trained on synthetic rows, scored on test rows.
Alpha-precision: synthetic rows that lie among typical real ones; beta-recall: real rows that
synthetic ones cover. DCR share: synthetic rows nearer to train than to test rows, .5 is ideal.
Copies: synthetic rows that equal a train row. As many rows are sampled as there are train rows.
Mean ± standard deviation over seeds. CPU seconds compare even where other work shared the machine;
seconds do not."""
