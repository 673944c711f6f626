"""``synthgen audit``: the differential privacy machinery under attack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Delta, Epsilon, Json, MaxSteps, Quiet, option
from synthgen.cli.reading import open_table
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    from synthgen.audit.mechanisms import Audit
    from synthgen.audit.run import AuditReport

EXAMPLES = """
[bold]Examples[/bold]

  synthgen audit

  synthgen audit --thorough --json | jq .planted

  synthgen audit adult.csv --schema schema.json --epsilon 1 --delta 1e-5
"""


def run(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", show_default=False,
            help="Audit one private fit of this table instead, canaries among its rows.",
        ),
    ] = None,
    schema: Annotated[
        str | None,
        option("--schema", metavar="FILE", show_default=False, help="With DATA: its schema."),
    ] = None,
    epsilon: Epsilon = None,
    delta: Delta = None,
    canaries: Annotated[
        int, option("--canaries", metavar="N", help="With DATA: rows that may be in the fit.")
    ] = 1000,
    max_steps: MaxSteps = None,
    thorough: Annotated[
        bool, option("--thorough", help="Ten times the runs, for tighter bounds: an hour or less.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Measure the privacy of the mechanisms that private fits are made of.

    Each runs many times on two made-up tables that differ by one row; what the outputs prove about
    epsilon must stay below what the ledger claims. Then bugs that published packages had are
    planted in the same code, and each has to be found. No data is read. Exit code 1 on any
    violation.

    With DATA one private fit of it is audited: rows whose cells are mixed are put among its own by
    fair coins, and who was in is guessed from the model. The model is not kept.
    """
    from synthgen.audit.run import AuditReport, run_audit

    notes = Notes(quiet)
    if data is None:
        if epsilon is not None or delta is not None or schema is not None:
            raise InvalidInputError(
                "--epsilon, --delta and --schema are for the audit of a fit: name its DATA"
            )
        report = run_audit(
            thorough=thorough, told=lambda text: notes.say(f"auditing {text}", "dim")
        )
    else:
        report = AuditReport((_fit(data, schema, epsilon, delta, canaries, max_steps, notes),), ())
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)
    if not report.holds:
        raise typer.Exit(1)


def _fit(
    data: str,
    schema: str | None,
    epsilon: float | None,
    delta: float | None,
    canaries: int,
    max_steps: int | None,
    notes: Notes,
) -> Audit:
    """The audit of one fit."""
    from synthgen.audit.canaries import audit_fit
    from synthgen.synthesizer import SynthGen

    synth = SynthGen(epsilon=epsilon, delta=delta, max_steps=max_steps, progress=notes.progress)
    table, _ = open_table(data, None, notes, whole=True)
    return audit_fit(table, synth, schema, canaries)


def _show(report: AuditReport) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    shown = Table(
        "mechanism", "claimed", "measured at least", "", box=box.SIMPLE_HEAD, pad_edge=False
    )
    for audit in report.mechanisms:
        shown.add_row(
            audit.name,
            f"{audit.claimed:.3g}",
            f"{audit.lower_bound:.3g}",
            Text("holds", "green") if audit.holds else Text("VIOLATED", "red bold"),
        )
    for bug in report.planted:
        caught = Text("found", "green") if bug.caught else Text("NOT FOUND", "red bold")
        claimed, measured = (
            "refused" if value is None else f"{value:.3g}"
            for value in (bug.claimed, bug.lower_bound)
        )
        shown.add_row(f"planted: {bug.name}", claimed, measured, caught)
    console.print(shown)
    held = sum(audit.holds for audit in report.mechanisms)
    found = sum(bug.caught for bug in report.planted)
    text = f"{held} of {len(report.mechanisms)} claims hold at 95 % confidence"
    if report.planted:
        text += f", {found} of {len(report.planted)} planted bugs were found"
    text += "."
    console.print(Text(text, style="bold green" if report.holds else "bold red"))
