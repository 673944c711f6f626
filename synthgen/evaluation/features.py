"""A table as a matrix of numbers, for measures that train a tree on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.errors import InvalidInputError

UNSEEN = -1.0

Floats = npt.NDArray[np.float64]
Reading = Literal["number", "boolean", "datetime", "duration", "category"]


@dataclass(frozen=True)
class ColumnFeature:
    """How one column becomes a number; learned from a reference column.

    Attributes:
        name: The column.
        reading: What its cells are read as; text is a category.
        vocabulary: Values of a category in the order of their codes.
        origin_s: What is subtracted from times, so that single precision holds their seconds.
    """

    name: Any
    reading: Reading
    vocabulary: pd.Index | None = None
    origin_s: float = 0.0

    @classmethod
    def of(cls, column: pd.Series) -> ColumnFeature:
        """Learn the codes of a reference column."""
        reading = read_as(column)
        if reading == "category":
            return cls(column.name, reading, vocabulary=_vocabulary(column))
        if reading == "datetime" and column.notna().any():
            return cls(column.name, reading, origin_s=float(np.nanmin(_instants(column))))
        return cls(column.name, reading)

    def numbers(self, column: pd.Series) -> Floats:
        """Codes (`UNSEEN` outside the vocabulary), numbers, or seconds; missing is NaN.

        A cell that is no number or time where the reference column holds such is missing too.

        Shape:
            (n_rows,)
        """
        if self.vocabulary is not None:
            codes = self.vocabulary.get_indexer(pd.Index(column, dtype=object)).astype(np.float64)
            codes[column.isna().to_numpy()] = np.nan
            return codes
        if self.reading == "datetime":
            return _instants(column) - self.origin_s
        if self.reading == "duration":
            return _lengths(column)
        plain = column if read_as(column) != "category" else pd.to_numeric(column, errors="coerce")
        return np.asarray(plain.to_numpy(dtype=np.float64, na_value=np.nan))


@dataclass(frozen=True)
class TableFeatures:
    """How a table becomes a matrix; learned from one table, applied to others of its columns."""

    columns: tuple[ColumnFeature, ...]

    @classmethod
    def of(cls, reference: pd.DataFrame) -> TableFeatures:
        """Learn the codes of every column of ``reference``."""
        return cls(tuple(ColumnFeature.of(reference[name]) for name in reference.columns))

    def matrix(self, table: pd.DataFrame) -> Floats:
        """The table's rows as numbers.

        Shape:
            (n_rows, n_columns), columns in the order of the reference

        Raises:
            InvalidInputError: If the table lacks a column of the reference.
        """
        for column in self.columns:
            if column.name not in table.columns:
                raise InvalidInputError(
                    f"the tables to compare differ: one lacks the column {column.name!r}; "
                    "both must have the same columns"
                )
        return np.column_stack([c.numbers(table[c.name]) for c in self.columns])


def read_as(column: pd.Series) -> Reading:
    """What a column's dtype is read as."""
    kinds: dict[str, Reading] = {"b": "boolean", "M": "datetime", "m": "duration"}
    known = kinds.get(column.dtype.kind)
    if known is not None:
        return known
    return "number" if pd.api.types.is_numeric_dtype(column.dtype) else "category"


def _vocabulary(column: pd.Series) -> pd.Index:
    """The values in their declared order, or sorted."""
    if isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.ordered:
        values = list(column.dtype.categories)
    else:
        found = column.dropna().astype(object).unique()
        values = sorted(found, key=lambda value: (str(type(value)), value))
    vocabulary: pd.Index = pd.Index(values, dtype=object)
    return vocabulary


def _instants(column: pd.Series) -> Floats:
    """Seconds since the epoch, of UTC where there is a zone; missing is NaN."""
    if read_as(column) != "datetime":
        column = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
    arrow = getattr(column.dtype, "pyarrow_dtype", None)
    if (getattr(column.dtype, "tz", None) or getattr(arrow, "tz", None)) is not None:
        column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    return _ticks(column, "datetime64[us]")


def _lengths(column: pd.Series) -> Floats:
    """Seconds of durations; missing is NaN."""
    if read_as(column) != "duration":
        column = pd.to_timedelta(column, errors="coerce")
    return _ticks(column, "timedelta64[us]")


def _ticks(column: pd.Series, unit: str) -> Floats:
    numpy_dtype = getattr(column.dtype, "numpy_dtype", column.dtype)
    seconds = column.astype(numpy_dtype).to_numpy(dtype=unit).astype(np.int64) / 1e6
    return np.where(column.isna().to_numpy(), np.nan, seconds)
