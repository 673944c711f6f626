"""Bins of a histogram with round edges, and how their ends are written."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.evaluation.features import Floats

_BINS = 32
_TAIL = 0.005
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_TIME_STEPS = (
    *(k * unit for unit in (1e-6, 1e-3) for k in (1, 2, 5, 10, 20, 50, 100, 200, 500)),
    *(float(k) for k in (1, 2, 5, 10, 30)),
    *(k * _MINUTE for k in (1, 2, 5, 10, 30)),
    *(k * _HOUR for k in (1, 2, 6, 12)),
    *(k * _DAY for k in (1, 2, 7, 14, 30, 90, 180, 365, 730, 1825, 3650)),
)


def edges(numbers: Floats, reading: str, origin_s: float = 0.0) -> Floats:
    """Round edges around all but the outermost half percent at either side.

    Args:
        numbers: Values without missing ones, at least one of them finite.
        reading: "number", "datetime" or "duration"; times are in seconds after ``origin_s``.
        origin_s: Round edges are multiples of the step before it is subtracted.

    Shape:
        (n_bins + 1,) ascending, at least one bin
    """
    low, high = (float(q) for q in np.quantile(numbers, (_TAIL, 1 - _TAIL)))
    if high <= low:
        low, high = float(numbers.min()), float(numbers.max())
    if high <= low:
        high = low + max(1.0, abs(low) * 1e-6)
    step = _step((high - low) / _BINS, reading, bool((numbers == np.rint(numbers)).all()))
    first = math.floor((low + origin_s) / step)
    last = max(first + 1, math.floor((high + origin_s) / step) + 1)
    return np.arange(first, last + 1, dtype=np.float64) * step - origin_s


def _step(width: float, reading: str, whole: bool) -> float:
    if reading != "number":
        return next((step for step in _TIME_STEPS if step >= width), round_up(width))
    return max(1.0, round_up(width, whole)) if whole else round_up(width)


def round_up(width: float, whole: bool = False) -> float:
    """The next of 1, 2, 2.5 (not for whole numbers below 25), 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width))
    for factor in (1, 2, 2.5, 5, 10):
        step = factor * power
        if step >= width * (1 - 1e-9) and not (whole and step != round(step)):
            return step
    return 10 * power


def merged(counts: npt.NDArray[Any]) -> list[tuple[int, int]]:
    """Neighbouring bins put together until each holds no real row or at least `MIN_ROWS`.

    Shape:
        counts: (n_bins,) real rows; the result has (first, after last) of every group
    """
    groups: list[tuple[int, int]] = []
    start = 0
    for index in range(len(counts)):
        held = int(counts[start : index + 1].sum())
        if held == 0 or held >= MIN_ROWS:
            groups.append((start, index + 1))
            start = index + 1
    if start < len(counts):
        # What is left over joins the bins before it, empty ones included.
        while groups and 0 < int(counts[start:].sum()) < MIN_ROWS:
            start = groups.pop()[0]
        groups.append((start, len(counts)))
    return groups


def number_label(value: float, reading: str, origin_s: float = 0.0) -> str:
    """A number or time as a reader wants it."""
    if reading == "datetime":
        return _instant(value + origin_s)
    if reading == "duration":
        return str(pd.Timedelta(seconds=value)).replace(" 00:00:00", "")
    if value == round(value) and abs(value) < 1e15:
        # Up to 9999 it may be a year.
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _instant(seconds: float) -> str:
    try:
        text = pd.Timestamp(seconds, unit="s").isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError):
        return f"{seconds:.0f} s"
    return text.removesuffix(" 00:00:00")


def edge_label(low: float | None, high: float | None, reading: str, origin_s: float = 0.0) -> str:
    """The half-open bin from ``low`` to below ``high`` in words."""
    if low is None and high is None:
        return "all values"
    if low is None:
        return f"below {number_label(high or 0.0, reading, origin_s)}"
    if high is None:
        return f"{number_label(low, reading, origin_s)} and more"
    start, end = (number_label(end, reading, origin_s) for end in (low, high))
    return f"{start} to below {end}"
