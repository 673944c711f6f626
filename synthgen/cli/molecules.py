"""``synthgen molecules``: fit SMILES or peptides, draw new ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.cli import moleculejudging
from synthgen.cli.longrun import asked, check_resume, fit_and_save
from synthgen.cli.moleculefiles import Column, File, Kind, as_numbers, texts_of, write_rejected
from synthgen.cli.output import Notes, command
from synthgen.cli.params import (
    CheckpointDir,
    CheckpointEvery,
    Delta,
    Device,
    Epsilon,
    MaxSteps,
    Model,
    ModelOptions,
    ModelOut,
    Quiet,
    Resume,
    Seed,
    TimeLimit,
    option,
)
from synthgen.cli.sidecar import made_by, noted
from synthgen.cli.values import options, show_duration, show_size
from synthgen.errors import ConditionError

if TYPE_CHECKING:
    import pandas as pd

app = typer.Typer(
    help="Learn molecules or peptides and draw new ones, all of them valid.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)

_FIT = """
[bold]Examples[/bold]

  synthgen molecules fit molecules.csv -o molecules.synthgen --time-limit 1h

  synthgen molecules fit assay.csv --smiles-column SMILES -o assay.synthgen

  synthgen molecules fit peptides.fasta --kind peptides -o peptides.synthgen
"""
_SAMPLE = """
[bold]Examples[/bold]

  synthgen molecules sample molecules.synthgen -n 10000 -o new.smi

  synthgen molecules sample molecules.synthgen -n 100 --where QED=0.8..0.9 --unique -o new.sdf
"""


def learn(
    file: File,
    output: ModelOut,
    kind: Kind = "molecules",
    smiles_column: Column = None,
    model: Annotated[
        str, option("--model", metavar="NAME", help="graphgan (auto), or molgan to compare with.")
    ] = "auto",
    time_limit: TimeLimit = None,
    max_steps: MaxSteps = None,
    salts: Annotated[
        str, option("--salts", metavar="WHAT", help="Of several components: largest, keep, error.")
    ] = "largest",
    seed: Seed = None,
    epsilon: Epsilon = None,
    delta: Delta = None,
    device: Device = "auto",
    option_: ModelOptions = None,
    checkpoint_dir: CheckpointDir = None,
    checkpoint_every: CheckpointEvery = 60.0,
    resume: Resume = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Learn the molecules or peptides of FILE and write a model file.

    Columns of numbers, dates and categories beside them are learned with them. Rows that cannot be
    represented are listed in MODEL.rejected.csv, each with the reason. Ctrl-C ends training after
    the current step and writes the model so far; a second one writes nothing.
    """
    from synthgen import connectors
    from synthgen.atomic import check_target
    from synthgen.cli.fit import check_output, ending, remaining
    from synthgen.molgen import MolGen

    start = time.monotonic()
    notes = Notes(quiet)
    model_options = options(option_ or [])
    check_output(output, file)
    check_target(output)
    check_resume(checkpoint_dir, resume=resume)
    frame = as_numbers(connectors.find(file).read(file), smiles_column)
    fitted = MolGen(
        model=model,
        time_limit_s=remaining(time_limit, start),
        max_steps=max_steps,
        seed=seed,
        epsilon=epsilon,
        delta=delta,
        device=device,
        kind=kind,
        salts=salts,
        model_options=model_options,
        checkpoint_dir=checkpoint_dir,
        checkpoint_every_s=checkpoint_every,
        resume=resume,
        progress=notes.progress,
    )
    fit_and_save(
        fitted,
        lambda: fitted.fit(frame, smiles_column=smiles_column),
        output,
        seconds={},
        asked=asked("molecules fit", file, fitted, smiles_column=smiles_column),
    )
    record = fitted.training_
    notes.say(
        f"Fitted {record['model']} on {record['n_molecules']:,} {kind}: {record['steps']:,} "
        f"steps in {show_duration(time.monotonic() - start)}{ending(record)}"
    )
    for warning in record["warnings"]:
        notes.warn(warning)
    if len(fitted.rejected_):
        rejected = f"{output}.rejected.csv"
        write_rejected(rejected, fitted.rejected_)
        reason, n = next(iter(fitted.rejected_["reason"].value_counts().items()))
        notes.warn(
            f"{len(fitted.rejected_):,} of {len(frame):,} rows cannot be represented, most often "
            f"({n:,}): {reason}. All of them: {rejected}"
        )
    notes.say(f"Model: {output} ({show_size(os.path.getsize(output))})", "bold")
    example = "new.fasta" if kind == "peptides" else "new.smi"
    notes.say(f"Next:  synthgen molecules sample {output} -n 1000 -o {example}")


