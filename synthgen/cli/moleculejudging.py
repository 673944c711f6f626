"""``synthgen molecules evaluate`` and ``privacy``: what molecules drawn are like, and tell."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer

from synthgen.cli.judging import check_files, hand_out
from synthgen.cli.moleculefiles import Column, Kind, texts_of
from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Json, Quiet, ReportOut, Seed, option
from synthgen.cli.privacy import ModelFile, tell
from synthgen.errors import InvalidInputError

EVALUATE = """
[bold]Examples[/bold]

  synthgen molecules evaluate train.csv new.smi --holdout test.csv -o molecules.html
"""
PRIVACY = """
[bold]Examples[/bold]

  synthgen molecules privacy train.csv new.smi --holdout test.csv -o privacy.html
"""
Train = Annotated[
    str, typer.Argument(metavar="TRAIN", help="Molecules fitted on.", show_default=False)
]
Synthetic = Annotated[
    str, typer.Argument(metavar="SYNTHETIC", help="Molecules drawn.", show_default=False)
]


def evaluate(
    train: Train,
    synthetic: Synthetic,
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
    hand_out(report, output, notes, lambda one: _show(one.to_dict(), LABELS), as_json=as_json)


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


def privacy(
    train: Train,
    synthetic: Synthetic,
    holdout: Annotated[
        str | None,
        option(
            "--holdout", metavar="FILE", show_default=False,
            help="Molecules the generator never saw. Required: what works as well on them is no "
            "leak.",
        ),
    ] = None,
    model: ModelFile = None,
    output: ReportOut = None,
    smiles_column: Column = None,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Attack the molecules SYNTHETIC as an intruder would who looks for those of TRAIN.

    Copied molecules, skeletons and scaffolds, and membership inference by fingerprints: each on
    molecules of TRAIN and, for control, of the holdout. The report names no molecule, but its
    figures are of raw ones: it is internal.
    """
    from synthgen.molgen import MolGen
    from synthgen.reports.moleculeprivacy import evaluate_molecule_privacy
    from synthgen.reports.privacy import WHY_HOLDOUT
    from synthgen.reports.report import check_ending

    notes = Notes(quiet)
    if holdout is None:
        raise InvalidInputError(f"--holdout is missing: {WHY_HOLDOUT}")
    check_files({"TRAIN": train, "SYNTHETIC": synthetic, "--holdout": holdout}, output)
    if output is not None:
        check_ending(output)
    fitted = None if model is None else MolGen.load(model)
    report = evaluate_molecule_privacy(
        texts_of(train, smiles_column, "molecules"),
        texts_of(synthetic, None, "molecules"),
        holdout=texts_of(holdout, smiles_column, "molecules"),
        model=fitted,
        seed=0 if seed is None else seed,
        jobs=os.cpu_count() or 1,
        told=lambda stage: notes.say(stage, "dim"),
    )
    tell(report, output, as_json, notes)
