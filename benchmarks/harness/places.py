"""Folders of the benchmarks."""

from __future__ import annotations

import os
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parents[1]
ROOT = BENCHMARKS.parent
WORK = BENCHMARKS / ".work"
ENVIRONMENTS = BENCHMARKS / ".envs"
PEERS = BENCHMARKS / "peers"
RESULTS = BENCHMARKS / "results"


def data_folder() -> Path:
    """Where the full tables are: SYNTHGEN_DATA, or beside the checkout."""
    folder = Path(os.environ.get("SYNTHGEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        raise SystemExit(
            "the full tables are not here: set SYNTHGEN_DATA to the folder that holds "
            "tabular/adult_train.csv and the others (see benchmarks/README.md)"
        )
    return folder
