"""``synthgen fit``: learn a table, write a model file."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

from synthgen.cli.longrun import asked, check_resume, fit_and_save
from synthgen.cli.output import Notes
from synthgen.cli.params import (
    BatchRows,
    CheckpointDir,
    CheckpointEvery,
    Data,
    Delta,
    Device,
    Engine,
    Entity,
    EntityRows,
    Epsilon,
    MaxSteps,
    ModelOptions,
    ModelOut,
    Quiet,
    Resume,
    Seed,
    TimeLimit,
    Workers,
    option,
)
from synthgen.cli.reading import open_table
from synthgen.cli.values import megabytes, options, show_duration, show_size
from synthgen.errors import BudgetError, InvalidInputError

if TYPE_CHECKING:
    from synthgen.synthesizer import SynthGen

EXAMPLES = """
[bold]Examples[/bold]

  synthgen fit adult.csv -o adult.synthgen

  synthgen fit adult.csv -o adult.synthgen --time-limit 5m --seed 7

  zcat big.csv.gz | synthgen fit - -o big.synthgen --schema schema.json --memory-limit 4g

  synthgen fit big.parquet -o big.synthgen --batch-rows 200000 --checkpoint-dir state --resume

  synthgen fit adult.csv -o adult.synthgen --model ctgan --option loss=hinge --option pac=4
"""


def run(
    data: Data,
    output: ModelOut,
    model: Annotated[
        str, option("--model", metavar="NAME", help="Model to fit, such as ctgan.")
    ] = "auto",
    schema: Annotated[
        str | None,
        option(
            "--schema", metavar="FILE", show_default=False,
            help="Schema file, made by [bold]synthgen schema[/bold] and corrected by hand.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    max_steps: MaxSteps = None,
    memory_limit: Annotated[
        float | None,
        option(
            "--memory-limit", metavar="SIZE", parser=megabytes, show_default=False,
            help="Refuse to start if more memory (512m, 4g) would be needed.",
        ),
    ] = None,
    batch_rows: BatchRows = None,
    seed: Seed = None,
    epsilon: Epsilon = None,
    delta: Delta = None,
    entity: Entity = None,
    entity_rows: EntityRows = 1,
    device: Device = "auto",
    option_: ModelOptions = None,
    checkpoint_dir: CheckpointDir = None,
    checkpoint_every: CheckpointEvery = 60.0,
    resume: Resume = False,
    engine: Engine = "local",
    workers: Workers = 2,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Learn the table DATA and write a model file.

    Personal fields and identifiers are not learned but made up anew, and no value that fewer than
    5 rows hold is kept. Ctrl-C ends training after the current step and writes the model so far; a
    second one writes nothing. How long it took and how to repeat it is in MODEL.meta.json, so that
    equal fits are equal files.
    """
    from synthgen.atomic import check_target
    from synthgen.schema import Schema

    start = time.monotonic()
    notes = Notes(quiet)
    model_options = options(option_ or [])
    check_output(output, data)
    check_target(output)
    check_resume(checkpoint_dir, resume=resume)
    declared = None if schema is None else Schema.load(schema)
    private = epsilon is not None
    table, batch_rows = open_table(data, batch_rows, notes, engine=engine, whole=private)
    reading = time.monotonic() - start
    synth = _synthesizer(
        model=model,
        time_limit_s=remaining(time_limit, start),
        max_steps=max_steps,
        memory_limit_mb=memory_limit,
        seed=seed,
        epsilon=epsilon,
        delta=delta,
        entity=entity,
        entity_rows=entity_rows,
        device=device,
        model_options=model_options,
        checkpoint_dir=checkpoint_dir,
        checkpoint_every_s=checkpoint_every,
        resume=resume,
        engine=engine,
        workers=workers,
        progress=notes.progress,
    )
    fit_and_save(
        synth,
        lambda: synth.fit(table, schema=declared),
        output,
        seconds={"reading": round(reading, 3)},
        asked=asked(
            "fit",
            data,
            synth,
            schema=declared and declared.to_dict(),
            batch_rows=batch_rows,
            engine=engine,
            workers=workers,
        ),
    )
    report(synth, output, time.monotonic() - start, notes)
    notes.say(f"Next:  synthgen sample {output} -n 1000 -o synthetic.csv")


def report(synth: SynthGen, path: str, seconds: float, notes: Notes) -> None:
    """Say what was fitted and where it is; what the watchdogs saw stands above already."""
    record: dict[str, Any] = synth.training_
    notes.say(
        f"Fitted {record['model']} on {record['n_rows']:,} rows, {record['n_columns']} columns: "
        f"{record['steps']:,} step{'s' * (record['steps'] != 1)} in {show_duration(seconds)}"
        f"{ending(record)}"
    )
    notes.say(f"Model: {path} ({show_size(os.path.getsize(path))})", "bold")


def ending(record: dict[str, Any]) -> str:
    """Why training ended, as the end of a line."""
    if record["ended_by"] == "time":
        return (
            f", ended by the time limit (the same again: "
            f"--seed {record['seed']} --max-steps {record['steps']})"
        )
    if record["ended_by"] == "interrupted":
        return ", interrupted"
    if record["ended_by"] == "converged":
        return f", no progress after step {record['best_step']:,}"
    if record["ended_by"] == "diverged":
        return f", diverged; the weights of step {record['best_step']:,} were kept"
    if record["ended_by"] == "collapsed":
        return f", mode collapse; the weights of step {record['best_step']:,} were kept"
    return ""


def _synthesizer(**settings: Any) -> SynthGen:
    # Here and not above: it imports torch, and --help should not wait for that.
    from synthgen.synthesizer import SynthGen

    return SynthGen(**settings)


def check_output(output: str, data: str) -> None:
    """A model goes to a file that is not the data."""
    if output == "-":
        raise InvalidInputError("-o -: a model goes to a file, not to standard output; name one")
    if os.path.exists(output) and os.path.exists(data) and os.path.samefile(output, data):
        raise InvalidInputError(f"-o {output}: is the data itself; name another file")


def remaining(time_limit: float | None, start: float) -> float | None:
    """What reading left of the time limit."""
    if time_limit is None:
        return None
    remaining = time_limit - (time.monotonic() - start)
    if remaining <= 0:
        raise BudgetError(
            f"reading the data took all of the time limit of {show_duration(time_limit)}; "
            f"allow more time, or fit on fewer rows"
        )
    return remaining
