"""Durations that arrive as text: ``1 days 02:03:04.5`` (as pandas writes them) or ``26:03:04``."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen.forms.dates import TICKS_PER_SECOND

_DURATION = re.compile(
    r"(?P<sign>-)?(?:(?P<days>-?\d+) days? ?)?"
    r"(?:(?P<plus>\+)?(?P<H>\d{1,4}):(?P<M>[0-5]\d)(?::(?P<S>[0-5]\d)(?:\.(?P<f>\d{1,9}))?)?)?"
)
DAYS = "days"


@dataclass(frozen=True)
class DurationText:
    """Ticks (n,), and the form: ``days``, ``%H:%M``, ``%-H:%M:%S``, with ``.%3f`` for fractions."""

    ticks: NDArray[np.int64]
    text_format: str
    unit: str


def parse(texts: NDArray[np.object_]) -> DurationText | None:
    """Ticks and form of ``texts`` (n,), or ``None`` if one is not a duration."""
    matches = []
    for text in texts:
        match = _DURATION.fullmatch(text)
        if match is None or (match["H"] is None and match["days"] is None):
            return None
        matches.append(match)
    if not matches:
        return None
    digits = max((len(match["f"] or "") for match in matches), default=0)
    unit = "s" if digits == 0 else "ms" if digits <= 3 else "us" if digits <= 6 else "ns"
    if any(match["days"] for match in matches):
        form = DAYS
    else:
        short = any(len(match["H"]) == 1 for match in matches)
        seconds = any(match["S"] for match in matches)
        form = f"{'%-H' if short else '%H'}:%M{':%S' if seconds else ''}"
    if digits:
        form += f".%{digits}f"
    ticks = np.array([_ticks(match, TICKS_PER_SECOND[unit]) for match in matches], dtype=np.int64)
    return DurationText(ticks, form, unit)


def read(texts: NDArray[np.object_], unit: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ticks of ``texts`` (n,), and which of them are not durations."""
    codes, distinct = pd.factorize(texts)
    matches = [_DURATION.fullmatch(text) for text in distinct]
    scale = TICKS_PER_SECOND[unit]
    ticks = [0 if match is None else _ticks(match, scale) for match in matches]
    bad = np.array([match is None for match in matches], dtype=bool)
    return np.array(ticks, dtype=np.int64)[codes], bad[codes]


def write(ticks: NDArray[np.int64], text_format: str, unit: str) -> NDArray[np.object_]:
    """Texts of ``ticks`` (n,)."""
    distinct, codes = np.unique(ticks, return_inverse=True)
    texts = [_text(int(tick), text_format, TICKS_PER_SECOND[unit]) for tick in distinct]
    return np.array(texts, dtype=object)[codes]


def _ticks(match: re.Match[str], per_second: int) -> int:
    seconds = int(match["H"] or 0) * 3600 + int(match["M"] or 0) * 60 + int(match["S"] or 0)
    fraction = int((match["f"] or "").ljust(9, "0")) * per_second // 10**9
    clock = seconds * per_second + fraction
    total = int(match["days"] or 0) * 86_400 * per_second + clock
    return (
        -total
        if match["sign"] and match["days"] is None
        else (total if not match["sign"] else clock - int(match["days"] or 0) * 86_400 * per_second)
    )


def _text(tick: int, text_format: str, per_second: int) -> str:
    form, point, fraction_format = text_format.partition(".%")
    sign, days = "", 0
    if form == DAYS:
        days, tick = divmod(tick, 86_400 * per_second)
    elif tick < 0:
        sign, tick = "-", -tick
    seconds, fraction = divmod(tick, per_second)
    hours, minutes = divmod(seconds // 60, 60)
    clock = f"{hours if form.startswith('%-H') else f'{hours:02d}'}:{minutes:02d}"
    if form == DAYS or form.endswith("%S"):
        clock += f":{seconds % 60:02d}"
    if point:
        clock += "." + f"{fraction * (10**9 // per_second):09d}"[: int(fraction_format[0])]
    if form == DAYS:
        return f"{days} days {'+' if days < 0 else ''}{clock}"
    return sign + clock
