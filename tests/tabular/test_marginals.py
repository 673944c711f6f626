"""Pair distances and calibration on the Adult table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from synthgen import frames
from synthgen.encoding.table import EncodedTable, TableEncoder
from synthgen.schema import Schema
from synthgen.seeds import Streams
from synthgen.tabular.calibration import Calibration
from synthgen.tabular.layout import Layout
from synthgen.tabular.marginals import Bins, pair_distance
from synthgen.tabular.oneshot import diversity


@pytest.fixture(scope="module")
def encoded(adult: pd.DataFrame) -> tuple[TableEncoder, EncodedTable]:
    frame, _ = frames.read(adult.head(8000))
    encoder = TableEncoder.fit(frame, Schema.infer(frame))
    return encoder, encoder.encode(frame, Streams(0))


def test_distance_equals_a_loop_over_pairs(encoded: tuple[TableEncoder, EncodedTable]) -> None:
    encoder, table = encoded
    bins = Bins.of(encoder, np.random.default_rng(0))
    first, second = table.take(np.arange(500)), table.take(np.arange(500, 1000))
    k, total = len(bins.columns), 0.0
    a, b = bins(first), bins(second)
    for i in range(k):
        for j in range(k):
            cells = [
                np.histogram2d(t[:, i], t[:, j], bins=np.arange(bins.n_bins + 1) - 0.5)[0] / 500
                for t in (a, b)
            ]
            total += np.abs(cells[0] - cells[1]).sum() / 2
    measured = pair_distance(bins.pairs(first), bins.pairs(second), bins.n_bins)
    assert measured == pytest.approx(total / k**2, rel=1e-4)


def test_broken_dependence_raises_the_distance(encoded: tuple[TableEncoder, EncodedTable]) -> None:
    encoder, table = encoded
    bins = Bins.of(encoder, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    half, other = np.arange(4000), np.arange(4000, 8000)
    shuffled = EncodedTable(table.codes[other].copy(), table.values[other].copy())
    for j in range(table.codes.shape[1]):
        order = rng.permutation(4000)
        shuffled.codes[:, j] = shuffled.codes[order, j]
        shuffled.values[:, j] = shuffled.values[order, j]
    real = bins.pairs(table.take(half))
    honest = pair_distance(real, bins.pairs(table.take(other)), bins.n_bins)
    broken = pair_distance(real, bins.pairs(shuffled), bins.n_bins)
    assert broken > 1.5 * honest


def test_diversity_falls_when_modes_are_dropped(
    encoded: tuple[TableEncoder, EncodedTable],
) -> None:
    encoder, table = encoded
    bins = Bins.of(encoder, np.random.default_rng(0))
    real = bins.pairs(table)
    assert diversity(real, real, bins.n_bins) == pytest.approx(1)
    collapsed = bins.pairs(table.take(np.zeros(1000, int)))
    assert diversity(real, collapsed, bins.n_bins) < 0.4


def test_calibration_puts_skewed_draws_right(encoded: tuple[TableEncoder, EncodedTable]) -> None:
    """A drawer that tilts the frequencies and shifts the values of real rows is put right."""
    encoder, table = encoded
    layout = Layout.of(encoder)
    rng = np.random.default_rng(2)
    names = encoder.schema.names
    race, age = names.index("race"), names.index("age")
    tilt = np.where(np.arange(encoder.columns[race].n_codes) % 2, 1.5, 0.0)

    def draw(calibration: Calibration) -> EncodedTable:
        start = layout.start[race]
        logit = np.log(encoder.columns[race].share) + tilt
        logit += calibration.offset[start : start + len(tilt)]
        share = np.exp(logit) / np.exp(logit).sum()
        rows = rng.integers(0, len(table), 8000)
        drawn = EncodedTable(table.codes[rows].copy(), table.values[rows].copy())
        drawn.codes[:, race] = rng.choice(len(tilt), 8000, p=share)
        drawn.values[:, age] = drawn.values[:, age] * 0.5 + 0.2
        return drawn

    calibration = Calibration.fit(encoder, layout, draw)
    before, after = draw(Calibration.none(encoder, layout)), draw(calibration)
    for drawn, close in ((before, False), (after, True)):
        held = np.bincount(drawn.codes[:, race], minlength=len(tilt)) / len(drawn)
        assert (np.abs(held - encoder.columns[race].share).sum() < 0.03) == close
    decoded = encoder.decode(calibration.ranks(encoder, after), Streams(3))["age"]
    real = encoder.decode(table, Streams(3))["age"]
    for level in (0.1, 0.5, 0.9):
        assert decoded.quantile(level) == pytest.approx(real.quantile(level), abs=1)


def test_calibration_keeps_a_value_repeated_at_the_end(adult: pd.DataFrame) -> None:
    """Adult's highest age is a spike (43 rows of 90, next to none of 85 to 89)."""
    frame, _ = frames.read(adult[["age"]])
    encoder = TableEncoder.fit(frame, Schema.infer(frame))
    layout, rng = Layout.of(encoder), np.random.default_rng(0)
    widest = int(np.argmax(encoder.columns[0].share))

    def draw(calibration: Calibration) -> EncodedTable:
        codes = np.full((len(frame), 1), widest, np.int32)
        return EncodedTable(codes, rng.uniform(-1, 1, codes.shape).astype(np.float32))

    calibration = Calibration.fit(encoder, layout, draw)
    drawn = draw(calibration)
    ages = encoder.decode(calibration.ranks(encoder, drawn), Streams(0))["age"]
    assert (adult["age"] == 90).sum() == 43
    assert 25 <= (ages == 90).sum() <= 65
