"""The shape of identifiers: inferred as a pattern, and filled with new characters.

A pattern has one sign per character (see `synthgen.schema.Column.pattern`). Letters and digits
stand in it literally only where every row has the same one, and there are at least `MIN_ROWS`.
"""

from __future__ import annotations

import re
import string
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from synthgen.errors import InvalidInputError
from synthgen.forms.keys import Place, whole

MIN_ROWS = 5
LONGEST_INTEGER = 18  # digits: every such number fits into 64 bits
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_UUID_4 = r"xxxxxxxx-xxxx-\4xxx-\8xxx-xxxxxxxxxxxx"
_LONGEST = 120
_SAMPLE = 50_000
_DEFAULT = "wwwwwwwwwwww"
_DIGITS, _LOWER, _UPPER = string.digits, string.ascii_lowercase, string.ascii_uppercase
ALPHABETS = {
    "9": _DIGITS, "1": _DIGITS[1:], "A": _UPPER, "a": _LOWER, "L": _UPPER + _LOWER,
    "x": _DIGITS + "abcdef", "X": _DIGITS + "ABCDEF", "z": _DIGITS + _LOWER,
    "Z": _DIGITS + _UPPER, "w": _DIGITS + _UPPER + _LOWER,
}  # fmt: skip


def infer_pattern(texts: NDArray[np.object_]) -> str | None:
    """The pattern of distinct ``texts`` (n,): of the commonest length where lengths differ.

    ``None`` if they are too long to have a shape.
    """
    lengths = Counter(map(len, texts.tolist()))
    width = max(lengths, key=lambda length: (lengths[length], -length))
    if width == 0 or width > _LONGEST:
        return None
    if all(UUID.fullmatch(text) for text in texts.tolist()):
        return _UUID_4 if any(text != text.upper() for text in texts[:9]) else _UUID_4.upper()
    typical = [text for text in texts.tolist() if len(text) == width]
    sampled = len(typical) > _SAMPLE
    typical = typical[:: max(1, len(typical) // _SAMPLE)]
    matrix = np.array(typical, dtype=f"U{width}").view(np.uint32).reshape(len(typical), width)
    shared = len(_common_prefix(texts.tolist())) if len(texts) >= MIN_ROWS else 0
    hexadecimal = _hexadecimal(texts)
    signs = []
    for place in range(width):
        letters = set(map(chr, np.unique(matrix[:, place]).tolist()))
        everywhere = len(letters) == 1 and (
            place < shared or (len(lengths) == 1 and len(texts) >= MIN_ROWS and not sampled)
        )
        signs.append(_sign(letters, matrix[:, place], everywhere, hexadecimal))
    return "".join(signs)


def integer_pattern(values: NDArray[np.int64], serial: bool) -> str:
    """The pattern of non-negative integers: ``#`` and a start for a running number, else digits."""
    digits = Counter(len(str(value)) for value in values.tolist())
    width = min(max(digits, key=lambda length: (digits[length], length)), LONGEST_INTEGER)
    if serial:
        least = int(values.min())
        return f"#{least if least in (0, 1) else 10 ** (len(str(least)) - 1)}"
    return "1" + "9" * (width - 1)


def draw(
    pattern: str | None,
    n: int,
    rng: np.random.Generator,
    unique: bool,
    place: Place | None = None,
) -> NDArray[np.object_]:
    """``n`` new texts after ``pattern``; all different, over all parts of a table, if ``unique``.

    A pattern with too little room for all rows of the table is made longer.
    """
    pattern = pattern or _DEFAULT
    place = place or whole(n, rng)
    if pattern.startswith("#"):
        return running_numbers(pattern, n, place.first)
    alphabets = parse_pattern(pattern)
    if not unique:
        return _texts(_drawn(alphabets, n, rng))
    alphabets = _with_room(alphabets, place.total)
    letters = _drawn(alphabets, n, rng)
    counting, room = _counting(alphabets, place.total)
    number = rng.permutation(place.distinct(n, room))
    for at in counting:
        codes = _codes(alphabets[at])
        letters[:, at] = codes[number % len(codes)]
        number = number // len(codes)
    return _texts(letters)


def running_numbers(pattern: str, n: int, before: int = 0) -> NDArray[np.object_]:
    """``n`` texts of consecutive numbers, for a pattern such as ``#1``, after ``before`` others.

    Raises:
        InvalidInputError: If the pattern is another.
    """
    if not re.fullmatch(r"#\d+", pattern):
        raise InvalidInputError(
            f"pattern {pattern!r}: expected '#' and the number to start at, such as '#1'"
        )
    start = int(pattern[1:]) + before
    return np.array([str(value) for value in range(start, start + n)], dtype=object)


def parse_pattern(pattern: str) -> list[str]:
    """For each character of a text the letters it may be."""
    alphabets, escaped = [], False
    for sign in pattern:
        if escaped:
            alphabets.append(sign)
        elif sign != "\\":
            alphabets.append(ALPHABETS.get(sign, sign))
        escaped = sign == "\\" and not escaped
    if escaped:
        raise InvalidInputError(f"pattern {pattern!r} ends in a lone backslash")
    return alphabets


def _drawn(alphabets: list[str], n: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    """Letters (n, n_places), each drawn on its own."""
    letters = np.empty((n, len(alphabets)), dtype=np.uint32)
    for at, alphabet in enumerate(alphabets):
        codes = _codes(alphabet)
        letters[:, at] = codes[rng.integers(len(codes), size=n)] if len(codes) > 1 else codes[0]
    return letters


def _codes(alphabet: str) -> NDArray[np.uint32]:
    return np.array([ord(letter) for letter in alphabet], dtype=np.uint32)


def _texts(letters: NDArray[np.uint32]) -> NDArray[np.object_]:
    n, width = letters.shape
    return letters.view(f"U{width}").reshape(n).astype(object)


def _counting(alphabets: list[str], total: int) -> tuple[list[int], int]:
    """The last places that tell ``total`` rows apart with room to spare, and how much room."""
    places, room = [], 1
    for at in reversed([at for at, alphabet in enumerate(alphabets) if len(alphabet) > 1]):
        if room >= 1000 * (total + 8):
            break
        places.append(at)
        room *= len(alphabets[at])
    return places, room


def _with_room(alphabets: list[str], n: int) -> list[str]:
    """``alphabets``, longer if there is little room for ``n`` different texts."""
    free = [place for place, letters in enumerate(alphabets) if len(letters) > 1]
    if not free:
        alphabets, free = [*alphabets, _DIGITS], [len(alphabets)]
    wide = alphabets[free[-1]]
    room = 1.0
    for place in free:
        room *= len(alphabets[place])
    out = list(alphabets)
    while room < 2.0 * n + 8:
        out.insert(free[-1] + 1, wide)
        room *= len(wide)
    return out


def _sign(
    letters: set[str], codes: NDArray[np.uint32], everywhere: bool, hexadecimal: str | None
) -> str:
    """The sign for one place, given the letters that occur in it."""
    plain = {letter for letter in letters if letter.isascii() and letter.isalnum()}
    if len(letters) == 1 and (everywhere or not plain):
        return _literal(next(iter(letters)))
    if len(plain) < len(letters):
        values, counts = np.unique(codes, return_counts=True)
        commonest = chr(int(values[counts.argmax()]))
        if not (commonest.isascii() and commonest.isalnum()):
            return _literal(commonest)
    if hexadecimal:
        return hexadecimal
    digits = any(letter.isdigit() for letter in plain)
    lower = any(letter.islower() for letter in plain)
    upper = any(letter.isupper() for letter in plain)
    return {
        (True, False, False): "9", (False, True, False): "a", (False, False, True): "A",
        (False, True, True): "L", (True, True, False): "z", (True, False, True): "Z",
    }.get((digits, lower, upper), "w")  # fmt: skip


def _literal(letter: str) -> str:
    return f"\\{letter}" if letter.isalnum() or letter in "\\#" else letter


def _hexadecimal(texts: NDArray[np.object_]) -> str | None:
    """``x`` or ``X`` if all letters and digits of long texts are hexadecimal, else ``None``."""
    letters = set("".join(texts[:2000].tolist()))
    plain = {letter for letter in letters if letter.isalnum()}
    if min(map(len, texts[:2000].tolist())) < 8 or not plain & set("abcdefABCDEF"):
        return None
    return "x" if plain <= set(ALPHABETS["x"]) else "X" if plain <= set(ALPHABETS["X"]) else None


def _common_prefix(texts: list[str]) -> str:
    first, last = min(texts), max(texts)
    size = next((i for i, letter in enumerate(first) if last[i : i + 1] != letter), len(first))
    return first[:size]
