"""What all tests share: where data is."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

# How long an example takes says more about the machine's other work than about the code.
settings.register_profile("synthgen", deadline=None)
settings.load_profile("synthgen")

pytest_plugins = ["tests.servers"]

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Full tables, kept beside the checkout or named by SYNTHGEN_DATA."""
    folder = Path(os.environ.get("SYNTHGEN_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("full tables are not here: set SYNTHGEN_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def adult() -> pd.DataFrame:
    """The bundled Adult training table, typed."""
    return pd.read_csv(ROOT / "synthgen" / "data" / "adult_train.csv.gz", keep_default_na=False)


@pytest.fixture(scope="session")
def qm9() -> pd.Series:
    """Two thousand small molecules."""
    return pd.read_csv(ROOT / "tests" / "data" / "qm9.csv")["smiles"]
