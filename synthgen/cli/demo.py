"""``synthgen demo``: the main job on a bundled real table, end to end."""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthgen.cli import fit, sample
from synthgen.cli.output import Notes, print_json, stdout
from synthgen.cli.params import Json, Quiet, Seed, option
from synthgen.cli.sidecar import write_times
from synthgen.cli.values import duration, show_duration
from synthgen.errors import MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.evaluation.result import MetricResult

EXAMPLES = """
[bold]Examples[/bold]

  synthgen demo

  synthgen demo --time-limit 10m -o adult-demo --seed 7
"""
_TARGET = "income"
_SHOWN_ROWS = 5


@dataclass(frozen=True)
class _Figure:
    """One measure: of the synthetic rows, and of real rows that the model has not seen."""

    name: str
    label: str
    synthetic: MetricResult
    real: float | None


def run(
    time_limit: Annotated[
        float,
        option(
            "--time-limit", metavar="TIME", parser=duration,
            help="Fit for this long at the most (90s, 5m).",
        ),
    ] = "150s",  # type: ignore[assignment]
    max_steps: Annotated[
        int | None,
        option(
            "--max-steps", metavar="N", min=1, show_default=False,
            help="End fitting after so many training steps.",
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Folder for the results.")
    ] = "demo-out",
    seed: Seed = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Fit, sample and judge a real table that comes with SynthGen.

    The table is Adult (US census of 1994, UCI Machine Learning Repository, CC BY 4.0): 32,561 rows
    to learn from, 16,281 that the model never sees, to judge with.
    """
    from synthgen.seeds import Streams
    from synthgen.synthesizer import SynthGen

    notes = Notes(quiet)
    folder = Path(output)
    seed = Streams.of(None).seed if seed is None else seed
    train, test = _adult("adult_train.csv.gz"), _adult("adult_test.csv.gz")
    _make(folder)
    notes.say(
        f"Fitting the Adult table, {len(train):,} rows x {train.shape[1]} columns, "
        f"for up to {show_duration(time_limit)}"
    )
    start = time.monotonic()
    synth = SynthGen(
        time_limit_s=time_limit, max_steps=max_steps, seed=seed, progress=notes.progress
    ).fit(train)
    model = folder / "adult.synthgen"
    synth.save(model)
    write_times(str(model), synth.timings_)
    fit_s = time.monotonic() - start
    fit.report(synth, str(model), fit_s, notes)
    start = time.monotonic()
    table = synth.sample(len(train), seed=seed)
    sample_s = time.monotonic() - start
    target = folder / "synthetic.csv"
    _connector().write(str(target), table, sample.provenance(str(model), seed))
    notes.say(
        f"Sampled {len(table):,} rows in {show_duration(sample_s)}; "
        f"judging them against real rows the model has not seen"
    )
    figures, missing = _judge(synth.schema_, train, table, test)
    if as_json:
        print_json(_as_json(model, target, figures, missing))
        return
    _show(model, target, table, figures, missing)


def _connector() -> Any:
    from synthgen import connectors

    return connectors.find("synthetic.csv")


def _adult(name: str) -> pd.DataFrame:
    with as_file(files("synthgen") / "data" / name) as path:
        frame: pd.DataFrame = _connector().read(str(path))
    return frame


def _make(folder: Path) -> None:
    from synthgen.atomic import check_target
    from synthgen.errors import InvalidInputError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"-o {folder}: cannot make the folder: {error.strerror}") from None
    check_target(folder / "adult.synthgen")


def _judge(
    schema: Any, train: pd.DataFrame, table: pd.DataFrame, test: pd.DataFrame
) -> tuple[list[_Figure], str | None]:
    """The figures, and what to install if some could not be computed."""
    train, table, test = (_typed(frame, schema) for frame in (train, table, test))
    figures: list[_Figure] = []
    missing: str | None = None
    for measure in (_shape_trend, _c2st, _utility):
        try:
            figures += measure(train, table, test)
        except MissingExtraError as error:
            missing = str(error)
    return figures, missing


def _typed(frame: pd.DataFrame, schema: Any) -> pd.DataFrame:
    """Numbers as numbers: CSV cells are text."""
    import pandas as pd

    return frame.assign(
        **{
            column.name: pd.to_numeric(frame[column.name], errors="coerce")
            for column in schema
            if column.kind in ("integer", "float")
        }
    )


def _shape_trend(train: pd.DataFrame, table: pd.DataFrame, test: pd.DataFrame) -> list[_Figure]:
    from synthgen.evaluation.quality import shape_trend

    found = shape_trend(train, table, holdout=test)
    return [
        _Figure(
            "shape_error_pct", "shape error, % (single columns)", found.shape, found.shape.baseline
        ),
        _Figure(
            "trend_error_pct",
            "trend error, % (pairs of columns)",
            found.trend,
            found.trend.baseline,
        ),
    ]


def _c2st(train: pd.DataFrame, table: pd.DataFrame, test: pd.DataFrame) -> list[_Figure]:
    from synthgen.evaluation.quality import compare_with_holdout

    found = compare_with_holdout(train, table, test, draws=1)
    label = "XGB-C2ST (1: trees cannot tell it from real)"
    return [_Figure("xgb_c2st_holdout", label, found.holdout, found.ceiling.value)]


def _utility(train: pd.DataFrame, table: pd.DataFrame, test: pd.DataFrame) -> list[_Figure]:
    from synthgen.evaluation.quality import utility

    found = utility(table, test, _TARGET, reference=train)
    return [
        _Figure(
            "mle", f"AUC on real rows of trees that learned {_TARGET} here", found, found.baseline
        )
    ]


def _as_json(
    model: Path, target: Path, figures: list[_Figure], missing: str | None
) -> dict[str, Any]:
    return {
        "model": str(model),
        "synthetic": str(target),
        "quality": {f.name: f.synthetic.to_dict() | {"baseline": f.real} for f in figures},
        "missing": missing,
    }


def _show(
    model: Path, target: Path, table: pd.DataFrame, figures: list[_Figure], missing: str | None
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    if figures:
        shown = Table(
            "", "synthetic", "real rows", "better is", box=box.SIMPLE_HEAD, pad_edge=False
        )
        for figure in figures:
            better = "lower" if figure.synthetic.direction == "lower" else "higher"
            shown.add_row(
                figure.label, _number(figure.synthetic.value), _number(figure.real), better
            )
        console.print(shown)
    if missing:
        console.print(Text(f"Not all was judged: {missing}", style="yellow"), soft_wrap=True)
    console.print(_head(table))
    console.print(
        Text(f"Synthetic table: {target} ({len(table):,} rows)", style="bold"), soft_wrap=True
    )
    console.print(Text(f"Model:           {model}"), soft_wrap=True)
    console.print(
        Text(
            f"Next: synthgen sample {model} -n 10 --where 'income=>50K'  |  "
            f"synthgen fit YOUR.csv -o your.synthgen"
        ),
        soft_wrap=True,
    )


def _head(table: pd.DataFrame) -> Any:
    """The first synthetic rows, as many columns as fit a line of print."""
    from rich import box
    from rich.table import Table

    columns = ["age", "workclass", "education", "marital-status", "occupation", "sex", _TARGET]
    shown = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False, title="first synthetic rows")
    for row in table[columns].head(_SHOWN_ROWS).itertuples(index=False):
        shown.add_row(*map(str, row))
    return shown


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
