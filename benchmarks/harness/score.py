"""The same measures for every model: those of `synthgen.evaluation.quality.judge`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from harness.data import Table, read_csv
from synthgen.evaluation.quality.judge import judge

# What the tables of results show; kept scores that lack one are taken again.
SHOWN = (
    "xgb_c2st",
    "xgb_c2st_train_at_holdout_n",
    "xgb_c2st_holdout",
    "xgb_c2st_ceiling",
    "shape_error_pct",
    "trend_error_pct",
    "mle",
    "mle_real",
    "alpha_precision",
    "beta_recall",
    "dcr_share",
    "exact_copies",
)

Scores = dict[str, dict[str, Any]]


def score(table: Table, synthetic: pd.DataFrame) -> Scores:
    """Measures of ``synthetic`` rows against train rows and test rows."""
    found = judge(table.train, synthetic, table.test, target=table.target)
    return {name: result.to_dict() for name, result in found.metrics.items()}


def score_file(table: Table, synthetic: Path) -> Scores:
    """`score` of a CSV file, kept beside it until the file changes."""
    return kept(synthetic, lambda: score(table, read_csv(synthetic, table.times, table.texts)))


def kept(synthetic: Path, measure: Callable[[], Scores]) -> Scores:
    """What ``measure`` found for these rows before, or finds now.

    It measures again when the rows are newer, or when what it found lacks a measure of `SHOWN`.
    """
    path = synthetic.with_name(synthetic.name.removesuffix("-syn.csv") + "-scores.json")
    if path.exists() and path.stat().st_mtime >= synthetic.stat().st_mtime:
        found: Scores = json.loads(path.read_text())
        if set(SHOWN) <= set(found):
            return found
    found = measure()
    path.write_text(json.dumps(found, indent=1))
    return found
