"""The ``?name=value`` at the end of a URL."""

from __future__ import annotations

from urllib.parse import parse_qsl

from synthgen.connectors import without_secret
from synthgen.errors import InvalidInputError


def split(uri: str, known: tuple[str, ...]) -> tuple[str, dict[str, str]]:
    """What stands before "?", and the options after it.

    Raises:
        InvalidInputError: If an option is not one of ``known``.
    """
    place, _, query = uri.partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name in options:
        if name not in known:
            there = f"there is {' and '.join(known)}" if known else "there is none here"
            raise InvalidInputError(f"{without_secret(uri)}: no option {name!r}; {there}")
    return place, options
