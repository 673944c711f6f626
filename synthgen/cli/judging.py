"""What the commands share that judge tables: arguments, tables read once, stages that are told."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from synthgen.cli.output import Notes, print_json
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.reports.report import Report

Judged = TypeVar("Judged", bound="Report")

SYNTHETIC: Any = typer.Argument(
    metavar="SYNTHETIC", show_default=False, help="Synthetic table of the same columns."
)


def fitted_on(metavar: str) -> Any:
    """The argument of the real table, as a command calls it."""
    return typer.Argument(
        metavar=metavar, show_default=False,
        help="Table that the generator was fitted on: CSV or Parquet file, [bold]-[/bold] for "
        "standard input, or a connector URL.",
    )  # fmt: skip


def read_tables(
    given: Mapping[str, str | None], output: str | None = None
) -> dict[str, pd.DataFrame]:
    """Role -> table of those that were given, each read once: standard input has no second time.

    Raises:
        InvalidInputError: If two are standard input, one is the report, or the report has an ending
            that no report has; before anything is read.
    """
    from synthgen import connectors
    from synthgen.reports.report import check_ending

    paths = {role: path for role, path in given.items() if path is not None}
    check_files(paths, output)
    if output is not None:
        check_ending(output)
    return {role: connectors.find(path).read(path) for role, path in paths.items()}


def check_files(given: Mapping[str, str], output: str | None) -> None:
    """Tables and the report are different files, and one at most comes from standard input.

    Raises:
        InvalidInputError: If they are not.
    """
    if list(given.values()).count("-") > 1:
        raise InvalidInputError("two tables cannot both come from standard input; name a file")
    if output is None or not os.path.exists(output):
        return
    for role, path in given.items():
        if os.path.exists(path) and os.path.samefile(path, output):
            raise InvalidInputError(f"-o {output}: is the table {role} itself; name another file")


def stages(notes: Notes) -> Callable[[str, int, int], None]:
    """Tells each stage that begins."""

    def step(stage: str, done: int, total: int) -> None:
        if done < total:
            notes.say(f"[{done + 1}/{total}] {stage}", "dim")

    return step


def hand_out(
    report: Judged,
    output: str | None,
    notes: Notes,
    show: Callable[[Judged], None],
    *,
    as_json: bool,
    kind: str = "Report",
    more: str = "",
) -> None:
    """Save the report where that is wanted, and print it.

    Args:
        report: What was found.
        output: Where to save it.
        notes: Where to say what was written.
        show: Prints it for reading.
        as_json: Print it as JSON instead.
        kind: What the file is called.
        more: What to tell where nothing is saved.
    """
    if output is not None:
        report.save(output)
    if as_json:
        print_json(report.to_dict())
    else:
        show(report)
    if output is not None:
        notes.say(f"{kind}: {output}", "bold")
    elif more and not as_json:
        notes.say(more)
