"""Which columns are keys: serial numbers, record numbers, codes that name one row each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen.forms.patterns import integer_pattern
from synthgen.personal import PHONE_HINTS, words_of

_STRONG = frozenset(
    {"id", "ids", "uid", "uuid", "guid", "key", "pk", "nbr", "rowid", "identifier", "serial",
     "hash", "mrn", "ssn", "vin", "imei", "iban", "sku", "index", "idx", "token"}
)  # fmt: skip
_WEAK = frozenset(
    {"no", "nr", "number", "num", "code", "account", "ref", "reference", "ticket", "invoice",
     "order", "case"}
)  # fmt: skip
_ENOUGH_ROWS = 20
_ENOUGH_DIGITS = 4


def hint(name: Any) -> str:
    """How strongly a column's name says that it is a key: ``strong``, ``weak`` or nothing."""
    words = set(words_of(name))
    return "strong" if words & _STRONG else "weak" if words & _WEAK else ""


def integer_key(
    values: NDArray[np.int64], name: Any, certain: bool = False
) -> dict[str, Any] | None:
    """Fields of an identifier column if integers (n,) are keys, else ``None``.

    Args:
        values: The present cells, in the order of the rows.
        name: The column's name.
        certain: Accept only what is unique, has a strong name, and is long.
    """
    count = len(values)
    if count < 5 or values.min() < 0:
        return None
    evidence = hint(name)
    consecutive = int(values.max()) - int(values.min()) + 1 == count
    phone = bool(PHONE_HINTS & set(words_of(name)))
    if not (evidence or consecutive or phone):
        return None
    distinct = len(pd.unique(values))
    unique = distinct == count
    long = int(np.median(values)) >= 10 ** (_ENOUGH_DIGITS - 1)
    if certain and not (unique and evidence == "strong" and long):
        return None
    fields = {"kind": "identifier", "unique": unique}
    if phone and len(str(int(np.median(values)))) in range(7, 16):
        return fields | {"personal": "phone", "pattern": integer_pattern(values, serial=False)}
    if unique and consecutive:
        in_order = bool((np.diff(values) == 1).all())
        if evidence or (values.min() <= 1 and (in_order or count >= _ENOUGH_ROWS)):
            return fields | {"pattern": integer_pattern(values, serial=True)}
        return None
    if unique and (evidence == "strong" or (evidence and count >= _ENOUGH_ROWS and long)):
        return fields | {"pattern": integer_pattern(values, serial=False)}
    often = distinct > 0.5 * count and count >= _ENOUGH_ROWS and long
    if evidence == "strong" and often:
        return fields | {"pattern": integer_pattern(values, serial=False)}
    return None
