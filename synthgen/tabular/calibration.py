"""Marginal calibration: what the generator emits too often or too high is put right afterwards.

A one-shot generator learns the dependence between columns well before their exact marginals. Both
corrections are monotone within a column, so that they leave the dependence (the copula of the
generated table) as it is:

- codes: an offset is added to each logit so that every code is as frequent as in the data;
- values: each column's generated numbers are mapped to the data's quantile function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthgen.encoding.numeric import NumericEncoder
from synthgen.encoding.quantiles import interpolate
from synthgen.encoding.table import EncodedTable, RankedTable, TableEncoder
from synthgen.parallel import in_threads
from synthgen.tabular.layout import Layout

LEVELS = 512
CALIBRATION_ROUNDS = 8
_STEP = 0.8
_MIN_ROWS = 50

Draw = Callable[["Calibration"], EncodedTable]


@dataclass(frozen=True)
class Calibration:
    """Corrections of one generator.

    Shape:
        offset: (n_slots,) float32 added to the logits.
        knots: (n_numeric, LEVELS) float32 quantiles of the generated numbers, relative to the
            column's quantile function; a row of nan leaves its column alone.
    """

    offset: np.ndarray
    knots: np.ndarray

    @classmethod
    def none(cls, encoder: TableEncoder, layout: Layout) -> Calibration:
        """No correction."""
        knots = np.full((len(numeric_columns(encoder)), LEVELS), np.nan)
        return cls(np.zeros(layout.n_slots, np.float32), knots)

    @classmethod
    def fit(cls, encoder: TableEncoder, layout: Layout, draw: Draw) -> Calibration:
        """Calibrate on tables that ``draw`` generates under a given calibration."""
        calibration = cls.none(encoder, layout)
        for k in range(CALIBRATION_ROUNDS):
            table = draw(calibration)
            # ever smaller steps, which average out the noise of the draws
            offset = calibration.offset + _STEP / (1 + k / 2) * _log_ratio(encoder, layout, table)
            calibration = cls(offset.astype(np.float32), calibration.knots)
        table = draw(calibration)
        knots = [_quantiles(encoder, j, table) for j in numeric_columns(encoder)]
        return cls(calibration.offset, np.reshape(knots, (len(knots), LEVELS)))

    def ranks(self, encoder: TableEncoder, table: EncodedTable) -> RankedTable:
        """The ranks of generated numbers among the numbers that were generated to calibrate on.

        By rank, since between two levels the quantiles may jump, as to a value repeated at the end.
        """
        columns = numeric_columns(encoder)
        ranks = np.zeros(table.values.shape, np.float32, order="F")
        level = np.linspace(0.0, 1.0, LEVELS)

        def column(row: int) -> None:
            j, knots = columns[row], self.knots[row]
            encoder_j, codes, values = encoder.columns[j], table.codes[:, j], table.values[:, j]
            assert isinstance(encoder_j, NumericEncoder)
            if np.isnan(knots[0]):
                ranks[:, j] = encoder_j.ranks(codes, values)
            else:
                ranks[:, j] = interpolate(encoder_j.continuous(codes, values), knots, level)

        in_threads(column, range(len(columns)))
        return RankedTable(table.codes, ranks)


def numeric_columns(encoder: TableEncoder) -> list[int]:
    """Indices of the columns whose codes may carry values."""
    return [j for j, column in enumerate(encoder.columns) if column.has_value.any()]


def _log_ratio(encoder: TableEncoder, layout: Layout, table: EncodedTable) -> np.ndarray:
    """log(share in the data / share in the table) of every slot, smoothed by one row."""
    ratio = np.zeros(layout.n_slots)
    n = len(table)
    for j, column in enumerate(encoder.columns):
        held = np.bincount(table.codes[:, j], minlength=column.n_codes)
        start = layout.start[j]
        ratio[start : start + column.n_codes] = np.log((column.share * n + 1) / (held + 1))
    return ratio


def _quantiles(encoder: TableEncoder, j: int, table: EncodedTable) -> np.ndarray:
    column = encoder.columns[j]
    assert isinstance(column, NumericEncoder)
    inside = column.has_value[table.codes[:, j]]
    if inside.sum() < _MIN_ROWS:
        return np.full(LEVELS, np.nan)
    x = column.continuous(table.codes[inside, j], table.values[inside, j])
    level = np.linspace(0.0, 1.0, LEVELS)
    # ranks need increasing knots: ties are spread by less than float noise
    knots = np.maximum.accumulate(np.quantile(x, level))
    return np.asarray(knots + np.arange(LEVELS) * 1e-12 * max(1.0, float(np.abs(knots).max())))
