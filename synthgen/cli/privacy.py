"""``synthgen privacy``: what a synthetic table tells of the people behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from synthgen.cli.judging import SYNTHETIC, fitted_on, hand_out, read_tables, stages
from synthgen.cli.output import Notes, stdout
from synthgen.cli.params import Json, Quiet, ReportOut, Seed, option
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.reports.privacy import PrivacyReport
    from synthgen.synthesizer import SynthGen

EXAMPLES = """
[bold]Examples[/bold]

  synthgen privacy adult.csv synthetic.csv --holdout test.csv -o privacy.html

  synthgen privacy adult.csv synthetic.csv --holdout test.csv --json | jq .membership_auc.ci
"""

Holdout = Annotated[
    str | None,
    option(
        "--holdout", metavar="FILE", show_default=False,
        help="Real rows that the generator never saw. Required: what works as well on them "
        "is no leak.",
    ),
]  # fmt: skip
ModelFile = Annotated[
    str | None,
    option(
        "--model", metavar="MODEL", show_default=False,
        help="Model file that made the rows; its ledger is held against the attacks, and its "
        "likelihood is one of them.",
    ),
]  # fmt: skip


def run(
    train: Annotated[str, fitted_on("TRAIN")],
    synthetic: Annotated[str, SYNTHETIC],
    holdout: Holdout = None,
    model: ModelFile = None,
    quasi: Annotated[
        list[str] | None,
        option(
            "--quasi-identifier", metavar="COL", show_default=False,
            help="Column that outsiders may know. Repeatable.",
        ),
    ] = None,
    sensitive: Annotated[
        list[str] | None,
        option(
            "--sensitive", metavar="COL", show_default=False,
            help="Column whose diversity among people alike is told. Repeatable.",
        ),
    ] = None,
    shadows: Annotated[
        int,
        option(
            "--shadows", metavar="N", min=0, max=64,
            help="With --model: models like it, fitted on half of the holdout, that the attack by "
            "likelihood is calibrated with. Each takes a fit's time.",
        ),
    ] = 0,
    output: ReportOut = None,
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Attack the table SYNTHETIC as an intruder would.

    Singling out, linkability, attribute and membership inference, copies: each on people of TRAIN
    and, for control, on people of the holdout. The report holds no raw row, but figures of raw
    rows: it is internal.
    """
    notes = Notes(quiet)
    case = opened(train, synthetic, holdout, model, output)
    report = attacked(
        case, notes, seed=seed, quasi_identifiers=quasi or [], sensitive=sensitive or [],
        shadows=shadows,
    )  # fmt: skip
    tell(report, output, as_json, notes)


@dataclass(frozen=True)
class Case:
    """What is attacked, read.

    Attributes:
        paths: Role -> what was given for it, ``None`` where nothing was.
        train, synthetic, holdout: The tables.
        synth: The model, where one was given.
    """

    paths: Mapping[str, str | None]
    train: pd.DataFrame
    synthetic: pd.DataFrame
    holdout: pd.DataFrame
    synth: SynthGen | None


def opened(
    train: str, synthetic: str, holdout: str | None, model: str | None, output: str | None = None
) -> Case:
    """Read the tables and the model, each once.

    Raises:
        InvalidInputError: Without a holdout, or as `read_tables`.
    """
    from synthgen.reports.privacy import WHY_HOLDOUT
    from synthgen.synthesizer import SynthGen

    if holdout is None:
        raise InvalidInputError(f"--holdout is missing: {WHY_HOLDOUT}")
    synth = None if model is None else SynthGen.load(model)
    given = {"TRAIN": train, "SYNTHETIC": synthetic, "--holdout": holdout}
    tables = read_tables(given, output)
    paths = {"train": train, "synthetic": synthetic, "holdout": holdout, "model": model}
    return Case(paths, tables["TRAIN"], tables["SYNTHETIC"], tables["--holdout"], synth)


def attacked(case: Case, notes: Notes, *, seed: int | None, **declared: Any) -> PrivacyReport:
    """The attacks on it."""
    from synthgen.reports.privacy import evaluate_privacy

    return evaluate_privacy(
        case.train, case.synthetic, holdout=case.holdout, model=case.synth,
        seed=0 if seed is None else seed, progress=stages(notes), **declared,
    )  # fmt: skip


def tell(report: PrivacyReport, output: str | None, as_json: bool, notes: Notes) -> None:
    """Save the report where that is wanted, and print it."""
    hand_out(
        report, output, notes, _show, as_json=as_json, kind="Report (internal)",
        more="Every attack and column, and what was not tested: add -o privacy.html",
    )  # fmt: skip


def _show(report: PrivacyReport) -> None:
    """The risks, for reading."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from synthgen.reports.privacypage import label

    about = report.contents["about"]
    console = stdout()
    shown = Table(
        "risk", "measured", "95 % interval", "nothing leaked", "attacks",
        box=box.SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
    for column in shown.columns[1:]:
        column.justify = "right"
    for name, risk in report.risks.items():
        ci = risk.interval()
        if risk.value is None or ci is None:
            shown.add_row(label(name, about), "-", Text(f"({risk.reason})"), "", "")
            continue
        shown.add_row(
            label(name, about), f"{risk.value:.4f}", f"{ci[0]:.4f} to {ci[1]:.4f}",
            f"{risk.baseline or 0:g}", f"{risk.n:,}",
        )  # fmt: skip
    console.print(shown)
    claim = report.contents["claim"]
    if claim is not None and claim["epsilon"] is not None:
        text = (
            f"Claimed epsilon {claim['epsilon']:g}; measured at least "
            f"{claim['measured_epsilon']:.2g}."
        )
        console.print(Text(text, style="bold"))
