"""A table that is not held in memory: frames that follow each other, read as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np

from synthgen.errors import InvalidInputError


@dataclass(frozen=True)
class Batches:
    """A table in frames, of which one is in memory at a time.

    A fit reads them three times: to see what the columns are, to summarize them, and to encode the
    rows it learns from.

    Examples:
        >>> from pyarrow import dataset
        >>> rows = dataset.dataset("big.parquet")  # doctest: +SKIP
        >>> parts = lambda: (pa.Table.from_batches([b]) for b in rows.to_batches())
        >>> SynthGen.fit(Batches(parts))  # doctest: +SKIP

    Args:
        read: Gives the frames (pandas, polars or Arrow, all with the same columns) from the first
            on, every time it is called, and each time the same ones.
    """

    read: Callable[[], Iterable[Any]]

    def __iter__(self) -> Iterator[Any]:
        """The frames of one pass, without empty ones.

        Raises:
            InvalidInputError: If their columns differ.
        """
        names: list[Any] | None = None
        for number, data in enumerate(self.read(), 1):
            if len(getattr(data, "shape", ())) != 2:
                raise InvalidInputError(
                    f"batch {number} is a {type(data).__name__}; expected a pandas or polars "
                    "DataFrame or a pyarrow Table"
                )
            if not data.shape[0]:
                continue
            found = _names(data)
            if names is not None and found != names:
                odd = sorted(map(str, {*found} ^ {*names}))
                raise InvalidInputError(
                    f"batch {number} has other columns than the first: "
                    + (f"{odd[0]!r} is in one of them alone" if odd else "in another order")
                )
            names = found
            yield data

    def numbered(self) -> Iterator[tuple[int, Any]]:
        """The same, each after the number of its first row."""
        first = 0
        for data in self:
            yield first, data
            first += data.shape[0]

    def sample(self, most: int, rng: np.random.Generator) -> tuple[Any, int]:
        """At most ``most`` rows, all equally likely, in their order; and how many rows there are.

        Every row draws a number, and those with the smallest are kept (reservoir sampling by random
        keys): the rows do not depend on how they are cut into batches.

        Raises:
            InvalidInputError: If there are no rows.
        """
        parts: list[tuple[np.ndarray, Any]] = []
        below, kept, n = 1.0, 0, 0
        for data in self:
            key = rng.random(data.shape[0])
            n += len(key)
            parts.append(_below(below, key, nw.from_native(data, eager_only=True)))
            kept += len(parts[-1][0])
            if kept > 2 * most:
                below, parts = _smallest(most, parts)
                kept = most
        if not n:
            raise InvalidInputError("the table has no rows; expected at least one")
        if kept > most:
            _, parts = _smallest(most, parts)
        return nw.concat([part for _, part in parts], how="vertical").to_native(), n


def _smallest(
    most: int, parts: list[tuple[np.ndarray, Any]]
) -> tuple[float, list[tuple[np.ndarray, Any]]]:
    """The rows with the ``most`` smallest keys, and the first key above them."""
    limit = float(np.partition(np.concatenate([key for key, _ in parts]), most)[most])
    return limit, [_below(limit, *part) for part in parts]


def _below(limit: float, key: np.ndarray, data: Any) -> tuple[np.ndarray, Any]:
    """The rows whose key is below a limit."""
    rows = np.flatnonzero(key < limit)
    return key[rows], data[rows.tolist()]


def _names(data: Any) -> list[Any]:
    return list(data.column_names if hasattr(data, "column_names") else data.columns)
