"""The tables of the benchmarks, split as published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.places import data_folder

SPLIT_SEED = 1234


@dataclass(frozen=True)
class Table:
    """Train and test rows of one table, and the column to predict."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    target: str

    @property
    def discrete(self) -> list[str]:
        """Columns that are neither numbers nor times."""
        plain = self.train.select_dtypes(exclude=["number", "datetime"])
        return [str(name) for name in plain.columns]


def read_csv(path: Path, times: list[str] | None = None) -> pd.DataFrame:
    """A CSV file whose only missing marker is the empty cell."""
    return pd.read_csv(path, keep_default_na=False, na_values=[""], parse_dates=times or [])


def load(name: str) -> Table:
    """The table ``name`` of `TABLES`."""
    return TABLES[name]()


def _tabular(file: str) -> Path:
    return data_folder() / "tabular" / file


def _split(name: str, rows: pd.DataFrame, target: str) -> Table:
    """First tenth of the permuted rows to the test part."""
    rows = rows.iloc[np.random.default_rng(SPLIT_SEED).permutation(len(rows))]
    rows = rows.reset_index(drop=True)
    n_test = len(rows) // 10
    return Table(name, rows.iloc[n_test:].reset_index(drop=True), rows.iloc[:n_test], target)


def _adult() -> Table:
    train, test = (read_csv(_tabular(f"adult_{part}.csv")) for part in ("train", "test"))
    return Table("adult", train, test, "income")


def _beijing() -> Table:
    rows = pd.read_csv(_tabular("beijing_pm25.csv")).drop(columns="No")
    return _split("beijing", rows[rows["pm2.5"].notna()], "pm2.5")


def _california() -> Table:
    return _split("california", read_csv(_tabular("california_housing.csv")), "median_house_value")


def _taxis() -> Table:
    rows = read_csv(_tabular("taxis.csv"), ["pickup", "dropoff"])
    return _split("taxis", rows, "total")


TABLES: dict[str, Callable[[], Table]] = {
    "adult": _adult,
    "beijing": _beijing,
    "california": _california,
    "taxis": _taxis,
}
