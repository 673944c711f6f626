"""``synthgen.toml``: defaults for options, below flags and ``SYNTHGEN_*`` variables.

A top-level key sets an option of every command that has it, a key in ``[fit]`` one of ``fit``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from synthgen.errors import InvalidInputError
from synthgen.schema import nearest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "synthgen.toml"


def defaults(known: dict[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """Command -> parameter -> default, of the file in the current folder.

    Args:
        known: Command -> option ("time-limit") -> parameter ("time_limit").

    Raises:
        InvalidInputError: If the file does not parse, or names an unknown command or option.
    """
    found: dict[str, dict[str, Any]] = {command: {} for command in known}
    everywhere = {option for options in known.values() for option in options}
    for key, value in _read(Path(FILE)).items():
        if isinstance(value, dict):
            if key not in known:
                raise InvalidInputError(f"{FILE}: no command [{key}]{nearest(key, sorted(known))}")
            for option, setting in value.items():
                found[key][_parameter(known[key], option, f"[{key}] ")] = _plain(option, setting)
            continue
        _parameter(dict.fromkeys(everywhere, ""), key, "")
        for command, options in known.items():
            name = options.get(key.replace("_", "-"))
            if name is not None:
                found[command].setdefault(name, _plain(key, value))
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidInputError(f"{FILE}: cannot read it: {error.strerror}") from None
    except ValueError as error:  # of TOML and of UTF-8
        raise InvalidInputError(f"{FILE}: not valid TOML: {error}") from None


def _parameter(options: dict[str, str], key: str, section: str) -> str:
    option = key.replace("_", "-")
    if option not in options:
        raise InvalidInputError(
            f"{FILE}: {section}no option {key!r}{nearest(key, sorted(options))}"
        )
    return options[option]


def _plain(option: str, value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return value
    if isinstance(value, (str, int, float, bool)):
        return value
    raise InvalidInputError(f"{FILE}: {option!r} is neither text, number, true or false")
