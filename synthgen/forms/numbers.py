"""Numbers that arrive as text: recognize them, read them exactly, write them in the same form.

The form is a *picture*: what stands before and after the number, whether thousands are grouped,
and how many digits after the point are always written: ``0``, ``0.00``, ``$#,##0.00``, ``0.0%``.
Work is on byte matrices of the distinct cells, so a million cells take a fraction of a second.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

EXACT_DIGITS = 15  # a decimal number of so many digits survives float64 and back
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_AFFIXED = re.compile(r"([^\d.,+-]*)([+-]?[\d.,]+(?:[eE][+-]?\d+)?)([^\d.,+-]*)")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})*(\.\d+)?")
_PICTURE = re.compile(r"([^#0]*)(#,##)?0(?:\.(0+))?([^#0]*)")
_WIDEST = 48


@dataclass(frozen=True)
class NumberText:
    """What a column of number texts has in common.

    Attributes:
        values: (n,) int64 if every text is an integer, else float64.
        decimals: Most digits after the point that matter; ``None`` if some text has more digits
            than a float64 holds exactly, or an exponent.
        picture: See the module's docstring.
    """

    values: NDArray[np.int64] | NDArray[np.float64]
    decimals: int | None
    picture: str


def parse(texts: NDArray[np.object_]) -> NumberText | None:
    """Values and form of ``texts`` (n,), or ``None`` if one of them is not a number.

    A text with a leading zero ("007") is not a number: its zeros would be lost.
    """
    if len(texts) == 0:
        return None
    plain = _parse_plain(texts)
    return plain if plain is not None else _parse_affixed(texts)


def read(texts: NDArray[np.object_], picture: str | None) -> NDArray[np.float64]:
    """Float values of ``texts`` written after ``picture``; NaN where a text is not a number."""
    prefix, grouped, _, suffix = _split_picture(picture or "0")
    found = np.full(len(texts), np.nan)
    for index, text in enumerate(texts):
        core = text.strip().removeprefix(prefix).removesuffix(suffix)
        try:
            found[index] = float(core.replace(",", "") if grouped else core)
        except ValueError:
            continue
    return found


def write(
    values: NDArray[np.int64] | NDArray[np.float64], picture: str | None, decimals: int | None
) -> NDArray[np.object_]:
    """Texts of ``values`` (n,), as ``picture`` and ``decimals`` say."""
    prefix, grouped, least, suffix = _split_picture(picture or "0")
    distinct, codes = np.unique(values, return_inverse=True)
    comma = "," if grouped else ""
    if distinct.dtype.kind in "iu":
        texts = [f"{value:{comma}d}" for value in distinct.tolist()]
        if least:
            texts = [f"{text}.{'0' * least}" for text in texts]
    elif decimals is None:
        texts = [_at_least(repr(value), least) for value in distinct.tolist()]
    else:
        shown = max(decimals, least)
        rounded = np.round(distinct, decimals) + 0.0  # + 0.0: no negative zero
        texts = [f"{value:{comma}.{shown}f}" for value in rounded.tolist()]
        if least < decimals:
            texts = [_at_least(text, least) for text in texts]
    if prefix or suffix:
        texts = [f"{prefix}{text}{suffix}" for text in texts]
    return np.array(texts, dtype=object)[codes]


def _at_least(text: str, least: int) -> str:
    """``text`` without trailing zeros, but with ``least`` digits after the point."""
    whole, point, fraction = text.partition(".")
    if "e" in text or not point:
        return text
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def _split_picture(picture: str) -> tuple[str, bool, int, str]:
    """Prefix, whether thousands are grouped, digits always written, suffix."""
    match = _PICTURE.fullmatch(picture)
    if match is None:
        return "", False, 0, ""
    prefix, grouping, digits, suffix = match.groups()
    return prefix, grouping is not None, len(digits or ""), suffix


def _parse_plain(texts: NDArray[np.object_]) -> NumberText | None:
    matrix = _bytes(texts)
    if matrix is None:
        return None
    filled = matrix != 0
    digit = (matrix >= ord("0")) & (matrix <= ord("9"))
    point = matrix == ord(".")
    sign = (matrix[:, 0] == ord("-")) | (matrix[:, 0] == ord("+"))
    length = filled.sum(axis=1)
    points = point.sum(axis=1)
    plain = (digit.sum(axis=1) + points + sign == length) & (points <= 1) & digit.any(axis=1)
    if not plain.all():
        return _parse_scientific(texts, plain)
    first = np.where(sign, matrix[:, min(1, matrix.shape[1] - 1)], matrix[:, 0])
    second = _column(matrix, sign.astype(int) + 1)
    if ((first == ord("0")) & (second >= ord("0")) & (second <= ord("9"))).any():
        return None
    if (matrix[:, 0] == ord("+")).any():
        return None
    return _measured(texts, matrix, length, point, digit)


def _measured(
    texts: NDArray[np.object_],
    matrix: NDArray[np.uint8],
    length: NDArray[np.int64],
    point: NDArray[np.bool_],
    digit: NDArray[np.bool_],
) -> NumberText | None:
    """Values, decimals and picture of texts made of a sign, digits and at most one point."""
    pointed = point.any(axis=1)
    where = np.where(pointed, point.argmax(axis=1), length)
    written = np.where(pointed, length - where - 1, 0)
    if not pointed.any():
        try:
            return NumberText(texts.astype(np.int64), 0, "0")
        except OverflowError:
            return None  # longer than any integer: a number on a card, not a quantity
    width = matrix.shape[1]
    matters = digit & (matrix != ord("0"))
    last = width - 1 - matters[:, ::-1].argmax(axis=1)
    significant = np.where(pointed & matters.any(axis=1), np.maximum(last - where, 0), 0)
    start = matters.argmax(axis=1)
    crossing = pointed & (start < where) & (last > where)
    digits = np.where(matters.any(axis=1), np.maximum(last, where - 1) - start + 1 - crossing, 1)
    exact = digits.max() <= EXACT_DIGITS
    least = int(written.min())
    picture = "0." + "0" * least if least else "0"
    decimals = int(significant.max()) if exact else None
    return NumberText(texts.astype(np.float64), decimals, picture)


def _parse_scientific(texts: NDArray[np.object_], plain: NDArray[np.bool_]) -> NumberText | None:
    """Texts of which some have an exponent, or are infinite (which `cells.read` then reports)."""
    for text in texts[~plain]:
        if not (_SCIENTIFIC.fullmatch(text) or _INFINITE.fullmatch(text)):
            return None
    if plain.any() and parse(texts[plain]) is None:
        return None
    if not plain.any() and all(_INFINITE.fullmatch(text) for text in texts):
        return None
    return NumberText(texts.astype(np.float64), None, "0")


def _parse_affixed(texts: NDArray[np.object_]) -> NumberText | None:
    """Texts with a common prefix or suffix, or with grouped thousands."""
    match = _AFFIXED.fullmatch(texts[0])
    if match is None:
        return None
    prefix, core, suffix = match.groups()
    if any(character.isalpha() for character in prefix + suffix) or set("#0/:()[]<>=") & set(
        prefix + suffix
    ):
        return None
    cores = []
    grouped = False
    for text in texts:
        if not (text.startswith(prefix) and text.endswith(suffix)):
            return None
        core = text[len(prefix) : len(text) - len(suffix)]
        if "," in core:
            if not _GROUPED.fullmatch(core):
                return None
            grouped = True
            core = core.replace(",", "")
        cores.append(core)
    if not (prefix or suffix or grouped):
        return None
    inner = _parse_plain(np.array(cores, dtype=object))
    if inner is None:
        return None
    picture = ("#,##" if grouped else "") + inner.picture
    return NumberText(inner.values, inner.decimals, f"{prefix}{picture}{suffix}")


def _bytes(texts: NDArray[np.object_]) -> NDArray[np.uint8] | None:
    """The characters as a matrix (n, width), zero-padded; ``None`` if too long or not ASCII."""
    if max(map(len, texts)) > _WIDEST:
        return None
    try:
        packed = texts.astype("S")
    except UnicodeEncodeError:
        return None
    if packed.dtype.itemsize == 0 or (packed == b"").any():
        return None
    return np.ascontiguousarray(packed).view(np.uint8).reshape(len(texts), -1)


def _column(matrix: NDArray[np.uint8], index: NDArray[np.int64]) -> NDArray[np.uint8]:
    """For each row the character at ``index``, 0 beyond the end."""
    inside = index < matrix.shape[1]
    rows = np.arange(len(matrix))
    return np.where(inside, matrix[rows, np.where(inside, index, 0)], 0).astype(np.uint8)
