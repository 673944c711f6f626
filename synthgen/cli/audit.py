"""``synthgen audit``: the differential privacy machinery under attack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Json, Quiet, option

if TYPE_CHECKING:
    from synthgen.audit.run import AuditReport

EXAMPLES = """
[bold]Examples[/bold]

  synthgen audit

  synthgen audit --thorough --json | jq .planted
"""


def run(
    thorough: Annotated[
        bool, option("--thorough", help="Ten times the runs, for tighter bounds: an hour or less.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Measure the privacy of the mechanisms that private fits are made of.

    Each runs many times on two made-up tables that differ by one row; what the outputs prove about
    epsilon must stay below what the ledger claims. Then bugs that published packages had are
    planted in the same code, and each has to be found. No data is read. Exit code 1 on any
    violation.
    """
    from synthgen.audit.run import run_audit

    notes = Notes(quiet)
    report = run_audit(thorough=thorough, told=lambda text: notes.say(f"auditing {text}", "dim"))
    if as_json:
        print_json(report.to_dict())
    else:
        _show(report)
    if not report.holds:
        raise typer.Exit(1)


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
    text = (
        f"{held} of {len(report.mechanisms)} claims hold at 95 % confidence, "
        f"{found} of {len(report.planted)} planted bugs were found."
    )
    console.print(Text(text, style="bold green" if report.holds else "bold red"))
