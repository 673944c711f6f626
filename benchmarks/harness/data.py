"""The tables of the benchmarks, split as published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.places import data_folder

SPLIT_SEED = 1234
# Train rows of `diabetes`: what every peer can be fitted on within the hour.
DIABETES_ROWS = 10_000
# Rows of `flights`: enough to learn from, few enough for three seeds of every model.
FLIGHTS_ROWS = 20_000


@dataclass(frozen=True)
class Table:
    """Train and test rows of one table, and the column to predict.

    Attributes:
        name: What the command line calls it.
        train: Rows that models are fitted on.
        test: Rows that no model sees.
        target: The column to predict.
        note: What was left out or thinned, for the reader of the figures.
    """

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    note: str = ""

    @property
    def discrete(self) -> list[str]:
        """Columns that are neither numbers nor times."""
        plain = self.train.select_dtypes(exclude=["number", "datetime"])
        return [str(name) for name in plain.columns]

    @property
    def times(self) -> list[str]:
        """Columns of times."""
        return [str(name) for name in self.train.select_dtypes("datetime").columns]

    @property
    def texts(self) -> list[str]:
        """Columns of text; a CSV file does not say that "250" is one."""
        return [str(name) for name in self.train.select_dtypes("object").columns]


def read_csv(
    path: Path,
    times: Iterable[str] | None = None,
    texts: Iterable[str] = (),
    missing: Iterable[str] = (),
) -> pd.DataFrame:
    """A CSV file whose missing markers are the empty cell and those of ``missing``."""
    return pd.read_csv(
        path,
        keep_default_na=False,
        na_values=["", *missing],
        parse_dates=list(times or []),
        dtype=dict.fromkeys(texts, str),
        low_memory=False,
    )


def load(name: str) -> Table:
    """The table ``name`` of `TABLES`."""
    return TABLES[name]()


def _tabular(file: str) -> Path:
    return data_folder() / "tabular" / file


def _split(name: str, rows: pd.DataFrame, target: str, note: str = "") -> Table:
    """First tenth of the permuted rows to the test part."""
    rows = rows.iloc[np.random.default_rng(SPLIT_SEED).permutation(len(rows))]
    rows = rows.reset_index(drop=True)
    n_test = len(rows) // 10
    train = rows.iloc[n_test:].reset_index(drop=True)
    return Table(name, train, rows.iloc[:n_test], target, note)


def _adult() -> Table:
    train, test = (read_csv(_tabular(f"adult_{part}.csv")) for part in ("train", "test"))
    return Table("adult", train, test, "income")


def _beijing() -> Table:
    rows = pd.read_csv(_tabular("beijing_pm25.csv")).drop(columns="No")
    note = "Without the row number and without rows that lack pm2.5."
    return _split("beijing", rows[rows["pm2.5"].notna()], "pm2.5", note)


def _california() -> Table:
    return _split("california", read_csv(_tabular("california_housing.csv")), "median_house_value")


def _diabetes_full() -> Table:
    rows = read_csv(
        _tabular("diabetic_data.csv.gz"), texts=("diag_1", "diag_2", "diag_3"), missing=["?"]
    )
    # Numbers of the hospital's files: they say nothing, and have nothing to be modelled.
    rows = rows.drop(columns=["encounter_id", "patient_nbr"])
    note = "`?` is missing; without the identifiers encounter_id and patient_nbr."
    return _split("diabetes-full", rows, "readmitted", note)


def _diabetes() -> Table:
    full = _diabetes_full()
    train = full.train.head(DIABETES_ROWS)  # the rows are permuted already
    note = f"{DIABETES_ROWS:,} of {len(full.train):,} train rows, for every model. {full.note}"
    return Table("diabetes", train, full.test, full.target, note)


def _flights() -> Table:
    path = data_folder() / "relational" / "nycflights13" / "flights.csv.gz"
    rows = read_csv(path)
    chosen = np.random.default_rng(SPLIT_SEED).choice(len(rows), FLIGHTS_ROWS, replace=False)
    note = f"{FLIGHTS_ROWS:,} of {len(rows):,} flights."
    return _split("flights", rows.iloc[chosen], "arr_delay", note)


def _golub() -> Table:
    rows = read_csv(_tabular("golub_leukemia_expr.csv")).drop(columns="split")
    note = "Gene expressions of 72 patients, without the publishers' split."
    return _split("golub", rows, "labels", note)


def _heart() -> Table:
    rows = read_csv(_tabular("heart_disease_4sites.csv"), missing=["?"])
    return _split("heart", rows, "num", "`?` is missing.")


def _nsl_kdd() -> Table:
    # How many of the publishers' classifiers got the row right: no property of the connection.
    rows = read_csv(_tabular("nsl_kdd_train20pct.csv")).drop(columns="difficulty")
    return _split("nsl_kdd", rows, "label", "Without the publishers' column difficulty.")


def _penguins() -> Table:
    return _split("penguins", read_csv(_tabular("penguins.csv")), "species")


def _taxis() -> Table:
    rows = read_csv(_tabular("taxis.csv"), ["pickup", "dropoff"])
    return _split("taxis", rows, "total")


def _titanic() -> Table:
    return _split("titanic", read_csv(_tabular("titanic.csv")), "survived")


TABLES: dict[str, Callable[[], Table]] = {
    "adult": _adult,
    "beijing": _beijing,
    "california": _california,
    "diabetes": _diabetes,
    "diabetes-full": _diabetes_full,
    "flights": _flights,
    "golub": _golub,
    "heart": _heart,
    "nsl_kdd": _nsl_kdd,
    "penguins": _penguins,
    "taxis": _taxis,
    "titanic": _titanic,
}
