"""Checks of bytes that anyone may have written, made before memory is taken for what they claim."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

# Itemsize in bytes of the safetensors dtypes that numpy has too.
_ITEM_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2,
    "U32": 4, "I32": 4, "F32": 4, "U64": 8, "I64": 8, "F64": 8,
}  # fmt: skip
_CONTAINERS_LIMIT = 5_000_000  # each takes far more memory than its two bytes of text
_HEADER_LIMIT = 16 << 20
_DIMENSIONS_LIMIT = 16
_NATURAL_LIMIT = 1 << 40  # with a zero beside it, a longer axis would cost no bytes yet break numpy


def strict_json(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``: no repeated keys, no NaN, no bottomless nesting.

    Raises:
        ValueError: If it is anything else.
    """
    if data.count(b"{") + data.count(b"[") > _CONTAINERS_LIMIT:
        raise ValueError("too many entries")
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except ValueError as error:
        raise ValueError(f"not valid JSON: {str(error)[:80]}") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def check_tensors(read: Callable[[int], bytes], size: int) -> None:
    """Check the header of safetensors: known dtypes, and shapes that fill the data exactly.

    Args:
        read: Gives the next so many bytes; only the header is read.
        size: Bytes of header and data together.

    Raises:
        ValueError: If loading these tensors would fail or allocate anything else than they claim.
    """
    length = int.from_bytes(read(8), "little")
    if size < 8 or length > min(_HEADER_LIMIT, size - 8):
        raise ValueError("a header of impossible size")
    tensors = strict_json(read(length))
    tensors.pop("__metadata__", None)
    spans = []
    for name, entry in tensors.items():
        if (span := _span(entry)) is None:
            raise ValueError(f"array {name[:80]!r} has no valid dtype, shape and place")
        spans.append(span)
    end = 0
    for start, stop in sorted(spans):
        if start != end:
            raise ValueError("arrays overlap or leave a gap")
        end = stop
    if end != size - 8 - length:
        raise ValueError("arrays do not fill the data")


def _span(entry: object) -> tuple[int, int] | None:
    """Start and end of one array in the data, or None unless its shape says the same size."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        return None
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _ITEM_BYTES:
        return None
    if not (_naturals(shape) and _naturals(offsets) and len(offsets) == 2):
        return None
    size = math.prod(shape) * _ITEM_BYTES[dtype]
    return (offsets[0], offsets[1]) if offsets[1] - offsets[0] == size else None


def _naturals(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= _DIMENSIONS_LIMIT
        and all(type(number) is int and 0 <= number <= _NATURAL_LIMIT for number in value)
    )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key occurs twice")
    return result


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
