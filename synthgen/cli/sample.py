"""``synthgen sample``: synthetic rows from a model file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.cli.output import Notes
from synthgen.cli.params import Engine, Model, Quiet, Seed, TableOut, Workers, option
from synthgen.cli.sidecar import ENDING, made_by, noted
from synthgen.cli.values import column_named, conditions
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.synthesizer import SynthGen

EXAMPLES = """
[bold]Examples[/bold]

  synthgen sample adult.synthgen -n 10000 -o synthetic.csv

  synthgen sample adult.synthgen -n 5  [dim]# to stdout[/dim]

  synthgen sample adult.synthgen -n 1000 --where "income=>50K" --where sex=Female --seed 1

  synthgen sample adult.synthgen -n 1000 --where education=Masters,Doctorate --where occupation=

  synthgen sample adult.synthgen -n 1000 --balance income -o balanced.parquet

  synthgen sample adult.synthgen -n 100000000 -o folder --engine ray --workers 8

  synthgen sample adult.synthgen -n 1000 -o "postgresql://me@host/db?table=adult_synthetic"
"""


def run(
    model: Model,
    rows: Annotated[
        int,
        typer.Option(
            "--rows", "-n", metavar="N", min=0, show_default=False, help="Number of rows."
        ),
    ],
    output: TableOut = "-",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="COND", show_default=False,
            help="Condition on a column, repeatable: COL=VALUE, COL=A,B,C (any of them), "
            "COL=LOW..HIGH (inclusive), COL= (missing). "
            'Values with commas in double quotes: \'COL="a, b"\'.',
        ),
    ] = None,
    balance: Annotated[
        str | None,
        option(
            "--balance", metavar="COL", show_default=False,
            help="Make the values of this column equally frequent.",
        ),
    ] = None,
    seed: Seed = None,
    engine: Engine = "local",
    workers: Workers = 2,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Sample N synthetic rows from MODEL.

    Columns, their order and the way their cells are written are those of the table it was fitted
    on. Beside a file OUT, OUT.meta.json says that it is synthetic and which model made it; of a
    table in a database its comment does. A table that is there keeps its columns and constraints,
    and all of its rows are replaced. With [bold]--engine ray[/bold] OUT is a folder of Parquet
    files.
    """
    from synthgen import connectors
    from synthgen.seeds import Streams
    from synthgen.synthesizer import SynthGen

    notes = Notes(quiet)
    if engine == "ray":
        _on_ray(model, output, rows, seed, where, balance, workers, notes)
        return
    if engine != "local":
        raise InvalidInputError(f"--engine: must be local or ray, got {engine!r}")
    connectors.find(output)  # an unknown target is refused before the model is read
    synth = SynthGen.load(model)
    # Drawn here, so that a sample without --seed can be repeated too.
    seed = Streams.of(None).seed if seed is None else seed
    note = write_sample(
        synth, model, output,
        rows=rows, seed=seed, where=where, balance=balance, progress=notes.progress,
    )  # fmt: skip
    if output != "-":
        notes.say(
            f"Wrote {rows:,} synthetic rows, {len(synth.schema_)} columns to {output} "
            f"(seed {seed}{noted(note)})"
        )


def _on_ray(
    model: str,
    folder: str,
    rows: int,
    seed: int | None,
    where: list[str] | None,
    balance: str | None,
    workers: int,
    notes: Notes,
) -> None:
    """A folder of Parquet files, drawn by workers."""
    from synthgen import modelfile
    from synthgen.schema import Schema
    from synthgen.seeds import Streams
    from synthgen.shards import sample_shards
    from synthgen.training.progress import progress_for

    if folder == "-":
        raise InvalidInputError("-o -: --engine ray writes a folder of Parquet files; name one")
    seed = Streams.of(seed).seed
    schema = Schema.from_dict(modelfile.read(model, weights=False).schema)
    with progress_for(notes.progress) as shown:
        shown.stage("sampling")
        write = partial(write_shard, facts=provenance(model, seed, where, balance))
        files = sample_shards(
            model, rows, folder, write,
            where=conditions(where or [], schema) or None,
            balance=None if balance is None else column_named(balance, schema, "--balance"),
            seed=seed, workers=workers, progressed=shown.stepped,
        )  # fmt: skip
    notes.say(f"Wrote {rows:,} synthetic rows in {files:,} Parquet files to {folder} (seed {seed})")


def write_shard(path: str, frame: Any, facts: dict[str, Any]) -> None:
    """Write one of many files, with a note that it is synthetic."""
    from synthgen import connectors

    connectors.find(path).write(path, as_pandas(frame), facts)
    # the note is in the file's own metadata; a folder of Parquet files holds nothing else
    Path(f"{path}{ENDING}").unlink(missing_ok=True)


def write_sample(
    synth: SynthGen,
    model: str,
    output: str,
    *,
    rows: int,
    seed: int,
    where: list[str] | None = None,
    balance: str | None = None,
    progress: bool = False,
) -> str:
    """Sample and write, with the record of it; returns where that is."""
    from synthgen import connectors
    from synthgen.training.progress import progress_for

    target = connectors.find(output)
    wanted = conditions(where or [], synth.schema_)
    balanced = None if balance is None else column_named(balance, synth.schema_, "--balance")
    batches = synth.sample_batches(rows, where=wanted or None, balance=balanced, seed=seed)

    def frames() -> Iterator[pd.DataFrame]:
        """Sampled when the target is open: a target that cannot be written costs no time."""
        with progress_for(progress) as shown:
            shown.stage("sampling")
            done = 0
            for batch in batches:
                yield as_pandas(batch)
                done += len(batch)
                shown.stepped(done, rows)

    return target.write(output, frames(), provenance(model, seed, where, balance))


def as_pandas(frame: Any) -> pd.DataFrame:
    """A sampled table in whatever kind the model was fitted on, for a connector."""
    import pandas as pd

    from synthgen import frames

    if isinstance(frame, pd.DataFrame):
        return frame
    return frames.read(frame)[0] if len(frame) else frame.to_pandas()


def provenance(
    model: str, seed: int, where: list[str] | None = None, balance: str | None = None
) -> dict[str, Any]:
    """Facts for the note beside a file of synthetic rows."""
    asked = {"where": where, "balance": balance}
    return {**made_by(model), "seed": seed} | {
        name: value for name, value in asked.items() if value
    }
