from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import synthgen


@pytest.fixture(scope="session")
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    """3,000 rows of the train and 1,500 of the test part of the bundled table."""
    data = Path(synthgen.__file__).parent / "data"
    return tuple(
        pd.read_csv(data / f"adult_{part}.csv.gz", keep_default_na=False, nrows=rows)
        for part, rows in (("train", 3000), ("test", 1500))
    )
