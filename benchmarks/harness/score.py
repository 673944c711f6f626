"""The same measures for every model: two-sample test, shape, trend, utility."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from harness.data import Table, read_csv
from synthgen.evaluation.quality import compare_with_holdout, shape_trend, utility, xgb_c2st

DRAWS = 5


def score(table: Table, synthetic: pd.DataFrame) -> dict[str, Any]:
    """Measures of ``synthetic`` rows against train rows and test rows."""
    compared = compare_with_holdout(table.train, synthetic, table.test, draws=DRAWS)
    form = shape_trend(table.train, synthetic)
    useful = utility(synthetic, table.test, table.target, reference=table.train)
    results = {
        "xgb_c2st": xgb_c2st(table.train, synthetic),
        "xgb_c2st_train_at_test_n": compared.train,
        "xgb_c2st_holdout": compared.holdout,
        "xgb_c2st_ceiling": compared.ceiling,
        "shape_error_pct": form.shape,
        "trend_error_pct": form.trend,
        "mle": useful,
    }
    return {name: result.to_dict() for name, result in results.items()}


def score_file(table: Table, synthetic: Path) -> dict[str, Any]:
    """`score` of a CSV file, kept beside it until the file changes."""
    kept = synthetic.with_name(synthetic.name.removesuffix("-syn.csv") + "-scores.json")
    if kept.exists() and kept.stat().st_mtime >= synthetic.stat().st_mtime:
        found: dict[str, Any] = json.loads(kept.read_text())
        return found
    times = [str(name) for name in table.train.select_dtypes("datetime")]
    found = score(table, read_csv(synthetic, times))
    kept.write_text(json.dumps(found, indent=1))
    return found
