"""Names of Arrow types, and the types of these names.

pyarrow prints its types but cannot parse what it prints; a model file stores names only.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from synthgen.errors import InvalidInputError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow as pa

_SIMPLE = {
    "null": "null",
    "bool": "bool_",
    "halffloat": "float16",
    "float": "float32",
    "double": "float64",
    "utf8": "utf8",
    "string": "utf8",
    "large_string": "large_utf8",
    "string_view": "string_view",
    "date32[day]": "date32",
    "date64[ms]": "date64",
} | {f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
_TIMED = re.compile(r"(timestamp|duration|time32|time64)\[(s|ms|us|ns)(?:, tz=(.+))?\]")
_DECIMAL = re.compile(r"(decimal(?:32|64|128|256))\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")


def pyarrow() -> Any:
    """The pyarrow module; raises `MissingExtraError` where it is not installed."""
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError(
            "polars and Arrow tables need pyarrow, which is not installed; "
            "run: pip install 'synthgen[arrow]'"
        ) from None
    return pyarrow


def type_name(arrow_type: pa.DataType) -> str:
    """The name of an Arrow type; `type_of` is its inverse."""
    name = str(arrow_type)
    return "utf8" if name == "string" else name


def type_of(name: str) -> pa.DataType:
    """The Arrow type called ``name``; raises `InvalidInputError` for one that is not supported."""
    pa = pyarrow()
    if name in _SIMPLE:
        return getattr(pa, _SIMPLE[name])()
    if match := _TIMED.fullmatch(name):
        family, unit, zone = match.groups()
        return pa.timestamp(unit, tz=zone) if family == "timestamp" else getattr(pa, family)(unit)
    if match := _DECIMAL.fullmatch(name):
        return getattr(pa, match[1])(int(match[2]), int(match[3]))
    if match := _DICTIONARY.fullmatch(name):
        return pa.dictionary(type_of(match[2]), type_of(match[1]), ordered=match[3] == "1")
    raise InvalidInputError(f"Arrow type {name!r} is not supported")
