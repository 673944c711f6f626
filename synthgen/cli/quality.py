"""``synthgen quality``: how good a synthetic table is, and what gives it away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from synthgen.cli.judging import SYNTHETIC, fitted_on, hand_out, read_tables, stages
from synthgen.cli.output import Notes, stdout
from synthgen.cli.params import Json, Quiet, ReportOut, Seed, option

if TYPE_CHECKING:
    from synthgen.reports.quality import QualityReport

EXAMPLES = """
[bold]Examples[/bold]

  synthgen quality adult.csv synthetic.csv --holdout test.csv --target income -o quality.html

  synthgen quality adult.csv synthetic.csv --json | jq .xgb_c2st.value
"""
_TELLING = 5


def run(
    real: Annotated[str, fitted_on("REAL")],
    synthetic: Annotated[str, SYNTHETIC],
    holdout: Annotated[
        str | None,
        option(
            "--holdout", metavar="FILE", show_default=False,
            help="Real rows the generator never saw: the baseline of every figure, "
            "and what shows copying.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        option(
            "--target", metavar="COL", show_default=False,
            help="Column that a predictor shall learn from the synthetic rows.",
        ),
    ] = None,
    output: ReportOut = None,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Judge the table SYNTHETIC against REAL.

    Every figure comes with its interval, the rows it rests on, and the same figure of real rows
    the generator never saw. The report also shows every column, every pair, and the rules by
    which boosted trees tell the tables apart. It holds no value of fewer than 5 real rows.
    """
    from synthgen.reports.quality import evaluate_quality

    notes = Notes(quiet)
    tables = read_tables({"REAL": real, "SYNTHETIC": synthetic, "--holdout": holdout}, output)
    report = evaluate_quality(
        tables["REAL"],
        tables["SYNTHETIC"],
        holdout=tables.get("--holdout"),
        target=target,
        seed=0 if seed is None else seed,
        progress=stages(notes),
    )
    hand_out(
        report, output, notes, _show, as_json=as_json,
        more="Every column and pair, and what gives the rows away: add -o quality.html",
    )  # fmt: skip


def _show(report: QualityReport) -> None:
    """The verdict, the key figures and what gives the rows away, for reading."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from synthgen.reports import wording

    found = report.to_dict()
    console = stdout()
    console.print(Text(found["verdict"]["headline"], style="bold"))
    for point in found["verdict"]["points"]:
        console.print(_point(point), soft_wrap=True)
    shown = Table(
        "", "synthetic", "95 % interval", "real rows", "better is", "rows",
        box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    for column in shown.columns[1:4]:
        column.justify = "right"
    shown.columns[5].justify = "right"
    for name in wording.KEY_FIGURES:
        if name in found:
            shown.add_row(*map(Text, _row(name, found[name])))
    console.print(shown)
    telling = [c["column"] for c in found["telling_columns"][:_TELLING]]
    if telling:
        console.print(Text(f"Most telling columns: {', '.join(telling)}"), soft_wrap=True)


def _point(point: dict[str, str]) -> Any:
    from rich.text import Text

    style = {"good": "green", "problem": "red"}.get(point["tone"], "yellow")
    return Text(f"{point['tone']:>8}  ", style=style).append(point["text"], style="default")


def _row(name: str, found: dict[str, Any]) -> tuple[str, ...]:
    from synthgen.reports import wording

    if found["value"] is None:
        return (wording.wording(name).label, "-", f"({found['reason']})", "", "", "")
    unit = found["unit"]
    return (
        wording.wording(name).label,
        wording.number(found["value"], unit),
        wording.interval(found),
        wording.number(found["baseline"], unit),
        wording.better(name, found["direction"]),
        f"{found['n']:,}",
    )
