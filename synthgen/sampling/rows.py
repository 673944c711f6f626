"""Complete rows that meet a request and every relation.

Rows that a relation had to mend are drawn anew a few times first, so that what comes out is what
the model would have drawn had it known the relation. What is left after that is mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from synthgen.encoding.table import RankedTable
from synthgen.errors import ConditionError, TrainingError
from synthgen.relations.completion import Completion
from synthgen.relations.rows import Rows
from synthgen.sampling.request import Request
from synthgen.seeds import Streams

Draw = Callable[[int, Request, Streams], RankedTable]
_ROUNDS = 8
_MOST_ROUNDS = 60
# Where fewer rows than that meet conditions on columns that may copy others, copies are given up.
_FEWEST_MET = 0.5
# A round draws so many rows at least: small batches cost as much as larger ones.
_LEAST_DRAWN = 256
_MOST_DRAWN = 200_000


def draw_rows(
    n: int, request: Request, draw: Draw, completion: Completion, streams: Streams
) -> Rows:
    """``n`` complete rows, none of which breaks a relation.

    Raises:
        ConditionError: If rows that meet the conditions hardly ever come.
    """
    rows = _drawn(n, request, draw, completion, streams)
    wrong = _wrong(rows, request)
    own = request.without_copies(completion)
    hopeless = n > 0 and float((~wrong).mean()) < _FEWEST_MET
    for k in range(_MOST_ROUNDS):
        late = k >= _ROUNDS
        again = np.flatnonzero(wrong if late else wrong | rows.mended)
        if not len(again):
            break
        asked = own if late or hopeless else request
        for part, some in _strata(rows, again, asked, completion):
            fresh_streams = streams.child(f"again/{k}/{part[0]}")
            _refill(rows, part, some, late, draw, completion, fresh_streams)
        wrong = _wrong(rows, request)
    if wrong.any():
        _refuse(rows, wrong, request)
    return rows


def _drawn(n: int, request: Request, draw: Draw, completion: Completion, streams: Streams) -> Rows:
    """``n`` complete rows, whatever they keep."""
    table = draw(n, request, streams.child("rows"))
    return completion.complete(table, streams.child("complete"), _fixed(completion, request))


def _refill(
    rows: Rows,
    part: np.ndarray,
    request: Request,
    late: bool,
    draw: Draw,
    completion: Completion,
    streams: Streams,
) -> None:
    """Put fresh rows that are right in the place of some that are not."""
    size = int(np.clip(2 * len(part), _LEAST_DRAWN, max(_MOST_DRAWN, len(part))))
    fresh = _drawn(size, request, draw, completion, streams)
    right = ~_wrong(fresh, request)
    good = np.flatnonzero(right if late else right & ~fresh.mended)[: len(part)]
    rows.replace(part[: len(good)], fresh, good)


def _wrong(rows: Rows, request: Request) -> np.ndarray:
    """(n,) bool: rows that break a relation or miss a condition that only whole rows show."""
    wrong = rows.broken.copy()
    for check in request.checks:
        wrong |= ~check.meets(rows.held(check.column))
    return wrong


def _fixed(completion: Completion, request: Request) -> np.ndarray:
    """(n_columns,) bool: conditioned columns, whose cells stay."""
    fixed = np.zeros(len(completion.full.columns), bool)
    fixed[[completion.plan.modelled[i] for i in request.codes]] = True
    return fixed


def _strata(
    rows: Rows, again: np.ndarray, request: Request, completion: Completion
) -> Iterator[tuple[np.ndarray, Request]]:
    """Rows by their codes of balanced columns, with the request for more of the same."""
    balanced = sorted(request.balanced)
    if not balanced:
        yield again, request
        return
    codes = rows.codes[again][:, [completion.plan.modelled[i] for i in balanced]]
    kinds, kind_of = np.unique(codes, axis=0, return_inverse=True)
    for k, kind in enumerate(kinds):
        own = {i: np.array([code]) for i, code in zip(balanced, kind.tolist(), strict=True)}
        one = {i: np.ones(1) for i in balanced}
        some = replace(
            request,
            codes={**request.codes, **own},
            share={**request.share, **one},
            balanced=frozenset(),
        )
        yield again[kind_of.ravel() == k], some


def _refuse(rows: Rows, wrong: np.ndarray, request: Request) -> None:
    names = ", ".join(repr(check.encoder.column.name) for check in request.checks)
    if not request.checks:
        raise TrainingError(
            f"{int(wrong.sum())} of {len(rows)} rows kept breaking what the schema's relations say;"
            " delete the relation that does not suit the table, or fit for longer"
        )
    raise ConditionError(
        f"only {int((~wrong).sum())} of {len(rows)} rows met the condition on {names}, which is "
        "computed from other columns or copied from one; widen the range, ask for fewer rows, or "
        "put the condition on the columns that it follows from"
    )
