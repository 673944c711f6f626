"""Dates and times that arrive as text: guess the format, read ticks, write them back.

A format is ``strftime``'s, with ``%-m`` for a number without leading zero, ``%3f`` for a fraction
of three digits and ``%:z`` for an offset with a colon. A text is split into its date and the rest;
each distinct part is worked on once, so a million cells take about a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_DAY_S = 86_400
_DAY_MIN = 1440
_OFFSETS = 2 * _DAY_MIN + 1  # whole minutes by which a zone can be off UTC
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August",
           "September", "October", "November", "December")  # fmt: skip
_NUMBER_OF = {name[:size].lower(): i + 1 for i, name in enumerate(_MONTHS) for size in (3, None)}
_TOKEN = re.compile(r"%(?:-[mdHI]|:z|\d?f|[YymdbBHIMSpz])")
_GROUPS = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d{2})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})",
    "b": r"(?P<b>[A-Za-z]{3})", "B": r"(?P<b>[A-Za-z]{3,9})", "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})", "M": r"(?P<M>\d{2})", "S": r"(?P<S>\d{2})", "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp][Mm])", "z": r"(?P<z>[+-]\d{2}:?\d{2}|Z)",
}  # fmt: skip
_DATE = re.compile(
    r"(?P<Y>\d{4})(?P<s1>[-/.])(?P<m>\d{1,2})(?P=s1)(?P<d>\d{1,2})"
    r"|(?P<a>\d{1,2})(?P<s2>[-/.])(?P<b>\d{1,2})(?P=s2)(?P<y>\d{4}|\d{2})"
    r"|(?P<d3>\d{1,2})(?P<s3>[- ])(?P<n3>[A-Za-z]{3,9})(?P=s3)(?P<Y3>\d{4})"
    r"|(?P<n4>[A-Za-z]{3,9}) (?P<d4>\d{1,2})(?P<s4>,? )(?P<Y4>\d{4})"
)
_TIME = re.compile(
    r"(?P<sep>[T ])(?P<H>\d{1,2}):(?P<M>\d{2})(?P<S>:\d{2}(?P<f>\.\d{1,9})?)?"
    r"(?P<p> ?[AaPp][Mm])?(?P<z>Z| ?[+-]\d{2}(?P<colon>:)?\d{2})?"
)
_SAMPLE = 400


@dataclass(frozen=True)
class DateText:
    """Ticks (n,) of a column of date texts, and the format, unit and zone they are written in."""

    ticks: NDArray[np.int64]
    text_format: str
    unit: str
    zone: str | None


def parse(texts: NDArray[np.object_]) -> DateText | None:
    """Ticks and format of ``texts`` (n,), or ``None`` if no known format reads all of them."""
    if len(texts) == 0:
        return None
    step = max(1, len(texts) // _SAMPLE)
    for candidate in _candidates([str(text) for text in texts[::step]]):
        unit = unit_of(candidate)
        ticks, bad, offsets = _read(texts, candidate, unit)
        if not bad.any():
            zone = None
            if "%z" in candidate or "%:z" in candidate or candidate.endswith("Z"):
                zone = _zone(offsets)
            return DateText(ticks, candidate, unit, zone)
    return None


def read(
    texts: NDArray[np.object_], text_format: str, unit: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Ticks of ``texts`` (n,) since the epoch (UTC if they have an offset), and which failed."""
    ticks, bad, _ = _read(texts, text_format, unit)
    return ticks, bad


