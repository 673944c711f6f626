"""The table that a command is given: in memory, or in batches where that does not hold it."""

from __future__ import annotations

from functools import partial
from typing import Any

from synthgen.cli.output import Notes
from synthgen.errors import InvalidInputError

# rows above which a table is not held in memory unless asked, and rows of a batch then
_MOST_IN_MEMORY, _BATCH_ROWS = 2_000_000, 250_000


def open_table(
    data: str, batch_rows: int | None, notes: Notes, *, engine: str = "local", whole: bool = False
) -> tuple[Any, int | None]:
    """The table in memory, or in batches; and how many rows these have.

    Args:
        data: Where it is.
        batch_rows: As the user asked.
        notes: Told of batches that nobody asked for.
        engine: "ray" reads Parquet by Ray Data.
        whole: Batches only where they are asked for.

    Raises:
        InvalidInputError: If it cannot be read, or batches of what can be read only once.
    """
    from synthgen import connectors

    connector = connectors.find(data)
    if batch_rows is not None and data == "-":
        raise InvalidInputError(
            "--batch-rows: standard input can be read only once, and batches are read several "
            "times; write it to a file first"
        )
    if batch_rows is None and data != "-" and not whole:
        rows = connector.scan(data).rows or 0
        if rows > _MOST_IN_MEMORY:
            batch_rows = _BATCH_ROWS
            notes.say(f"{rows:,} rows: read in batches of {batch_rows:,} (--batch-rows)")
    if batch_rows is None:
        return connector.read(data), None
    if engine == "ray" and data.lower().endswith((".parquet", ".pq")):
        from synthgen.distributed import raydata

        return raydata.parquet(data.removeprefix("parquet:"), batch_rows), batch_rows
    from synthgen.batches import Batches

    return Batches(partial(connector.read_batches, data, batch_rows)), batch_rows
