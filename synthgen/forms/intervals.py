"""Intervals as text and back: the levels of a category that ``pandas.cut`` made."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from synthgen.errors import SchemaError

_TEXT = re.compile(r"[\[(](.+), (.+)[\])]")
_DTYPE = re.compile(r"interval\[(.+), (left|right|both|neither)\]")


def of_texts(texts: list[str], dtype: str) -> pd.IntervalIndex[Any]:
    """The intervals ``texts`` such as ``(0, 10]`` spell; dtype like ``interval[int64, right]``."""
    form = _DTYPE.fullmatch(dtype)
    matches = [_TEXT.fullmatch(text) for text in texts]
    if form is None or None in matches:
        raise SchemaError(f"not intervals of dtype {dtype}: {texts[:3]}")
    edges = [
        pd.Index([match[side] for match in matches if match], dtype="object").astype(form[1])
        for side in (1, 2)
    ]
    return pd.IntervalIndex.from_arrays(edges[0], edges[1], closed=form[2])  # type: ignore[arg-type]
