"""Codes as canonical texts, and what a critic sees of them: equal rows once, many on all cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthgen.chemistry import Edges, Nodes
from synthgen.molecular.actions import Vocabulary
from synthgen.molecular.representation import Representation, representation
from synthgen.parallel import in_processes

# rows from which processes gain more than they cost, and rows that one is given at a time
_MANY, _CHUNK = 10_000, 1_000


@dataclass(frozen=True)
class Decoded:
    """Molecules of rows of codes.

    Attributes:
        texts: Canonical, of the different rows that are valid.
        relations: Their nodes and edges, where they were asked for.
        rows: (n_valid,) int64 the rows that are valid, ascending.
        of_row: (n_valid,) int64 which of the texts each of them is.
    """

    texts: list[str]
    relations: list[tuple[Nodes, Edges]]
    rows: np.ndarray
    of_row: np.ndarray


def decode(
    codes: np.ndarray, vocabulary: Vocabulary, held: Representation, *, relations: bool, jobs: int
) -> Decoded:
    """Molecules of codes (n, length); what did not end, or is not valid, is left out.

    Args:
        codes: As `synthgen.molecular.drawing.draw` gives them.
        vocabulary: Theirs.
        held: What they are.
        relations: Whether to give nodes and edges too.
        jobs: Processes for many rows.
    """
    different, of_row = np.unique(codes, axis=0, return_inverse=True)
    rows = different.tolist()
    settings = {"relations": relations, **held.settings}
    found: list[Any] = []
    if len(rows) < _MANY or jobs <= 1:
        found = [_decoded(row, vocabulary, held, relations) for row in rows]
    else:
        settings["vocabulary"] = vocabulary.to_dict()
        chunks = [rows[k : k + _CHUNK] for k in range(0, len(rows), _CHUNK)]
        for part in in_processes(rows_of, chunks, settings, jobs):
            found += part
    valid = np.array([one is not None for one in found], bool)
    kept = [one for one in found if one is not None]
    is_valid = valid[of_row.ravel()]
    return Decoded(
        [one[0] for one in kept],
        [(one[1], one[2]) for one in kept] if relations else [],
        np.flatnonzero(is_valid),
        (valid.cumsum() - 1)[of_row.ravel()[is_valid]],
    )


def rows_of(
    chunk: list[list[int]], vocabulary: dict[str, Any], relations: bool, **held: str
) -> list[Any]:
    """For each row of codes its text, nodes and edges, or ``None``; plain for a process."""
    of = representation(**held)
    known = Vocabulary.from_dict(vocabulary, of)
    return [_decoded(row, known, of, relations) for row in chunk]


def _decoded(
    row: list[int], vocabulary: Vocabulary, held: Representation, relations: bool
) -> tuple[str, Nodes, Edges] | tuple[str] | None:
    if 0 not in row:
        return None
    graph = vocabulary.graph(row)
    if relations:
        return held.drawn(graph)
    text = held.text(graph)
    return None if text is None else (text,)
