"""Runs and their scores as JSON and as a Markdown table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any

Cell = dict[str, Any]

# Heading, digits, and where the figure is in a cell.
COLUMNS: dict[str, tuple[int, Callable[[Cell], float | None]]] = {
    "XGB-C2ST": (3, lambda c: c["scores"]["xgb_c2st"]["value"]),
    "train, test n": (3, lambda c: c["scores"]["xgb_c2st_train_at_test_n"]["value"]),
    "test": (3, lambda c: c["scores"]["xgb_c2st_holdout"]["value"]),
    "shape %": (2, lambda c: c["scores"]["shape_error_pct"]["value"]),
    "trend %": (2, lambda c: c["scores"]["trend_error_pct"]["value"]),
    "MLE": (3, lambda c: c["scores"]["mle"]["value"]),
    "fit s": (0, lambda c: c["record"].get("fit_s")),
    "fit CPU s": (0, lambda c: c["record"].get("fit_cpu_s")),
    "encoding s": (1, lambda c: c["record"].get("stages_s", {}).get("encoding")),
    "rows/s": (0, lambda c: _rate(c["record"])),
    "peak MB": (0, lambda c: c["record"].get("peak_mb")),
}


def write(target: Path, machine: dict[str, Any], cells: list[Cell]) -> str:
    """Write ``target.json`` and ``target.md``; returns the Markdown."""
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "cells": cells}
    target.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    text = markdown(machine, cells)
    target.with_suffix(".md").write_text(text)
    return text


def markdown(machine: dict[str, Any], cells: list[Cell]) -> str:
    """One table for each data set, one row for each model, mean ± deviation over seeds."""
    parts = ["# Tables\n", _machine_line(machine), _LEGEND]
    for table in dict.fromkeys(cell["table"] for cell in cells):
        here = [cell for cell in cells if cell["table"] == table]
        ceiling = mean(c["scores"]["xgb_c2st_ceiling"]["value"] for c in here)
        n_test = here[0]["scores"]["xgb_c2st_ceiling"]["n"]
        unit = here[0]["scores"]["mle"]["unit"]
        parts.append(
            f"\n## {table}\nAt n = {n_test} train against test rows score {ceiling:.3f}. "
            f"MLE is {unit}.\n\n"
            + "| model | seeds | " + " | ".join(COLUMNS) + " |\n"
            + "|---|---|" + "---|" * len(COLUMNS)
        )  # fmt: skip
        for model in dict.fromkeys(cell["model"] for cell in here):
            parts.append(_row(model, [cell for cell in here if cell["model"] == model]))
    return "\n".join(parts) + "\n"


def _row(model: str, cells: list[Cell]) -> str:
    figures = [_figure([get(cell) for cell in cells], digits) for digits, get in COLUMNS.values()]
    seeds = "" if cells[0]["seed"] is None else str(len(cells))
    return f"| {_label(model, cells[0])} | {seeds} | " + " | ".join(figures) + " |"


def _label(model: str, cell: Cell) -> str:
    epochs = cell["record"].get("epochs")
    return f"{model}, {epochs} epochs" if epochs else model


def _figure(values: list[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    text = f"{mean(known):,.{digits}f}"
    return text if len(known) == 1 else f"{text} ± {stdev(known):,.{digits}f}"


def _rate(record: dict[str, Any]) -> float | None:
    return record["rows"] / record["sample_s"] if record.get("sample_s") else None


def _machine_line(machine: dict[str, Any]) -> str:
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}, {packages}; "
        f"commit {machine['commit']}.\n"
    )


_LEGEND = """XGB-C2ST: boosted trees, synthetic rows against all train rows; 1 = cannot be told
apart. "train, test n" and "test": the same against train and against test rows, all thinned to the
number of test rows, 5 draws; a model that copies train rows falls behind in the second. Shape and
trend error: sdmetrics. MLE: boosted trees trained on synthetic rows, scored on test rows. The row
"real" puts the test rows in place of synthetic ones; its MLE is that of the train rows. Mean ±
standard deviation over seeds. Where the machine was shared, CPU seconds compare, seconds do not."""
