"""A table in batches: its schema from a sample, its encoders from all rows, codes of some rows."""

from __future__ import annotations

from collections.abc import Callable

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
from synthgen.schema import Schema
from synthgen.seeds import Streams

# rows that say what the columns are, and what may hold between them
SAMPLE_ROWS = 200_000


def read_batches(
    batches: Batches,
    schema: Schema | None,
    streams: Streams,
    wanted: Callable[[int], int],
    encoding: Callable[[], None] = lambda: None,
    progressed: Callable[[int, int], None] = lambda done, n: None,
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
    unique = {c.name for c in schema or () if c.unique}
    known, summaries = _summarized(batches, known, declared, unique, n_rows, progressed)
    plan = Plan.of(known)
    full = TableEncoder.from_summaries(known, summaries, plan.discrete, plan.sources)
    n = min(n_rows, wanted(n_rows))
    rows = streams.numpy("chosen").choice(n_rows, n, replace=False) if n < n_rows else n_rows
    rows = np.sort(rows) if n < n_rows else np.arange(n_rows)
    completion, table = _encoded(batches, full, plan, rows, streams, progressed)
    held = int(frame.memory_usage(deep=True).sum())
    return Learned(known, completion, table, n_rows, held)


def _summarized(
    batches: Batches,
    schema: Schema,
    declared: bool,
    unique: set[str | int],
    n_rows: int,
    progressed: Callable[[int, int], None],
) -> tuple[Schema, list[Summary]]:
    """Summaries of all rows, and the schema with what holds in all of them."""
    plan = Plan.of(schema)
    kept = Kept(schema)
    summaries: list[Summary] | None = None
    done = 0
    for first, frame in batches.canonical():
        schema.validate_frame(frame)
        kept.see(frame, first)
        found = summarize(frame, schema, plan.sources, like=summaries)
        summaries = found if summaries is None else merged(summaries, found)
        done = first + len(frame)
        progressed(done, n_rows)
    if summaries is None or done != n_rows:
        raise _other_rows(n_rows, done)
    return kept.schema(relations=declared, unique=unique), summaries


def _encoded(
    batches: Batches,
    full: TableEncoder,
    plan: Plan,
    rows: np.ndarray,
    streams: Streams,
    progressed: Callable[[int, int], None],
) -> tuple[Completion, EncodedTable]:
    """The encoders with their lookups, and the codes of the chosen rows (n,), ascending."""
    encoder = full.part(plan.modelled)
    shape = (len(rows), len(encoder.columns))
    table = EncodedTable(np.zeros(shape, np.int32), np.zeros(shape, np.float32))
    counts: dict[Lookup, pd.Series[int]] = {}
    done = start = 0
    for first, frame in batches.canonical():
        for pair, found in plan_counts(full, plan, frame).items():
            counts[pair] = counts[pair].add(found, fill_value=0) if pair in counts else found
        done = first + len(frame)
        end = start + int(np.searchsorted(rows[start:], done))
        if end > start:
            part = frame.iloc[rows[start:end] - first].reset_index(drop=True)
            found_codes = encoder.encode(part, streams.child(f"batch/{first}"))
            table.codes[start:end], table.values[start:end] = found_codes.codes, found_codes.values
        start = end
        progressed(done, max(done, int(rows[-1]) + 1))
    if start != len(rows):
        raise _other_rows(int(rows[-1]) + 1, done)
    whole = {pair: found.astype(np.int64) for pair, found in counts.items()}
    return Completion.of(full, plan, whole), table


def _other_rows(before: int, now: int) -> InvalidInputError:
    return InvalidInputError(
        f"the table gave {before:,} rows when it was read first, and {now:,} when it was read "
        "again; its batches must start from the first row at every pass, and nobody may change "
        "the table meanwhile"
    )
