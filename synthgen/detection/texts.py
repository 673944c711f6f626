"""What a column of texts holds: numbers, booleans, dates, durations, keys, categories or prose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from synthgen import personal
from synthgen.cells import finite
from synthgen.detection.keys import hint, integer_key
from synthgen.forms import dates, durations, markers, numbers, patterns

Fields = dict[str, Any]
Form = TypeVar("Form")
Texts = NDArray[np.object_]
_BOOLEANS = (("True", "False"), ("true", "false"), ("TRUE", "FALSE"))
_ENOUGH_ROWS = 20
_MOSTLY_DISTINCT = 0.95
_OFTEN_DISTINCT = 0.5


def describe_text(cells: Texts, missing: NDArray[np.bool_], name: Any) -> Fields:
    """Fields of the `Column` of text ``cells`` (n,); ``ticks`` is among them for dates.

    Args:
        cells: The cells; anything where ``missing``.
        missing: (n,) whether a cell is null.
        name: The column's name, which may confirm what the values say.
    """
    codes, distinct = pd.factorize(cells[~missing])
    texts = np.asarray(distinct, dtype=object)
    counts = np.bincount(codes, minlength=len(texts))
    stripped = np.array([text.strip() for text in texts], dtype=object)
    beside = np.array([text in markers.BESIDE_NUMBERS for text in stripped], dtype=bool)
    if not beside.all() and (typed := _typed(stripped, ~beside, codes, name)):
        return typed | _missing(texts, counts, beside, missing)
    always = np.array([text in markers.ALWAYS for text in stripped], dtype=bool)
    marks = _missing(texts, counts, always, missing)
    kept = np.array([text != marks.get("missing_marker") for text in texts], dtype=bool)
    return _words(texts[kept], counts[kept], name) | marks


def _missing(
    texts: Texts, counts: NDArray[np.intp], marked: NDArray[np.bool_], null: NDArray[np.bool_]
) -> Fields:
    """The commonest marker, unless there are nulls to stand for missing cells."""
    if null.any() or not marked.any():
        return {"nullable": bool(null.any() or marked.any())}
    commonest = int(np.where(marked, counts, -1).argmax())
    return {"nullable": True, "missing_marker": texts[commonest]}


def _typed(texts: Texts, present: NDArray[np.bool_], codes: NDArray[np.intp], name: Any) -> Fields:
    """Fields if the present distinct ``texts`` are all booleans, numbers, dates or durations."""
    values = texts[present]
    for true, false in _BOOLEANS:
        if all(text in (true, false) for text in values[:3]) and set(values) <= {true, false}:
            return {"kind": "boolean", "text_format": f"{true}/{false}"}
    # Most columns that are something else are told apart by a few of their values.
    probe = values[:: len(values) // 50] if len(values) > 1000 else None
    if found := _parsed(numbers.parse, values, probe):
        return _number(found, present, codes, name)
    if moments := _parsed(dates.parse, values, probe):
        return {
            "kind": "datetime", "unit": moments.unit, "zone": moments.zone,
            "text_format": moments.text_format, "ticks": moments.ticks,
        }  # fmt: skip
    if spans := _parsed(durations.parse, values, probe):
        return {
            "kind": "duration", "unit": spans.unit, "text_format": spans.text_format,
            "ticks": spans.ticks,
        }  # fmt: skip
    return {}


def _parsed(
    parse: Callable[[Texts], Form | None], values: Texts, probe: Texts | None
) -> Form | None:
    return None if probe is not None and parse(probe) is None else parse(values)


def _number(
    found: numbers.NumberText, present: NDArray[np.bool_], codes: NDArray[np.intp], name: Any
) -> Fields:
    values = found.values
    if values.dtype.kind == "i":
        cells = np.zeros(len(present), dtype=np.int64)
        cells[present] = values
        in_rows = cells[codes][present[codes]]
        fields = (integer_key(in_rows, name) if found.picture == "0" else None) or {
            "kind": "integer"
        }
    else:
        finite(values.astype(np.float64), np.zeros(len(values), dtype=bool), name)
        fields = {"kind": "float", "decimals": found.decimals}
    plain = fields["kind"] != "identifier" and found.picture != "0"
    return fields | ({"text_format": found.picture} if plain else {})


def _words(texts: Texts, counts: NDArray[np.intp], name: Any) -> Fields:
    """Fields for texts that are neither numbers nor dates: by shape, repetition and length."""
    rows = int(counts.sum())
    if rows == 0:
        return {"kind": "category"}
    unique = len(texts) == rows
    if (kind := personal.detect(texts, name, counts)) is not None:
        return _personal(kind, texts, unique)
    share = len(texts) / rows
    sample = texts[:: max(1, len(texts) // 2000)].tolist()
    lengths = np.array([len(text) for text in sample])
    words = np.array([text.count(" ") + 1 for text in sample])
    digits = sum(sum(map(str.isdigit, text)) for text in sample) / max(1, int(lengths.sum()))
    code = {"kind": "identifier", "unique": unique}
    enough = rows >= _ENOUGH_ROWS
    if all(patterns.UUID.fullmatch(text) for text in sample) and share > _OFTEN_DISTINCT:
        return code | {"pattern": patterns.infer_pattern(texts)}
    single = (words == 1).mean() > 0.9
    likely = hint(name)
    if single and (pattern := patterns.infer_pattern(texts)):
        digital = np.mean([any(map(str.isdigit, text)) for text in sample]) > 0.8
        hinted = likely == "strong" and (unique or (share > _OFTEN_DISTINCT and enough))
        shaped = share > _MOSTLY_DISTINCT and enough and (digital or _one_shape(sample))
        if (hinted and rows >= 5) or shaped:
            return code | {"pattern": pattern}
    if enough and share > _OFTEN_DISTINCT:
        if digits > 0.4 and lengths.mean() >= 8:
            return code | {"pattern": patterns.infer_pattern(texts)}
        if max(words.mean() / 4, lengths.mean() / 30, share / _MOSTLY_DISTINCT) >= 1:
            return {"kind": "text", "unique": False, "length": _rounded(float(lengths.mean()))}
    return {"kind": "category"}


def _personal(kind: str, texts: Texts, unique: bool) -> Fields:
    fields: Fields = {"kind": "identifier", "personal": kind, "unique": unique}
    if kind == "name":
        return fields | {"kind": "text", "text_format": personal.name_form(texts)}
    if kind == "address":
        return fields | {"kind": "text", "text_format": personal.address_form(texts)}
    return fields | ({"pattern": personal.phone_pattern(texts)} if kind == "phone" else {})


def _one_shape(sample: list[str]) -> bool:
    """Whether texts look like codes: of one length, and not words in lower case."""
    lengths = {len(text) for text in sample}
    return len(lengths) <= 2 and not all(text[1:].islower() for text in sample)


def _rounded(length: float) -> int:
    """To one significant digit: a length, not a fingerprint."""
    size: int = 10 ** (len(str(int(length))) - 1)
    return max(1, round(length / size) * size)
