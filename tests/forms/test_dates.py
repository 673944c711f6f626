"""Date texts against `datetime.strptime`."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgen.forms import dates, durations

MOMENTS = st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2200, 1, 1))
EPOCH = dt.datetime(1970, 1, 1)
FORMATS = [
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d %B %Y %I:%M %p",
    "%b %d, %Y %H:%M:%S",
]


def texts_of(values: list[str]) -> np.ndarray:
    return np.array(values, dtype=object)


@pytest.mark.parametrize("form", FORMATS)
@given(moments=st.lists(MOMENTS, min_size=1))
def test_against_strptime(form: str, moments: list[dt.datetime]) -> None:
    texts = [moment.strftime(form) for moment in moments]
    unit = dates.unit_of(form)
    ticks, bad = dates.read(texts_of(texts), form, unit)
    size = dt.timedelta(microseconds=10**6 // dates.TICKS_PER_SECOND[unit])
    assert not bad.any()
    assert ticks.tolist() == [(dt.datetime.strptime(t, form) - EPOCH) // size for t in texts]
    assert dates.write(ticks, form, unit, None).tolist() == texts


@given(st.lists(MOMENTS, min_size=1))
def test_offsets_against_strptime(moments: list[dt.datetime]) -> None:
    form, zone = "%Y-%m-%d %H:%M:%S%z", dt.timezone(dt.timedelta(hours=-5, minutes=-30))
    texts = [moment.replace(tzinfo=zone).strftime(form) for moment in moments]
    found = dates.parse(texts_of(texts))
    assert found is not None
    assert found.zone == "UTC-05:30"
    epoch = EPOCH.replace(tzinfo=dt.timezone.utc)
    wanted = [(dt.datetime.strptime(t, form) - epoch) // dt.timedelta(seconds=1) for t in texts]
    assert found.ticks.tolist() == wanted
    written = dates.write(found.ticks, found.text_format, found.unit, found.zone)
    assert written.tolist() == texts


def test_local_time_in_summer_and_winter() -> None:
    ticks = np.array([1_577_836_800, 1_593_561_600])  # 2020-01-01 and 2020-07-01, midnight UTC
    texts = dates.write(ticks, "%Y-%m-%d %H:%M%:z", "s", "Europe/Berlin")
    assert texts.tolist() == ["2020-01-01 01:00+01:00", "2020-07-01 02:00+02:00"]


def test_years_far_away() -> None:
    found = dates.parse(texts_of(["9999-12-31", "0001-01-01"]))
    assert found is not None
    assert dates.write(found.ticks, found.text_format, found.unit, None).tolist() == [
        "9999-12-31",
        "0001-01-01",
    ]


@pytest.mark.parametrize(
    "text",
    ["2020-02-30", "2020-00-10", "13/13/2020", "2020-01-01 24:00", "2020-01-01 10:60", "2020-1",
     "30 Foo 2020", "2020-01-01x", "1/2/3", "2020-01-01 13:00 PM", "20-01-02", "now"],
)  # fmt: skip
def test_what_is_not_a_date(text: str) -> None:
    assert dates.parse(texts_of([text])) is None


@given(st.lists(st.timedeltas(dt.timedelta(days=-999), dt.timedelta(days=999)), min_size=1))
def test_durations_as_pandas_writes_them(spans: list[dt.timedelta]) -> None:
    import pandas as pd

    texts = pd.Series(pd.to_timedelta(spans)).dt.as_unit("us").astype(str).tolist()
    found = durations.parse(texts_of(texts))
    assert found is not None
    size = dt.timedelta(microseconds=10**6 // dates.TICKS_PER_SECOND[found.unit])
    assert found.ticks.tolist() == [span // size for span in spans]
    again, bad = durations.read(
        durations.write(found.ticks, found.text_format, found.unit), found.unit
    )
    assert not bad.any()
    assert again.tolist() == found.ticks.tolist()
