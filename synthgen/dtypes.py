"""Names of pandas dtypes, and the dtypes of these names; the bridge over pandas 2 and 3.

pandas prints ``string`` for several storages and ``string[pyarrow]`` for two different dtypes;
the names here are unambiguous, and they are what a schema stores.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from synthgen.arrowtypes import type_name, type_of
from synthgen.errors import SchemaError

_ARROW = "[pyarrow]"
_STRINGS = ("str", "string[python]", "string[pyarrow]")


def dtype_name(dtype: Any) -> str:
    """The name a schema stores for a pandas dtype; `dtype_of` is its inverse.

    A category is just ``category`` here: its levels and order are kept elsewhere.
    """
    # Hashing a category hashes all of its levels: it must not reach the cache.
    return "category" if isinstance(dtype, pd.CategoricalDtype) else _name(dtype)


@lru_cache(maxsize=256)
def _name(dtype: Any) -> str:
    if isinstance(dtype, pd.ArrowDtype):
        return type_name(dtype.pyarrow_dtype) + _ARROW
    if isinstance(dtype, pd.StringDtype):
        return "str" if dtype.na_value is np.nan else f"string[{dtype.storage}]"
    return str(dtype)


@lru_cache(maxsize=256)
def dtype_of(name: str) -> Any:
    """The pandas dtype called ``name``; raises `SchemaError` if there is none."""
    if name == "str":
        return pd.StringDtype(na_value=np.nan)
    if name in ("string", "string[python]", "string[pyarrow]"):
        return pd.StringDtype(name.partition("[")[2].rstrip("]") or None)
    if name.endswith(_ARROW):
        return pd.ArrowDtype(type_of(name.removesuffix(_ARROW)))
    try:
        return pd.api.types.pandas_dtype(name)
    except TypeError:
        raise SchemaError(f"unknown dtype {name!r}; expected a pandas dtype's name") from None


def is_text(dtype: Any) -> bool:
    """Whether cells of this dtype are strings by definition (not: object)."""
    name = dtype_name(dtype)
    return name in _STRINGS or name in (f"utf8{_ARROW}", f"large_string{_ARROW}")


def is_arrow(dtype: Any) -> bool:
    """Whether the dtype is Arrow-backed (`pandas.ArrowDtype`)."""
    return isinstance(dtype, pd.ArrowDtype)


def family(dtype: Any) -> str:
    """One of text, object, boolean, integer, float, datetime, duration, category, other."""
    return "category" if isinstance(dtype, pd.CategoricalDtype) else _family(dtype)


@lru_cache(maxsize=256)
def _family(dtype: Any) -> str:
    if is_text(dtype):
        return "text"
    if is_arrow(dtype):
        return _arrow_family(type_name(dtype.pyarrow_dtype))
    if isinstance(dtype, pd.SparseDtype):
        return family(dtype.subtype)
    if isinstance(dtype, (pd.DatetimeTZDtype, pd.PeriodDtype)):
        return "datetime"
    kind = getattr(dtype, "kind", "?")
    if isinstance(dtype, pd.IntervalDtype):
        return "other"
    return {
        "O": "object", "b": "boolean", "i": "integer", "u": "integer", "f": "float",
        "M": "datetime", "m": "duration",
    }.get(kind, "other")  # fmt: skip


def _arrow_family(name: str) -> str:
    if name == "null":
        return "object"
    if name == "bool":
        return "boolean"
    if name.lstrip("u").startswith("int"):
        return "integer"
    if name in ("halffloat", "float", "double") or name.startswith("decimal"):
        return "float"
    if name.startswith(("timestamp", "date")):
        return "datetime"
    if name.startswith(("duration", "time")):
        return "duration"
    return "category" if name.startswith("dictionary") else "other"
