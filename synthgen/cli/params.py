"""Options that several commands share, each settable by ``SYNTHGEN_*`` as well."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from synthgen.cli.values import duration


def option(flag: str, *more: str, help: str, **settings: Any) -> Any:  # noqa: A002
    """An option that the variable SYNTHGEN_<FLAG> sets too."""
    variable = "SYNTHGEN_" + flag.lstrip("-").replace("-", "_").upper()
    return typer.Option(flag, *more, help=help, envvar=variable, show_envvar=False, **settings)


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="File (.csv, .csv.gz, .parquet, .jsonl, .xlsx, .feather), [bold]-[/bold] for standard "
        "input, or a connector URL such as csv:PATH?encoding=cp1252, s3://BUCKET/NAME.parquet, "
        "sqlite:///FILE?table=NAME or postgresql://USER@HOST/DB?table=NAME.",
        show_default=False,
    ),
]
TableOut = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="OUT",
        help="File to write (.csv, .csv.gz, .parquet, .jsonl, .xlsx, .feather), a connector URL as "
        "for DATA, or [bold]-[/bold] for standard output.",
    ),
]  # fmt: skip
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="Model file that [bold]fit[/bold] wrote.", show_default=False
    ),
]
Quiet = Annotated[
    bool, option("--quiet", "-q", help="Print nothing on stderr but errors.", show_default=False)
]
Json = Annotated[
    bool, option("--json", help="Print one JSON object to stdout.", show_default=False)
]
Seed = Annotated[
    int | None,
    option(
        "--seed", metavar="N", min=0, show_default=False,
        help="Repeat a run bit for bit on the same machine.",
    ),
]  # fmt: skip
ModelOut = Annotated[
    str,
    typer.Option(
        "--output", "-o", metavar="MODEL", help="Model file to write, *.synthgen.",
        show_default=False,
    ),
]  # fmt: skip
TimeLimit = Annotated[
    float | None,
    option(
        "--time-limit", metavar="TIME", parser=duration, show_default=False,
        help="End within this time (90s, 5m, 1h) with the best model so far.",
    ),
]  # fmt: skip
MaxSteps = Annotated[
    int | None,
    option(
        "--max-steps", metavar="N", min=1, show_default=False,
        help="End after so many training steps.",
    ),
]  # fmt: skip
CheckpointDir = Annotated[
    str | None,
    option(
        "--checkpoint-dir", metavar="DIR", show_default=False,
        help="Keep the state of the run in this folder while it trains, so that --resume can go "
        "on from it. Deleted when the model is written.",
    ),
]  # fmt: skip
CheckpointEvery = Annotated[
    float,
    option(
        "--checkpoint-every", metavar="TIME", parser=duration, show_default="1m",
        help="Time between checkpoints.",
    ),
]  # fmt: skip
Resume = Annotated[
    bool,
    option(
        "--resume", show_default=False,
        help="Go on from the checkpoint in --checkpoint-dir, or begin where there is none. The "
        "model is the one that the run would have given without a break.",
    ),
]  # fmt: skip
BatchRows = Annotated[
    int | None,
    option(
        "--batch-rows", metavar="N", min=1000, show_default=False,
        help="Read DATA several times, N rows at once, instead of holding all of it in memory; "
        "done unasked where DATA says that it has more than 2,000,000 rows.",
    ),
]  # fmt: skip
Engine = Annotated[
    str,
    option(
        "--engine", metavar="local|ray",
        help="Where to work: in this process, or on the workers of a Ray cluster (extra ray): the "
        "one that RAY_ADDRESS names, or one of its own on this machine.",
    ),
]  # fmt: skip
Workers = Annotated[
    int,
    option("--workers", metavar="N", min=1, help="Workers of --engine ray, a core or GPU each."),
]
Epsilon = Annotated[
    float | None,
    option(
        "--epsilon", metavar="E", show_default=False,
        help="Differential privacy: fit within this epsilon, everything counted. Needs --delta "
        "and --schema; models dp-ar (default) and dp-gan.",
    ),
]  # fmt: skip
Delta = Annotated[
    float | None,
    option(
        "--delta",
        metavar="D",
        show_default=False,
        help="See --epsilon; below 1 over the number of rows.",
    ),
]
Entity = Annotated[
    str | None,
    option(
        "--entity", metavar="COL", show_default=False,
        help="With --epsilon: the column that says whose each row is, an identifier by the schema. "
        "All rows of one of them are then protected together, and not each row alone.",
    ),
]  # fmt: skip
EntityRows = Annotated[
    int,
    option(
        "--entity-rows", metavar="K", min=1,
        help="See --entity: rows of each that are learned from. Noise grows with their number.",
    ),
]  # fmt: skip
Device = Annotated[str, option("--device", metavar="NAME", help="auto, cpu, cuda or mps.")]
ModelOptions = Annotated[
    list[str] | None,
    option(
        "--option", metavar="NAME=VALUE", show_default=False,
        help="An option of the model, such as NAME=3. Repeatable.",
    ),
]  # fmt: skip
ReportOut = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="FILE", show_default=False,
        help="Report to write: .html to read, .json for programs.",
    ),
]  # fmt: skip
