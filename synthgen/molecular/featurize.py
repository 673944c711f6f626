"""Molecules of a table as actions and properties, on all cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.chemistry import PROPERTIES, Unusable, parse, properties, represented, to_graph
from synthgen.molecular.actions import Action, actions_of

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
    from joblib import Parallel, delayed

    chunks = [smiles[k : k + _CHUNK] for k in range(0, len(smiles), _CHUNK)]
    work = Parallel(jobs if len(chunks) > 1 else 1, return_as="generator")(
        delayed(_chunk)(chunk, salts, tuple(names), orders, seed + k)
        for k, chunk in enumerate(chunks)
    )
    found: list[tuple[str, list[list[Action]], list[float]] | str] = []
    for part in work:
        found += part
        progressed(len(found), len(smiles))
    kept = [(i, row) for i, row in enumerate(found) if not isinstance(row, str)]
    return Featurized(
        [row[0] for _, row in kept],
        np.array([i for i, _ in kept], np.int64),
        [row[1] for _, row in kept],
        np.array([row[2] for _, row in kept], np.float64).reshape(len(kept), len(names)),
        {i: row for i, row in enumerate(found) if isinstance(row, str)},
    )


def _chunk(
    smiles: Sequence[Any], salts: str, names: tuple[str, ...], orders: int, seed: int
) -> list[tuple[str, list[list[Action]], list[float]] | str]:
    return [_row(text, salts, names, orders, seed * _CHUNK + k) for k, text in enumerate(smiles)]


def _row(
    text: Any, salts: str, names: tuple[str, ...], orders: int, seed: int
) -> tuple[str, list[list[Action]], list[float]] | str:
    """Canonical SMILES, actions and properties of a row, or why there are none."""
    try:
        graph, canonical = represented(text, salts)
        sequences = [actions_of(graph)]
        if orders:
            molecule = parse(canonical, "keep")
            sequences += [
                actions_of(to_graph(molecule, (seed * orders + k) % 2**31)) for k in range(orders)
            ]
        return canonical, sequences, properties(canonical, names)
    except Unusable as reason:
        return str(reason)


def default_properties() -> list[str]:
    """Names of what can be computed of any molecule."""
    return list(PROPERTIES)
