"""``synthgen schema``: what a table was taken for, to be corrected by hand."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import BatchRows, Data, Json, Quiet
from synthgen.cli.reading import open_table

if TYPE_CHECKING:
    from rich.table import Table

    from synthgen.schema import Column, Schema

EXAMPLES = """
[bold]Examples[/bold]

  synthgen schema adult.csv  [dim]# look at it[/dim]

  synthgen schema adult.csv -o schema.json  [dim]# correct it, then fit --schema schema.json[/dim]
"""


def run(
    data: Data,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it as JSON.", show_default=False
        ),
    ] = None,
    batch_rows: BatchRows = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what was inferred of DATA: kind and form of every column, and what holds between them.

    Nothing of the data is in it but names and formats. Where a column was misread, write the schema
    to a file, change its "kind" there and give it to [bold]fit --schema[/bold]. Relations may be
    deleted, added and corrected there too: what a fit is given holds in every synthetic row. Of a
    table in batches 200,000 rows are looked at; a fit checks on all of them what they show.
    """
    from synthgen import frames
    from synthgen.relations import unsearched, with_relations
    from synthgen.schema import Schema

    notes = Notes(quiet)
    frame, n_rows = _looked_at(*open_table(data, batch_rows, notes))
    schema = with_relations(frames.read(frame)[0], Schema.infer(frame))
    found = f"{len(schema)} columns, {count(len(schema.relations or ()), 'relation')}"
    if left := unsearched(schema):
        notes.say(left)
    if output and output != "-":
        save(schema, output)
        notes.say(
            f"Wrote {output}: {found}. Correct it by hand where it is wrong, "
            f"then: synthgen fit {data} --schema {output} -o MODEL.synthgen"
        )
    elif as_json or output == "-" or not sys.stdout.isatty():
        print_json(schema.to_dict())
    else:
        stdout().print(table(schema))
        show_relations(schema)
        notes.say(f"{n_rows:,} rows, {found}. To correct it: add -o schema.json")
    if output and output != "-" and as_json:
        print_json(schema.to_dict())


def _looked_at(table: Any, batch_rows: int | None) -> tuple[Any, int]:
    """A table, or a sample of its batches; and its number of rows."""
    import numpy as np

    from synthgen.relations.batched import SAMPLE_ROWS

    if batch_rows is None:
        return table, len(table)
    found: tuple[Any, int] = table.sample(SAMPLE_ROWS, np.random.default_rng(0))
    return found


def save(schema: Schema, path: str) -> None:
    """Write a schema file whole or not at all."""
    from synthgen.atomic import replacing

    text = json.dumps(schema.to_dict(), indent=2, ensure_ascii=False) + "\n"
    with replacing(path) as handle:
        handle.write(text.encode("utf-8"))


def table(schema: Schema) -> Table:
    """The schema for reading: a row for every column."""
    from rich import box
    from rich.table import Table

    shown = Table("column", "kind", "details", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in schema:
        shown.add_row(_plain(column.name), column.kind, _plain(_details(column)))
    return shown


def show_relations(schema: Schema) -> None:
    """What holds between the columns, for reading; nothing where there is nothing."""
    from rich import box
    from rich.table import Table

    from synthgen.relations import confidence, describe

    shown = Table("relation", "confidence", box=box.SIMPLE_HEAD, pad_edge=False)
    unique = [c.name for c in schema if c.unique]
    for relation in schema.relations or ():
        shown.add_row(_plain(describe(relation)), _plain(confidence(relation)))
    for name in unique:
        shown.add_row(_plain(f"{name} has no value twice"), "kept by new ones")
    if shown.row_count:
        stdout().print(shown)


def count(n: int, thing: str) -> str:
    """``1 relation``, ``2 relations``."""
    return f"{n} {thing}{'s' * (n != 1)}"


def _plain(value: object) -> str:
    from rich.markup import escape

    return escape(str(value))


def _details(column: Column) -> str:
    skipped = {"name", "kind", "dtype", "native", "nullable"}
    given = column.model_dump(mode="json", exclude_defaults=True, exclude=skipped)
    parts = [] if column.dtype == "object" else [column.dtype]
    parts += [
        name if value is True else f"{name.replace('_', ' ')} {value!r}"
        for name, value in given.items()
    ]
    if column.nullable and column.missing_marker is None:
        parts.append("may be missing")
    return ", ".join(parts)
