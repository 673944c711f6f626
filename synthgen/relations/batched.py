"""A table in batches: its schema from a sample, its encoders from all rows, codes of some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from synthgen import frames
from synthgen.batches import Batches
from synthgen.encoding.table import EncodedTable, Summary, TableEncoder, merged, summarize
from synthgen.errors import InvalidInputError
from synthgen.relations.completion import Completion, plan_counts
from synthgen.relations.finding import find_relations
from synthgen.relations.kept import Kept
from synthgen.relations.learned import Learned, check_size, resolved
from synthgen.relations.plan import Lookup, Plan
from synthgen.relations.reader import Name
from synthgen.schema import Schema
from synthgen.seeds import Streams

Work = Callable[[int, Any], Any]
# rows that say what the columns are, and what may hold between them
SAMPLE_ROWS = 200_000


def in_order(work: Work, batches: Iterable[tuple[int, Any]]) -> Iterator[Any]:
    """What ``work`` gives of each numbered batch, here and one after the other."""
    return (work(first, data) for first, data in batches)


def read_batches(
    batches: Batches,
    schema: Schema | None,
    streams: Streams,
    wanted: Callable[[int], int],
    encoding: Callable[[], None] = lambda: None,
    progressed: Callable[[int, int], None] = lambda done, n: None,
    each: Callable[[Work, Iterable[tuple[int, Any]]], Iterator[Any]] = in_order,
) -> Learned:
    """A table in batches, read three times.

    A sample of its rows says what the columns are and which relations may hold. All rows then say
    which do, and what the encoders are: their summaries merge. The rows to learn from are encoded.

    Args:
        batches: The table.
        schema: A declared one; ``None`` infers it.
        streams: Random streams.
        wanted: How many rows to learn from, of so many; all are equally likely.
        encoding: Called when the columns are known.
        progressed: Called with the rows done, and their number.
        each: Gives in their order what a function makes of each batch, on other machines perhaps.

    Raises:
        InvalidInputError: If the table or the schema cannot be used, or if a pass gives other rows
            than the one before.
    """
    sample, n_rows = batches.sample(SAMPLE_ROWS, streams.numpy("sample"))
    check_size(n_rows)
    frame, _ = frames.read(sample)
    known = resolved(schema, sample, frame)
    declared = known.relations is not None
    if not declared:
        known = known.model_copy(update={"relations": find_relations(frame, known)})
    encoding()
    plan = Plan.of(known)
    like = summarize(frame, known, plan.sources)
    kept, summaries = Kept(known), None
    work = partial(_summarized, schema=known, sources=plan.sources, like=like)
    for seen, found in each(work, batches.numbered()):
        kept.merge(seen)
        summaries = found if summaries is None else merged(summaries, found)
        progressed(kept.rows, n_rows)
    if summaries is None or kept.rows != n_rows:
        raise _other_rows(n_rows, kept.rows)
    known = kept.schema(relations=declared, unique={c.name for c in schema or () if c.unique})
    plan = Plan.of(known)
    full = TableEncoder.from_summaries(known, summaries, plan.discrete, plan.sources)
    completion, table = _encoded(batches, full, plan, n_rows, wanted, streams, progressed, each)
    held = int(frame.memory_usage(deep=True).sum())
    return Learned(known, completion, table, n_rows, held)


def _summarized(
    first: int,
    data: Any,
    schema: Schema,
    sources: Mapping[Name, Sequence[Name]],
    like: list[Summary],
) -> tuple[Kept, list[Summary]]:
    """What holds in a batch, and its summaries."""
    frame, _ = frames.read(data)
    schema.validate_frame(frame)
    kept = Kept(schema)
    kept.see(frame, first)
    return kept, summarize(frame, schema, sources, like)


def _encoded(
    batches: Batches,
    full: TableEncoder,
    plan: Plan,
    n_rows: int,
    wanted: Callable[[int], int],
    streams: Streams,
    progressed: Callable[[int, int], None],
    each: Callable[[Work, Iterable[tuple[int, Any]]], Iterator[Any]],
) -> tuple[Completion, EncodedTable]:
    """The encoders with their lookups, and the codes of the chosen rows."""
    n = min(n_rows, wanted(n_rows))
    chosen = np.ones(n_rows, bool)
    if n < n_rows:
        chosen[:] = False
        chosen[streams.numpy("chosen").choice(n_rows, n, replace=False)] = True
    shape = (n, len(plan.modelled))
    table = EncodedTable(np.zeros(shape, np.int32), np.zeros(shape, np.float32))
    counts: dict[Lookup, pd.Series[int]] = {}
    start = done = 0

    def picked() -> Iterator[tuple[int, Any]]:
        for first, data in batches.numbered():
            yield first, (data, np.flatnonzero(chosen[first : first + data.shape[0]]))

    work = partial(_codes, full=full, plan=plan, streams=streams)
    for size, pairs, part in each(work, picked()):
        for pair, found in pairs.items():
            counts[pair] = counts[pair].add(found, fill_value=0) if pair in counts else found
        done += size
        stop = start + len(part)
        if stop > n or done > n_rows:
            raise _other_rows(n_rows, done)
        table.codes[start:stop], table.values[start:stop] = part.codes, part.values
        start = stop
        progressed(done, n_rows)
    if done != n_rows:
        raise _other_rows(n_rows, done)
    whole = {pair: found.astype(np.int64) for pair, found in counts.items()}
    return Completion.of(full, plan, whole), table


def _codes(
    first: int, data: tuple[Any, np.ndarray], full: TableEncoder, plan: Plan, streams: Streams
) -> tuple[int, dict[Lookup, pd.Series[int]], EncodedTable]:
    """Rows of a batch, its pairs of codes that a lookup is about, and its chosen rows' codes."""
    frame, _ = frames.read(data[0])
    part = frame.iloc[data[1]].reset_index(drop=True)
    table = full.part(plan.modelled).encode(part, streams.child(f"batch/{first}"))
    return len(frame), plan_counts(full, plan, frame), table


def _other_rows(before: int, now: int) -> InvalidInputError:
    return InvalidInputError(
        f"the table gave {before:,} rows when it was read first, and {now:,} when it was read "
        "again; its batches must start from the first row at every pass, and nobody may change "
        "the table meanwhile"
    )