app.command("fit", epilog=_FIT)(command(learn))


def draw(
    model: Model,
    rows: Annotated[
        int,
        typer.Option(
            "--rows", "-n", metavar="N", min=0, show_default=False, help="Number of molecules."
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="OUT",
            help="File to write (.smi, .sdf, .fasta, .csv, .parquet), or [bold]-[/bold] for CSV "
            "on standard output.",
        ),
    ] = "-",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", metavar="COND", show_default=False,
            help="Condition on a property, repeatable: NAME=VALUE, NAME=LOW..HIGH or "
            "fragment=SMILES.",
        ),
    ] = None,
    unique: Annotated[
        bool, option("--unique", help="No molecule twice.", show_default=False)
    ] = False,
    novel_to: Annotated[
        str | None,
        option(
            "--novel-to", metavar="FILE", show_default=False,
            help="None of the molecules of this file.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        option(
            "--strict", show_default=False,
            help="Leave out and draw again what computed properties show not to meet --where.",
        ),
    ] = False,
    seed: Seed = None,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Draw N molecules from MODEL, all of them valid.

    Beside a file OUT, OUT.meta.json says that they are synthetic and which model made them.
    """
    from synthgen import connectors
    from synthgen.molgen import MolGen
    from synthgen.seeds import Streams
    from synthgen.training.progress import progress_for

    notes = Notes(quiet)
    target = connectors.find(output)
    fitted = MolGen.load(model)
    seed = Streams.of(None).seed if seed is None else seed
    wanted = conditions(where or [])
    barred = None if novel_to is None else texts_of(novel_to, None, fitted.kind)
    batches = fitted.sample_batches(
        rows, where=wanted or None, unique=unique, novel_to=barred, strict=strict, seed=seed
    )

    raw_draws: list[int] = []

    def frames() -> Iterator[pd.DataFrame]:
        with progress_for(notes.progress) as progress:
            progress.stage("sampling")
            done = 0
            for batch in batches:
                yield batch
                done += len(batch)
                raw_draws.append(batch.attrs["raw_draws"])
                progress.stepped(done, rows)

    facts: dict[str, Any] = {**made_by(model), "seed": seed}
    asked = {"where": where, "unique": unique, "novel_to": novel_to, "strict": strict}
    note = target.write(output, frames(), facts | {k: v for k, v in asked.items() if v})
    if output != "-":
        notes.say(f"Wrote {rows:,} synthetic {fitted.kind} to {output} (seed {seed}{noted(note)})")
    if strict:
        notes.say(f"{rows:,} of {sum(raw_draws):,} raw draws met the conditions")


app.command("sample", epilog=_SAMPLE)(command(draw))
for _name, _run, _examples in (
    ("evaluate", moleculejudging.evaluate, moleculejudging.EVALUATE),
    ("privacy", moleculejudging.privacy, moleculejudging.PRIVACY),
):
    app.command(_name, epilog=_examples)(command(_run))


def conditions(texts: list[str]) -> dict[str, Any]:
    """Conditions for ``MolGen.sample`` of ``NAME=VALUE``, ``NAME=LOW..HIGH``, ``fragment=SMILES``.

    Raises:
        ConditionError: If one does not parse, or names a property twice.
    """
    from synthgen.molecular.fragments import FRAGMENT

    found: dict[str, Any] = {}
    for text in texts:
        held, is_held, smiles = text.partition("=")
        if is_held and held == FRAGMENT and FRAGMENT not in found:
            found[FRAGMENT] = smiles
            continue
        name, equals, value = text.rpartition("=")
        if not equals or not name or name in found:
            why = "given twice" if name in found else "write NAME=VALUE or NAME=LOW..HIGH"
            raise ConditionError(f"--where {text!r}: {why}")
        try:
            ends = [float(part) for part in value.split("..")]
        except ValueError:
            ends = []
        if len(ends) not in (1, 2):
            raise ConditionError(f"--where {text!r}: {value!r} is not a number or LOW..HIGH")
        found[name] = ends[0] if len(ends) == 1 else (ends[0], ends[1])
    return found
