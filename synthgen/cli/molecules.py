"""``synthgen molecules``: fit SMILES or peptides, draw new ones, judge them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.cli.longrun import asked, check_resume, fit_and_save
from synthgen.cli.output import Notes, command, print_json, stdout
from synthgen.cli.params import (
    CheckpointDir,
    CheckpointEvery,
    Delta,
    Device,
    Epsilon,
    Json,
    MaxSteps,
    Model,
    ModelOptions,
    ModelOut,
    Quiet,
    ReportOut,
    Resume,
    Seed,
    TimeLimit,
    option,
)
from synthgen.cli.sidecar import made_by
from synthgen.cli.values import options, show_duration, show_size
from synthgen.errors import ConditionError, InvalidInputError

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
_EVALUATE = """
[bold]Examples[/bold]

  synthgen molecules evaluate train.csv new.smi --holdout test.csv -o molecules.html
"""
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="CSV with a column of SMILES or sequences, .smi, .sdf or .fasta (also .gz).",
        show_default=False,
    ),
]
Column = Annotated[
    str | None,
    option(
        "--smiles-column", "--sequence-column", metavar="COL", show_default=False,
        help="Column of SMILES or sequences; without it the one called smiles or sequence.",
    ),
]  # fmt: skip
Kind = Annotated[
    str, option("--kind", metavar="KIND", help="What the texts are: molecules, peptides.")
]


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
    target.write(output, frames(), facts | {k: v for k, v in asked.items() if v})
    if output != "-":
        notes.say(
            f"Wrote {rows:,} synthetic {fitted.kind} to {output} "
            f"(seed {seed}; {output}.meta.json says how they were made)"
        )
    if strict:
        notes.say(f"{rows:,} of {sum(raw_draws):,} raw draws met the conditions")


app.command("sample", epilog=_SAMPLE)(command(draw))


@app.command("evaluate", epilog=_EVALUATE)
@command
def evaluate(
    train: Annotated[
        str, typer.Argument(metavar="TRAIN", help="Molecules fitted on.", show_default=False)
    ],
    synthetic: Annotated[
        str, typer.Argument(metavar="SYNTHETIC", help="Molecules drawn.", show_default=False)
    ],
    holdout: Annotated[
        str | None,
        option(
            "--holdout", metavar="FILE", show_default=False,
            help="Molecules the generator never saw, to compare with.",
        ),
    ] = None,
    output: ReportOut = None,
    kind: Kind = "molecules",
    smiles_column: Column = None,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Judge the molecules or peptides SYNTHETIC against TRAIN, or against the holdout.

    Of peptides the figures are printed; a page is made of molecules alone.
    """
    from synthgen.molecular.representation import representation
    from synthgen.reports.molecules import LABELS, evaluate_molecules
    from synthgen.reports.report import check_ending

    notes = Notes(quiet)
    representation(kind)  # or there is no such kind
    if output is not None:
        check_ending(output)
    known, made = texts_of(train, smiles_column, kind), texts_of(synthetic, None, kind)
    unseen = None if holdout is None else texts_of(holdout, smiles_column, kind)
    if kind == "peptides":
        _evaluate_peptides(known, made, unseen, output, 0 if seed is None else seed, as_json)
        return
    report = evaluate_molecules(
        known,
        made,
        holdout=unseen,
        seed=0 if seed is None else seed,
        jobs=os.cpu_count() or 1,
        told=lambda stage: notes.say(stage, "dim"),
    )
    if output is not None:
        report.save(output)
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report.to_dict(), LABELS)
    if output is not None:
        notes.say(f"Report: {output}", "bold")


def _evaluate_peptides(
    train: list[str],
    synthetic: list[str],
    holdout: list[str] | None,
    output: str | None,
    seed: int,
    as_json: bool,
) -> None:
    from synthgen.evaluation.molecules.peptides import LABELS, judge_peptides

    if output is not None:
        raise InvalidInputError(
            f"{output}: there is no page about peptides; print the figures, with --json as JSON"
        )
    judged = judge_peptides(train, synthetic, holdout, seed=seed)
    found = {name: result.to_dict() for name, result in judged.items()}
    if as_json:
        print_json(found)
    else:
        _show(found, LABELS, "peptides")


def _show(
    found: dict[str, Any], labels: dict[str, tuple[str, str]], kind: str = "molecules"
) -> None:
    from rich import box
    from rich.table import Table

    shown = Table("", "synthetic", "real", "better is", kind, box=box.SIMPLE_HEAD)
    for name, (label, _) in labels.items():
        one = found[name]
        value, base = (
            "-" if number is None else f"{number:.4g}" for number in (one["value"], one["baseline"])
        )
        shown.add_row(label, value, base, one["direction"], f"{one['n']:,}")
    stdout().print(shown)


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


def texts_of(path: str, column: str | None, kind: str) -> list[str]:
    """The SMILES or sequences of a file.

    Raises:
        InvalidInputError: If it has no such column.
    """
    from synthgen import connectors
    from synthgen.molecular.representation import representation

    usual = representation(kind).column
    frame = connectors.find(path).read(path)
    names = [str(name) for name in frame.columns]
    alike = [name for name in names if name.lower() == (column or usual).lower()]
    if column is None and not alike and len(names) == 1:
        alike = names
    if not alike:
        raise InvalidInputError(
            f"{path}: no column {column or usual!r} of {kind}; it has {', '.join(names)}: "
            f"name it with --{usual}-column"
        )
    return [str(text) for text in frame[alike[0]]]


def as_numbers(frame: pd.DataFrame, smiles_column: str | None) -> pd.DataFrame:
    """Text columns that hold nothing but numbers and gaps as numbers; a CSV file has no types."""
    import pandas as pd

    frame = frame.copy()
    for name in frame.columns:
        if str(name) == (smiles_column or "smiles") or frame[name].dtype != object:
            continue
        given = frame[name].replace("", None)
        numbers = pd.to_numeric(given, errors="coerce")
        if given.notna().any() and bool((numbers.notna() == given.notna()).all()):
            # a gap makes no whole number a fraction
            is_whole = not given.dropna().str.contains(r"[.eEnN]").any()
            frame[name] = numbers.astype("Int64" if is_whole else float)
    return frame


def write_rejected(path: str, rejected: pd.DataFrame) -> None:
    """The rows that were left out; they are the user's own, and not synthetic."""
    from synthgen.atomic import replacing

    with replacing(path) as handle:
        handle.write(rejected.to_csv(index=False).encode("utf-8"))
