"""Files as someone hostile or careless may hand them in: bytes changed, or meanings.

A changed byte of a model file is found by its hashes. So documents and arrays inside are changed
too, and the hashes made anew: what is left to refuse them is whether they make sense.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthgen import modelfile

_ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 7, 2**31, 2**40, 2**63, -(2**63), 1e308, -1e-308, 0.5, "", "x",
    "\u0000", "é" * 300, "../../etc/passwd", "<script>alert(1)</script>", "nan", "2020-13-45",
    [], {}, [[]], {"": None}, [None] * 50, "A" * 5_000,
)  # fmt: skip
_DEEP = 60
_DOCUMENTS = ("schema", "encoding", "config", "training", "privacy")


def mutated_model(source: Path, target: Path, rng: np.random.Generator) -> str:
    """Write ``source`` changed in one or more places; returns what was changed."""
    if rng.random() < 0.2:
        target.write_bytes(mutated_bytes(source.read_bytes(), rng))
        return "bytes"
    contents = modelfile.read(source)
    changed = []
    for _ in range(1 + rng.geometric(0.6)):
        held = [name for name in _DOCUMENTS if getattr(contents, name) is not None]
        name = str(rng.choice([*held, "weights"]))
        if name == "weights":
            contents = replace(contents, weights=mutated_arrays(contents.weights, rng))
        else:
            document = mutated_document(getattr(contents, name), rng)
            # a member is an object: anything else is refused before it is looked at
            contents = replace(contents, **{name: document})
        changed.append(name)
    modelfile.write(target, contents)
    return "+".join(sorted(set(changed)))


def mutated_text(text: str, rng: np.random.Generator) -> bytes:
    """A JSON or TOML text with bytes changed, or, of JSON, its meaning."""
    if rng.random() < 0.5:
        try:
            return json.dumps(mutated_document(json.loads(text), rng)).encode()
        except ValueError:
            return _moved_lines(text, rng).encode()
    return mutated_bytes(text.encode(), rng)


def mutated_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes flipped, cut out, put in or repeated."""
    found = bytearray(data)
    for _ in range(1 + rng.geometric(0.4)):
        at = int(rng.integers(len(found) + 1))
        length = int(rng.geometric(0.1))
        way = rng.integers(5)
        if way == 0 and at < len(found):
            found[at] ^= 1 << int(rng.integers(8))
        elif way == 1:
            del found[at : at + length]
        elif way == 2:
            found[at:at] = rng.integers(0, 256, length, np.uint8).tobytes()
        elif way == 3:
            found[at:at] = found[max(0, at - length) : at]
        elif way == 4 and rng.random() < 0.2:
            del found[at:]
    return bytes(found)


def mutated_document(document: Any, rng: np.random.Generator) -> Any:
    """A JSON object with one to three of its parts exchanged, left out or repeated."""
    document = copy.deepcopy(document)
    for _ in range(int(rng.integers(1, 4))):
        places = _places(document)
        if not places:
            break
        parent, key = places[int(rng.integers(len(places)))]
        _CHANGES[int(rng.integers(len(_CHANGES)))](parent, key, places, rng)
    return document


def mutated_arrays(weights: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, Any]:
    """Arrays of which one has other values, another shape, type or name, or is gone."""
    found = dict(weights)
    name = str(rng.choice(sorted(found))) if found else "none"
    array = found.get(name, np.zeros(3, np.float32)).copy()
    way = rng.integers(8)
    if way == 0 and array.size and array.dtype.kind == "f":
        array.flat[int(rng.integers(array.size))] = rng.choice([np.nan, np.inf, -np.inf, 1e38])
    elif way == 1 and array.size and array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        array.flat[int(rng.integers(array.size))] = rng.choice([limits.min, limits.max])
    elif way == 2:
        array = array.reshape(-1)[: int(rng.integers(array.size + 1))]
    elif way == 3:
        array = array.T
    elif way == 4:
        array = array.astype(rng.choice([np.float64, np.int64, np.bool_, np.float16]))
    elif way == 5:
        array = np.zeros((0, *array.shape[1:]), array.dtype)
    elif way == 6:
        found.pop(name, None)
        name = name + ".x"
    else:
        found.pop(name, None)
        return found
    found[name] = array
    return found


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a document."""
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    found = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found += _places(value[key])
    return found


def _exchange(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
    parent[key] = copy.deepcopy(_ODD[int(rng.integers(len(_ODD)))])


def _from_elsewhere(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
    other, at = places[int(rng.integers(len(places)))]
    # a container put into itself would have no end
    parent[key] = copy.deepcopy(other[at]) if _has(other, at) else None


def _leave_out(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
    del parent[key]


def _repeat(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
    value = copy.deepcopy(parent[key])
    if isinstance(parent, list):
        parent.insert(key, value)
    else:
        parent[f"{key}x"] = value


def _bury(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
    for _ in range(_DEEP):
        parent[key] = [parent[key]]


def _nudge(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
    value = parent[key]
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, (int, float)):
        moved = value * int(rng.choice([-1, 2, 1000])) + int(rng.integers(3))
        parent[key] = moved if np.isfinite(float(moved)) else 0
    elif isinstance(value, str):
        parent[key] = value[: int(rng.integers(len(value) + 1))]
    elif isinstance(value, list):
        rng.shuffle(value)


def _has(parent: Any, key: Any) -> bool:
    return key in parent if isinstance(parent, dict) else 0 <= key < len(parent)


def _guarded(
    change: Callable[[Any, Any, list[Any], np.random.Generator], None],
) -> Callable[[Any, Any, list[Any], np.random.Generator], None]:
    """A change that leaves alone what an earlier one took away."""

    def guarded(parent: Any, key: Any, places: list[Any], rng: np.random.Generator) -> None:
        if _has(parent, key):
            change(parent, key, places, rng)

    return guarded


_CHANGES = tuple(
    map(_guarded, (_exchange, _exchange, _from_elsewhere, _leave_out, _repeat, _bury, _nudge))
)


def _moved_lines(text: str, rng: np.random.Generator) -> str:
    """A text with a line moved, repeated, or with another value behind its "="."""
    lines = text.splitlines()
    at = int(rng.integers(len(lines)))
    way = rng.integers(3)
    if way == 0:
        lines.insert(int(rng.integers(len(lines))), lines.pop(at))
    elif way == 1:
        lines.insert(at, lines[at])
    else:
        odd = _ODD[int(rng.integers(len(_ODD)))]
        lines[at] = lines[at].partition("=")[0] + "= " + json.dumps(odd)
    return "\n".join(lines) + "\n"