def write(
    ticks: NDArray[np.int64], text_format: str, unit: str, zone: str | None
) -> NDArray[np.object_]:
    """Texts of ``ticks`` (n,)."""
    per_second = TICKS_PER_SECOND[unit]
    seconds = np.zeros(len(ticks), dtype=np.int64)
    if zone is not None:
        seconds = offset_seconds(ticks, unit, zone)
    local = ticks + seconds * per_second
    days = local // (_DAY_S * per_second)
    date_part, time_part = split_format(text_format)
    distinct, codes = np.unique(days, return_inverse=True)
    texts = np.array([_date_text(day, date_part) for day in distinct], dtype=object)[codes]
    if not time_part:
        return texts
    within = local - days * (_DAY_S * per_second)
    # A time of day and its offset travel in one integer, as in `_read`.
    packed, codes = np.unique(within * _OFFSETS + seconds // 60 + _DAY_MIN, return_inverse=True)
    template = _time_template(time_part)
    times = [_time_text(int(each), template, per_second) for each in packed]
    return np.asarray(texts + np.array(times, dtype=object)[codes], dtype=object)


def split_format(text_format: str) -> tuple[str, str]:
    """The date's part of a format, and the rest from its first time token's separator on."""
    match = re.search(r".?%-?[HI]", text_format)
    return (text_format[: match.start()], text_format[match.start() :]) if match else (
        text_format, ""
    )  # fmt: skip


def unit_of(text_format: str) -> str:
    """The coarsest unit that holds the fraction a format writes."""
    match = re.search(r"%(\d?)f", text_format)
    if match is None:
        return "s"
    digits = int(match[1] or 6)
    return "ms" if digits <= 3 else "us" if digits <= 6 else "ns"


def offset_seconds(ticks: NDArray[np.int64], unit: str, zone: str) -> NDArray[np.int64]:
    """Seconds by which wall time in ``zone`` is ahead of UTC at each tick."""
    utc = pd.Series(ticks.astype(f"datetime64[{unit}]")).dt.tz_localize("UTC")
    wall = utc.dt.tz_convert(zone).dt.tz_localize(None)
    ahead = wall - utc.dt.tz_localize(None)
    return (ahead.dt.total_seconds()).to_numpy().astype(np.int64)


def _candidates(sample: list[str]) -> list[str]:
    """Formats that may fit all of the sample, the likeliest first."""
    matches = []
    for text in sample:
        date = _DATE.match(text)
        if date is None:
            return []
        rest = text[date.end() :]
        time = _TIME.fullmatch(rest) if rest else None
        if rest and time is None:
            return []
        matches.append((date, time))
    times = {time is not None for _, time in matches}
    if len(times) > 1:
        return []
    suffix = _time_format([time for _, time in matches if time is not None])
    return [date + suffix for date in _date_formats([date for date, _ in matches])]


def _flag(token: str, fields: list[str]) -> str:
    """``%m`` or ``%-m``: without leading zeros if some field has one digit."""
    return f"%-{token}" if any(len(field) == 1 for field in fields) else f"%{token}"


def _date_formats(dates: list[re.Match[str]]) -> list[str]:
    first = dates[0].groupdict()
    kind = "Y" if first["Y"] else "a" if first["a"] else "d3" if first["d3"] else "n4"
    if any(match[kind] is None for match in dates):
        return []
    if kind == "Y":
        s = first["s1"]
        month = _flag("m", [match["m"] for match in dates])
        return [f"%Y{s}{month}{s}{_flag('d', [match['d'] for match in dates])}"]
    if kind == "a":
        s, year = first["s2"], "%Y" if len(first["y"]) == 4 else "%y"
        if year == "%y" and s == "-":
            return []
        a, b = [match["a"] for match in dates], [match["b"] for match in dates]
        american = f"{_flag('m', a)}{s}{_flag('d', b)}{s}{year}"
        european = f"{_flag('d', a)}{s}{_flag('m', b)}{s}{year}"
        return [european, american] if s == "." else [american, european]
    names = [match["n3"] or match["n4"] for match in dates]
    token = "%b" if all(len(name) == 3 for name in names) else "%B"
    day = _flag("d", [match[kind if kind == "d3" else "d4"] for match in dates])
    if kind == "d3":
        s = first["s3"]
        return [f"{day}{s}{token}{s}%Y"]
    return [f"{token} {day}{first['s4']}%Y"]


def _time_format(times: list[re.Match[str]]) -> str:
    if not times:
        return ""
    first = times[0].groupdict()
    hour = _flag("I" if first["p"] else "H", [match["H"] for match in times])
    text = f"{first['sep']}{hour}:%M"
    if any(match["S"] for match in times):
        text += ":%S"
    if fractions := [len(match["f"]) - 1 for match in times if match["f"]]:
        text += f".%{max(fractions)}f"
    if first["p"]:
        text += " %p" if first["p"].startswith(" ") else "%p"
    if first["z"]:
        space = " " if first["z"].startswith(" ") else ""
        offset = "Z" if first["z"] == "Z" else "%:z" if first["colon"] else "%z"
        text += space + offset
    return text


def _zone(offsets: NDArray[np.int64]) -> str:
    """The zone of texts with these offsets in seconds: UTC unless all share another one."""
    common = int(offsets[0]) if len(offsets) and (offsets == offsets[0]).all() else 0
    if common == 0:
        return "UTC"
    hours, minutes = divmod(abs(common) // 60, 60)
    return f"UTC{'+' if common > 0 else '-'}{hours:02d}:{minutes:02d}"


@lru_cache(maxsize=64)
def _pattern(text_format: str) -> re.Pattern[str]:
    """The expression that reads a format; fractions may be missing."""
    pieces, end = [], 0
    for match in _TOKEN.finditer(text_format):
        literal, token = text_format[end : match.start()], match[0][-1]
        if token == "f":
            pieces.append(f"(?:{re.escape(literal)}{_GROUPS['f']})?")
        else:
            pieces.append(re.escape(literal) + _GROUPS[token])
        end = match.end()
    return re.compile("".join(pieces) + re.escape(text_format[end:]))


def _read(
    texts: NDArray[np.object_], text_format: str, unit: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Ticks, which texts failed, and offsets from UTC in seconds, each (n,)."""
    date_format, time_format = split_format(text_format)
    if not time_format:
        days, bad = _by_distinct(texts, lambda text: _day(text, date_format))
        return days * (_DAY_S * TICKS_PER_SECOND[unit]), bad, np.zeros(len(texts), np.int64)
    dates, rests = _split(texts, time_format[0], date_format.count(" "))
    days, bad_days = _by_distinct(dates, lambda text: _day(text, date_format))
    per_second = TICKS_PER_SECOND[unit]
    packed, bad_times = _by_distinct(rests, lambda text: _time(text, time_format[1:], per_second))
    # A time of day and its offset travel in one integer: offsets are whole minutes within a day.
    offsets = (packed % _OFFSETS - _DAY_MIN) * 60
    ticks = days * (_DAY_S * per_second) + packed // _OFFSETS - offsets * per_second
    return ticks, bad_days | bad_times, offsets


def _split(
    texts: NDArray[np.object_], separator: str, spaces: int
) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Dates and what follows the separator after them; a date may hold ``spaces`` itself."""
    if spaces == 0 or separator != " ":
        parts = [text.partition(separator)[::2] for text in texts]
    else:
        words = [text.split(" ", spaces + 1) for text in texts]
        parts = [(" ".join(each[: spaces + 1]), " ".join(each[spaces + 1 :])) for each in words]
    both = np.array(parts, dtype=object).reshape(len(texts), 2)
    return both[:, 0], both[:, 1]


def _by_distinct(
    texts: NDArray[np.object_], read_one: Callable[[str], int | None]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    codes, distinct = pd.factorize(texts)
    found = [read_one(text) for text in distinct]
    bad = np.array([value is None for value in found], dtype=bool)
    values = np.array([0 if value is None else value for value in found], dtype=np.int64)
    return values[codes], bad[codes]


def _day(text: str, date_format: str) -> int | None:
    """Days since the epoch, or ``None``."""
    match = _pattern(date_format).fullmatch(text)
    if match is None:
        return None
    field = match.groupdict()
    month = _NUMBER_OF.get(field["b"].lower()) if "b" in field else int(field["m"])
    year = int(field["Y"]) if "Y" in field else 2000 + int(field["y"])
    if "y" in field and year > 2068:  # POSIX: 69-99 are the last century
        year -= 100
    day = int(field["d"])
    if month is None or not 1 <= month <= 12 or day < 1:
        return None
    first = np.datetime64(f"{year:04d}-{month:02d}", "M")
    if day > int((first + 1).astype("M8[D]").astype(int) - first.astype("M8[D]").astype(int)):
        return None
    return int(first.astype("M8[D]").astype(int)) + day - 1


def _time(text: str, time_format: str, per_second: int) -> int | None:
    """Ticks since midnight and offset, packed (see `_read`), or ``None``."""
    match = _pattern(time_format).fullmatch(text)
    if match is None:
        return None
    field = match.groupdict()
    hour = int(field.get("H") or field.get("I") or 0)
    minute, second = int(field["M"]), int(field.get("S") or 0)
    if "p" in field:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if field["p"].lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    ticks = (hour * 3600 + minute * 60 + second) * per_second
    if field.get("f"):
        ticks += int(field["f"].ljust(9, "0")) * per_second // 10**9
    offset = 0
    if (z := field.get("z")) and z != "Z":
        offset = (int(z[1:3]) * 60 + int(z[-2:])) * (-1 if z[0] == "-" else 1)
        if abs(offset) > _DAY_MIN:
            return None
    return ticks * _OFFSETS + offset + _DAY_MIN


def _date_text(day: int, date_format: str) -> str:
    stamp = np.datetime64(int(day), "D")
    year, month, number = str(stamp).rsplit("-", 2)
    values = {
        "%Y": year, "%y": year[-2:], "%m": month, "%d": number,
        "%-m": str(int(month)), "%-d": str(int(number)),
        "%B": _MONTHS[int(month) - 1], "%b": _MONTHS[int(month) - 1][:3],
    }  # fmt: skip
    return _TOKEN.sub(lambda match: values[match[0]], date_format)


def _time_template(time_format: str) -> str:
    """The format as a template for `str.format`; ``%3f`` is the fraction's first three digits."""
    fields = {
        "H": "{h:02d}", "-H": "{h}", "I": "{i:02d}", "-I": "{i}", "M": "{m:02d}", "S": "{s:02d}",
        "p": "{p}", "z": "{z}", ":z": "{zz}", "f": "{f:.6}",
    } | {f"{count}f": f"{{f:.{count}}}" for count in range(1, 10)}  # fmt: skip
    escaped = time_format.replace("{", "{{").replace("}", "}}")
    return _TOKEN.sub(lambda match: fields[match[0][1:]], escaped)


def _time_text(packed: int, template: str, per_second: int) -> str:
    ticks, ahead = divmod(packed, _OFFSETS)
    second, fraction = divmod(ticks, per_second)
    minute, s = divmod(second, 60)
    h, m = divmod(minute, 60)
    ahead -= _DAY_MIN
    sign, (zh, zm) = "-" if ahead < 0 else "+", divmod(abs(ahead), 60)
    return template.format(
        h=h, i=h % 12 or 12, m=m, s=s, p="AM" if h < 12 else "PM",
        z=f"{sign}{zh:02d}{zm:02d}", zz=f"{sign}{zh:02d}:{zm:02d}",
        f=f"{fraction * (10**9 // per_second):09d}",
    )  # fmt: skip
