"""The columns beside molecules: p(columns | structure), one column after the other.

A column sees the descriptors of the molecule and the columns before it, so that columns depend on
the structure and on each other. Identifiers and texts are never learned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthgen import cells as cell
from synthgen.cells import Cells
from synthgen.detection import infer_schema
from synthgen.encoding.category import CategoryEncoder, CategorySummary
from synthgen.encoding.column import ColumnEncoder, Interval
from synthgen.encoding.mixture import Mixture
from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.encoding.summary import NumericSummary, offset
from synthgen.errors import ConditionError, ModelFileError
from synthgen.molecular.representation import Representation
from synthgen.molecular.response import FOLDS, Drawn, Response
from synthgen.schema import Column
from synthgen.seeds import Streams

# molecules that the columns are learned from at most
_MOST_MOLECULES = 20_000
# ranks that count as near to a number
_NEAR = 0.05
_NUMBERS = ("integer", "float", "datetime", "duration")
_CATEGORIES = ("boolean", "category")
_ENCODERS: dict[str, type[ColumnEncoder]] = {
    encoder.kind: encoder for encoder in (CategoryEncoder, NumericEncoder)
}


@dataclass(frozen=True)
class Wanted:
    """What a condition allows.

    Attributes:
        near: The cells asked for; of a single number, those that are near to it.
        exact: The single number, which is emitted as it is given.
    """

    near: Interval
    exact: float | None = None


@dataclass(frozen=True)
class Beside:
    """What is asked of columns beside molecules.

    Attributes:
        is_asked: (n_properties,) bool, of which properties.
        chance: How likely (n,) texts are to have columns as asked.
    """

    is_asked: np.ndarray
    chance: Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Outcomes:
    """A chain of columns, each given the structure and the columns before it."""

    representation: Representation
    columns: tuple[Response, ...] = ()

    @classmethod
    def fit(
        cls, texts: Sequence[str], table: pd.DataFrame, held: Representation, streams: Streams
    ) -> tuple[Outcomes, dict[str, str]]:
        """Learn columns; also returns those that are not learned, each with the reason.

        Args:
            texts: (n,) canonical.
            table: (n, n_columns) what stands beside them.
            held: What the texts are.
            streams: Random streams.

        Raises:
            InvalidInputError: If a column holds cells of a type that nothing can stand for.
        """
        if not table.shape[1]:
            return cls(held), {}
        rng = streams.numpy("rows")
        chosen = np.sort(rng.permutation(len(texts))[:_MOST_MOLECULES])
        features = held.descriptors([texts[i] for i in chosen])
        # what stands twice is held out together
        which = pd.factorize(np.array(texts, object)[chosen])[0]
        fold = (rng.permutation(which.max() + 1) % FOLDS)[which]
        found, refused = [], {}
        for column in infer_schema(table):
            read = cell.read(table[column.name], column)
            encoder = _encoder(column, read)
            if isinstance(encoder, str):
                refused[str(column.name)] = encoder
                continue
            cells = _encoded(encoder, read, streams.numpy(f"encode/{column.name}"))
            cells = Drawn(cells.codes[chosen], cells.ranks[chosen])
            seed = streams.numpy(f"trees/{column.name}")
            response = Response.fit(encoder, cells, features, fold, seed)
            features = np.column_stack([features, response.feature(cells)])
            found.append(response)
        return cls(held, tuple(found)), refused

    @property
    def names(self) -> list[str]:
        """Columns, in the order of the input."""
        return [_name(one) for one in self.columns]

    def conditions(self, where: Mapping[str, Any] | None) -> dict[str, Wanted]:
        """What is asked of these columns: a number, or a (low, high) range.

        Raises:
            ConditionError: If nothing that is drawn lies in it.
        """
        return {
            name: _wanted(response.encoder, where[name])
            for response in self.columns
            if (name := _name(response)) in (where or {}) and where is not None
        }

    def draw(
        self, texts: Sequence[str], asked: Mapping[str, Wanted], streams: Streams
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """The columns of valid texts (n,), with the dtypes of the input.

        Also returns how likely (n,) they were to be as asked; by these weights molecules can be
        chosen (Rubin's sampling importance resampling, 1988).
        """
        features = np.zeros((len(texts), 0), np.float32)
        if self.columns:
            features = self.representation.descriptors(texts)
        series: dict[str | int, pd.Series] = {}
        weight = np.ones(len(texts))
        for response in self.columns:
            encoder = response.encoder
            rng, wanted = streams.numpy(f"draw/{encoder.column.name}"), asked.get(_name(response))
            if wanted is not None:
                weight *= response.probability(features, wanted.near)
            if wanted is not None and wanted.exact is not None:
                cells = _constant(encoder, wanted.exact, len(texts))
                drawn = _encoded(encoder, cells, rng)
            else:
                within = None if wanted is None else wanted.near
                drawn = response.draw(features, within, rng.random((len(texts), 2)))
                cells = encoder.decode(drawn.codes, drawn.ranks, rng)
            series[encoder.column.name] = cell.write(cells, encoder.column)
            features = np.column_stack([features, response.feature(drawn)])
        return pd.DataFrame(series, index=range(len(texts))), weight

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready encoders."""
        return {
            "columns": [
                {
                    "column": one.encoder.column.model_dump(mode="json"),
                    "encoder": one.encoder.kind,
                    "state": one.encoder.to_dict(),
                }
                for one in self.columns
            ]
        }

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Named arrays of the trees and the noise."""
        return {
            f"{j}.{name}": array
            for j, response in enumerate(self.columns)
            for name, array in response.to_arrays().items()
        }

    @classmethod
    def load(
        cls, found: dict[str, Any], arrays: dict[str, np.ndarray], held: Representation
    ) -> Outcomes:
        """Inverse of `to_dict` and `to_arrays`.

        Raises:
            ModelFileError: If they do not fit.
        """
        columns = []
        try:
            for j, one in enumerate(found["columns"]):
                column = Column.model_validate(one["column"])
                encoder = _ENCODERS[one["encoder"]].from_dict(column, one["state"])
                own = {k: v for k, v in arrays.items() if k.startswith(f"{j}.")}
                own = {k.removeprefix(f"{j}."): v for k, v in own.items()}
                columns.append(Response.from_arrays(encoder, own, held.n_descriptors + j))
        except (KeyError, TypeError, IndexError, ValueError) as error:
            raise ModelFileError(f"the columns beside the molecules do not fit: {error}") from None
        return cls(held, tuple(columns))


def _encoder(column: Column, held: Cells) -> ColumnEncoder | str:
    """Encoder of a column, or why there is none."""
    known = int((~held.missing).sum())
    if known < MIN_ROWS:
        return f"{known} known cells, at least {MIN_ROWS} are needed"
    if column.kind in _NUMBERS:
        # no modes and no atoms: what a cell is, its rank alone says
        whole = Mixture(np.ones(1), np.zeros(1), np.ones(1))
        return NumericEncoder.fit(column, NumericSummary.of(held), np.zeros(0), whole)
    if column.kind in _CATEGORIES:
        summary = CategorySummary.of(held)
        often = sum(n for n in summary.counts.values() if n >= MIN_ROWS)
        if column.kind == "category" and 2 * often < known:
            return f"most of its values come less than {MIN_ROWS} times"
        return CategoryEncoder.fit(column, summary)
    return f"{column.kind}s are not learned"


def _encoded(encoder: ColumnEncoder, held: Cells, rng: np.random.Generator) -> Drawn:
    """Cells as codes and ranks."""
    if not isinstance(encoder, NumericEncoder):
        codes, _ = encoder.encode(held, rng)
        return Drawn(codes, np.zeros(len(codes)))
    values = np.where(held.missing, encoder.origin, held.values)
    codes = np.where(held.missing, encoder.n_codes - 1, 0).astype(np.int32)
    return Drawn(codes, encoder.quantiles.rank(offset(values, encoder.origin)))


def _name(response: Response) -> str:
    return str(response.encoder.column.name)


def _wanted(encoder: ColumnEncoder, value: Any) -> Wanted:
    low, high = value if isinstance(value, tuple | list) else (value, value)
    if low != high or not isinstance(encoder, NumericEncoder):
        return Wanted(encoder.between(low, high))
    if encoder.column.kind == "integer" and low != int(low):
        name = encoder.column.name
        raise ConditionError(f"column {name!r} holds whole numbers, and {low:g} is none")
    rank = float(encoder.quantiles.rank(np.array([encoder.number(low)]))[0])
    near = Interval(np.zeros(1, np.int64), max(rank - _NEAR, 0.0), min(rank + _NEAR, 1.0))
    return Wanted(near, float(low))


def _constant(encoder: ColumnEncoder, value: float, n: int) -> Cells:
    """Cells of one number."""
    whole = encoder.column.kind == "integer"
    return Cells(np.full(n, value, np.int64 if whole else np.float64), np.zeros(n, bool))
