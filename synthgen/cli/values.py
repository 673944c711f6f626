"""Texts of the command line as values: durations, sizes, options and conditions."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable
from typing import Any

import typer

from synthgen.errors import ConditionError, InvalidInputError
from synthgen.schema import Column, Schema, nearest

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_MEGABYTES = {"": 1, "m": 1, "mb": 1, "g": 1024, "gb": 1024, "t": 1024**2, "tb": 1024**2}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)\s*")
_NUMERIC = ("integer", "float", "datetime", "duration")


def duration(text: str | float) -> float:
    """Seconds of ``90``, ``90s``, ``5m``, ``1h30m``."""
    rest, seconds = str(text).strip().lower(), 0.0
    while match := _DURATION_PART.match(rest):
        if match[2] not in _SECONDS:
            break
        seconds += float(match[1]) * _SECONDS[match[2]]
        rest = rest[match.end() :]
    if rest or not seconds:
        raise typer.BadParameter(f"{text!r} is no duration above 0; write 90s, 5m or 1h30m")
    return seconds


def megabytes(text: str | float) -> float:
    """Megabytes of ``4g``, ``512m``, ``512``."""
    match = _DURATION_PART.fullmatch(str(text).strip().lower())
    if not match or match[2] not in _MEGABYTES or not float(match[1]):
        raise typer.BadParameter(f"{text!r} is no size above 0; write 512m or 4g")
    return float(match[1]) * _MEGABYTES[match[2]]


def show_duration(seconds: float) -> str:
    """``8.2 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def show_size(n_bytes: int) -> str:
    """``812 B``, ``3.1 MB``."""
    size = float(n_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def options(texts: Iterable[str]) -> dict[str, Any]:
    """Model options of ``loss=hinge``, ``pac=4``, ``spectral_norm=true``."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise InvalidInputError(f"--option {text!r}: write it as NAME=VALUE")
        if name.strip() in found:
            raise InvalidInputError(f"--option {name.strip()}: given twice")
        found[name.strip()] = _literal(value.strip())
    return found


def _literal(text: str) -> Any:
    try:
        value = json.loads(text.lower() if text.lower() in ("true", "false", "null") else text)
    except ValueError:
        return text
    return value if not isinstance(value, (dict, list)) else text


def conditions(texts: Iterable[str], schema: Schema) -> dict[str | int, Any]:
    """Conditions for ``SynthGen.sample`` of ``COL=VALUE``, ``A,B,C``, ``LOW..HIGH``, ``COL=``.

    A value that contains a comma, or two dots, stands in double quotes.

    Raises:
        ConditionError: If a column is unknown or given twice, or a number does not parse.
    """
    found: dict[str | int, Any] = {}
    for text in texts:
        column, value = _split(text, schema)
        if column.name in found:
            raise ConditionError(
                f"--where {text!r}: {column.name!r} has a condition already; "
                f"several values go into one, as {column.name}=A,B"
            )
        found[column.name] = _wanted(value, column)
    return found


def column_named(text: str, schema: Schema, option: str) -> str | int:
    """The column called ``text``, which may be a number in the schema."""
    for column in schema:
        if str(column.name) == text:
            return column.name
    raise ConditionError(
        f"{option} {text!r}: no such column{nearest(text, [str(name) for name in schema.names])}"
    )


def _split(text: str, schema: Schema) -> tuple[Column, str]:
    """The column and the text after '='; the longest name wins, for names may contain '='."""
    by_name = {str(column.name): column for column in schema}
    for match in reversed(list(re.finditer("=", text))):
        if text[: match.start()] in by_name:
            return by_name[text[: match.start()]], text[match.end() :]
    name, equals, _ = text.partition("=")
    if not equals:
        raise ConditionError(
            f"--where {text!r}: write COL=VALUE, COL=A,B,C, COL=LOW..HIGH or COL= for missing"
        )
    raise ConditionError(f"--where {text!r}: no column {name!r}{nearest(name, list(by_name))}")


def _wanted(text: str, column: Column) -> Any:
    if text == "":
        return None
    low, dots, high = text.partition("..")
    if dots and not text.startswith('"') and column.kind in _NUMERIC:
        return (
            _value(low, column) if low else None,
            _value(high, column) if high else None,
        )
    parts = next(csv.reader([text]))
    values = [_value(part, column) for part in parts]
    return values[0] if len(values) == 1 else set(values)


def _value(text: str, column: Column) -> Any:
    if column.kind in ("integer", "float"):
        return _number(text, column)
    if column.kind == "boolean":
        return _boolean(text, column)
    return text


def _number(text: str, column: Column) -> int | float:
    for parse in (int, float):
        try:
            number: int | float = parse(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    raise ConditionError(f"--where {column.name}: {text!r} is not a number")


def _boolean(text: str, column: Column) -> bool:
    yes, _, no = (column.text_format or "True/False").partition("/")
    for known, value in ((yes, True), (no, False), ("true", True), ("false", False)):
        if text.lower() == known.lower():
            return value
    raise ConditionError(f"--where {column.name}: {text!r} is neither {yes!r} nor {no!r}")
