"""What a fit learns from: the schema, the encoders, and encoded rows of a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from synthgen import frames
from synthgen.encoding.quantiles import MIN_ROWS
from synthgen.encoding.table import EncodedTable
from synthgen.errors import InvalidInputError
from synthgen.relations.completion import Completion
from synthgen.relations.declared import with_relations
from synthgen.schema import Schema
from synthgen.seeds import Streams


@dataclass(frozen=True)
class Learned:
    """A table as a model learns it.

    Attributes:
        schema: With the relations that hold.
        completion: The encoders of all columns.
        table: Encoded rows of the learned columns; of a table in batches, some of them.
        n_rows: Rows of the whole table.
        held_bytes: What the table takes in memory beside its codes.
    """

    schema: Schema
    completion: Completion
    table: EncodedTable
    n_rows: int
    held_bytes: int


def read_table(
    data: Any,
    schema: Schema | None,
    streams: Streams,
    encoding: Callable[[], None] = lambda: None,
) -> Learned:
    """A table in memory, all rows of it.

    Args:
        data: The table.
        schema: A declared one; ``None`` infers it.
        streams: Random streams.
        encoding: Called when the schema is known.

    Raises:
        InvalidInputError: If the table or the schema cannot be used.
    """
    frame, _ = frames.read(data)
    check_size(len(frame))
    schema = with_relations(frame, resolved(schema, data, frame))
    encoding()
    completion = Completion.fit(frame, schema)
    table = completion.encode(frame, streams)
    held_bytes = int(frame.memory_usage(deep=True).sum())
    return Learned(schema, completion, table, len(frame), held_bytes)


def check_size(n_rows: int) -> None:
    """Refuse a table of which nothing could be given away."""
    if n_rows < MIN_ROWS:
        raise InvalidInputError(
            f"the table has {n_rows} row{'s' * (n_rows != 1)}; at least {MIN_ROWS} "
            "are needed, since a value that fewer rows hold is never given away"
        )


def resolved(schema: Schema | None, data: Any, frame: pd.DataFrame) -> Schema:
    """The schema given, with the dtypes of the table at hand, or the inferred one."""
    inferred = Schema.infer(data)
    if schema is None:
        return inferred
    schema.validate_frame(frame)
    columns = [schema[column.name].arriving_as(column) for column in inferred]
    return Schema(frame=inferred.frame, columns=tuple(columns), relations=schema.relations)
