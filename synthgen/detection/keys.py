"""Which columns are keys: serial numbers, record numbers, codes that name one row each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen.forms.patterns import integer_pattern
from synthgen.personal import words_of

_STRONG = frozenset(
    "id ids uid uuid guid key pk nbr rowid identifier serial hash mrn ssn vin imei iban sku index "
    "idx token".split()
)
_WEAK = frozenset("no nr number num code account ref reference ticket invoice order case".split())
_PHONE = frozenset("phone tel telephone mobile cell cellphone fax".split())
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
    if not evidence and int(values.max()) - int(values.min()) + 1 != count:
        if not set(words_of(name)) & _PHONE:
            return None
    distinct = len(pd.unique(values))
    unique = distinct == count
    long = int(np.median(values)) >= 10 ** (_ENOUGH_DIGITS - 1)
    if certain and not (unique and evidence == "strong" and long):
        return None
    fields = {"kind": "identifier", "unique": unique}
    if set(words_of(name)) & _PHONE and len(str(int(np.median(values)))) in range(7, 16):
        return fields | {"personal": "phone", "pattern": integer_pattern(values, serial=False)}
    if unique and int(values.max()) - int(values.min()) + 1 == count:
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
