"""Whole tables through codes and back."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from synthgen import frames
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.encoding.table import TableEncoder, merged, summarize
from synthgen.schema import Schema
from synthgen.seeds import Streams


@pytest.fixture(scope="module")
def fitted(adult: pd.DataFrame) -> tuple[pd.DataFrame, TableEncoder]:
    frame, _ = frames.read(adult)
    return frame, TableEncoder.fit(frame, Schema.infer(adult))


def test_codes_lead_back_to_the_table(fitted: tuple[pd.DataFrame, TableEncoder]) -> None:
    frame, encoder = fitted
    table = encoder.encode(frame, Streams(0))
    assert table.codes.dtype == np.int32 and table.values.dtype == np.float32
    assert (table.codes >= 0).all() and (table.codes < encoder.n_codes).all()
    back = encoder.decode(table, Streams(0))
    assert list(back.columns) == list(frame.columns)
    pd.testing.assert_series_equal(back.dtypes, frame.dtypes)
    for name in frame:
        counts = frame[name].map(frame[name].value_counts())
        same = (back[name] == frame[name])[counts >= MIN_ROWS]
        assert same.mean() > 0.98, name


def test_nothing_stored_names_fewer_than_five_rows(
    fitted: tuple[pd.DataFrame, TableEncoder],
) -> None:
    frame, encoder = fitted
    stored = json.dumps(encoder.to_dict())
    for name in frame.select_dtypes(exclude="number"):
        counts = frame[name].value_counts()
        for level in counts.index[counts < MIN_ROWS]:
            assert json.dumps(level) not in stored, (name, level)


def test_state_survives_json(fitted: tuple[pd.DataFrame, TableEncoder]) -> None:
    frame, encoder = fitted
    again = TableEncoder.from_dict(encoder.schema, json.loads(json.dumps(encoder.to_dict())))
    first, second = encoder.encode(frame, Streams(1)), again.encode(frame, Streams(1))
    np.testing.assert_array_equal(first.codes, second.codes)
    np.testing.assert_array_equal(first.values, second.values)


def test_merged_summaries_encode_like_one_pass(adult: pd.DataFrame) -> None:
    frame, _ = frames.read(adult.head(4000))
    schema = Schema.infer(frame)
    first = summarize(frame.iloc[:1500], schema)
    second = summarize(frame.iloc[1500:], schema, like=first)
    whole = TableEncoder.fit(frame, schema)
    parts = TableEncoder.from_summaries(schema, merged(first, second))
    assert (whole.n_codes == parts.n_codes).all()


def test_wide_table_is_encoded_at_once() -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(72, 500)))
    encoder = TableEncoder.fit(frame, Schema.infer(frame))
    table = encoder.encode(frame, Streams(0))
    back = encoder.decode(table, Streams(0))
    assert np.corrcoef(frame.to_numpy().ravel(), back.to_numpy().ravel())[0, 1] > 0.95
