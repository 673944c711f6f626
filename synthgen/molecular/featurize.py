"""Molecules or peptides of a table as actions and properties, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from synthgen.chemistry import Unusable
from synthgen.molecular.actions import Action, actions_of
from synthgen.molecular.representation import Representation, representation
from synthgen.parallel import in_processes

_CHUNK = 500


@dataclass(frozen=True)
class Featurized:
    """Rows that can be represented, and the others.

    Attributes:
        texts: Canonical, of the rows that are kept.
        rows: Their positions in the input.
        sequences: Their actions, of every order asked for: the first is canonical.
        computed: (n, n_properties) float64.
        rejected: Position -> the reason.
    """

    texts: list[str]
    rows: np.ndarray
    sequences: list[list[list[Action]]]
    computed: np.ndarray
    rejected: dict[int, str]


def featurize(
    texts: Sequence[Any],
    held: Representation,
    *,
    names: Sequence[str],
    orders: int = 0,
    jobs: int = 1,
    seed: int = 0,
    progressed: Callable[[int, int], None] = lambda done, n: None,
) -> Featurized:
    """Actions and properties of SMILES or sequences.

    Args:
        texts: Rows.
        held: What they are.
        names: Properties to compute.
        orders: Random orders of the atoms beside the canonical one.
        jobs: Processes.
        seed: Of the random orders.
        progressed: Called with the rows done, and their number.
    """
    chunks = [list(texts[k : k + _CHUNK]) for k in range(0, len(texts), _CHUNK)]
    orders_from = [[seed + k, *map(_text, chunk)] for k, chunk in enumerate(chunks)]
    settings = {"names": list(names), "orders": orders, **held.settings}
    found: list[Any] = []
    for part in in_processes(rows_of, orders_from, settings, min(jobs, len(chunks))):
        found += part
        progressed(len(found), len(texts))
    known: dict[str, Action] = {}
    kept = [(i, row) for i, row in enumerate(found) if not isinstance(row, str)]
    return Featurized(
        [row[0] for _, row in kept],
        np.array([i for i, _ in kept], np.int64),
        [[_actions(plain, known, held) for plain in row[1]] for _, row in kept],
        np.array([row[2] for _, row in kept], np.float64).reshape(len(kept), len(names)),
        {i: row for i, row in enumerate(found) if isinstance(row, str)},
    )


def rows_of(chunk: list[Any], names: list[str], orders: int, **held: str) -> list[Any]:
    """For each text after a seed: canonical text, actions, properties; or why there are none.

    Actions are plain, so that another process can do this; ``held`` makes the representation.
    """
    seed, *texts = chunk
    of = representation(**held)
    return [_row(text, of, names, orders, seed * _CHUNK + k) for k, text in enumerate(texts)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


@lru_cache(maxsize=65_536)
def _plain(action: Action) -> list[Any]:
    """The fields of an action; a molecule is made of few different ones."""
    return [*astuple(action)[:4], None if action.atom is None else list(astuple(action.atom))]


def _actions(plain: list[Any], known: dict[str, Action], held: Representation) -> list[Action]:
    """Inverse of `_plain`; equal actions are one object."""
    found = []
    for one in plain:
        name = repr(one)
        if name not in known:
            kind, order, stereo, distance, atom = one
            known[name] = Action(kind, order, stereo, distance, atom and held.atom(*atom))
        found.append(known[name])
    return found


def _row(
    text: Any, held: Representation, names: list[str], orders: int, seed: int
) -> tuple[str, list[Any], list[float]] | str:
    try:
        canonical, graphs = held.graphs(text, orders, seed * orders)
        plain = [[_plain(action) for action in actions_of(graph)] for graph in graphs]
        return canonical, plain, held.properties(canonical, names)
    except Unusable as reason:
        return str(reason)
