"""``synthgen schema``: what a table was taken for, to be corrected by hand."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Data, Json, Quiet

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
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show what was inferred of DATA: the kind and the form of every column.

    Nothing of the data is in it but names and formats. Where a column was misread, write the schema
    to a file, change its "kind" there and give it to [bold]fit --schema[/bold].
    """
    from synthgen import connectors
    from synthgen.schema import Schema

    notes = Notes(quiet)
    frame = connectors.find(data).read(data)
    schema = Schema.infer(frame)
    if output and output != "-":
        save(schema, output)
        notes.say(
            f"Wrote {output}: {len(schema)} columns. Correct it by hand where it is wrong, "
            f"then: synthgen fit {data} --schema {output} -o MODEL.synthgen"
        )
    elif as_json or output == "-" or not sys.stdout.isatty():
        print_json(schema.to_dict())
    else:
        stdout().print(table(schema))
        notes.say(f"{len(frame):,} rows, {len(schema)} columns. To correct it: add -o schema.json")
    if output and output != "-" and as_json:
        print_json(schema.to_dict())


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
