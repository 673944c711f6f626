"""Molecules of a table as actions and properties, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from synthgen.chemistry import (
    Atom,
    Unusable,
    parse,
    properties,
    represented,
    to_graph,
)
from synthgen.molecular.actions import Action, actions_of
from synthgen.parallel import in_processes

_CHUNK = 500


@dataclass(frozen=True)
class Featurized:
    """Rows that can be represented, and the others.

    Attributes:
        smiles: Canonical, of the rows that are kept.
        rows: Their positions in the input.
        sequences: Their actions, of every order asked for: the first is canonical.
        computed: (n, n_properties) float64.
        rejected: Position -> the reason.
    """

    smiles: list[str]
    rows: np.ndarray
    sequences: list[list[list[Action]]]
    computed: np.ndarray
    rejected: dict[int, str]


def featurize(
    smiles: Sequence[Any],
    *,
    salts: str,
    names: Sequence[str],
    orders: int = 0,
    jobs: int = 1,
    seed: int = 0,
    progressed: Callable[[int, int], None] = lambda done, n: None,
) -> Featurized:
    """Actions and properties of SMILES.

    Args:
        smiles: Rows.
        salts: See `synthgen.chemistry.parse`.
        names: Properties to compute.
        orders: Random orders of the atoms beside the canonical one.
        jobs: Processes.
        seed: Of the random orders.
        progressed: Called with the rows done, and their number.
    """
    chunks = [list(smiles[k : k + _CHUNK]) for k in range(0, len(smiles), _CHUNK)]
    orders_from = [[seed + k, *map(_text, chunk)] for k, chunk in enumerate(chunks)]
    settings = {"salts": salts, "names": list(names), "orders": orders}
    found: list[Any] = []
    for part in in_processes(rows_of, orders_from, settings, min(jobs, len(chunks))):
        found += part
        progressed(len(found), len(smiles))
    known: dict[str, Action] = {}
    kept = [(i, row) for i, row in enumerate(found) if not isinstance(row, str)]
    return Featurized(
        [row[0] for _, row in kept],
        np.array([i for i, _ in kept], np.int64),
        [[_actions(plain, known) for plain in row[1]] for _, row in kept],
        np.array([row[2] for _, row in kept], np.float64).reshape(len(kept), len(names)),
        {i: row for i, row in enumerate(found) if isinstance(row, str)},
    )


def rows_of(chunk: list[Any], salts: str, names: list[str], orders: int) -> list[Any]:
    """For each SMILES after a seed: canonical SMILES, actions, properties; or why there are none.

    Actions are plain, so that another process can do this.
    """
    seed, *smiles = chunk
    return [_row(text, salts, names, orders, seed * _CHUNK + k) for k, text in enumerate(smiles)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _plain(actions: list[Action]) -> list[Any]:
    return [[*astuple(a)[:4], None if a.atom is None else list(astuple(a.atom))] for a in actions]


def _actions(plain: list[Any], known: dict[str, Action]) -> list[Action]:
    """Inverse of `_plain`; equal actions are one object."""
    found = []
    for one in plain:
        name = repr(one)
        if name not in known:
            kind, order, stereo, distance, atom = one
            known[name] = Action(kind, order, stereo, distance, atom and Atom(*atom))
        found.append(known[name])
    return found


def _row(
    text: Any, salts: str, names: list[str], orders: int, seed: int
) -> tuple[str, list[Any], list[float]] | str:
    try:
        graph, canonical = represented(text, salts)
        sequences = [actions_of(graph)]
        if orders:
            molecule = parse(canonical, "keep")
            sequences += [
                actions_of(to_graph(molecule, (seed * orders + k) % 2**31)) for k in range(orders)
            ]
        return canonical, [_plain(one) for one in sequences], properties(canonical, names)
    except Unusable as reason:
        return str(reason)
