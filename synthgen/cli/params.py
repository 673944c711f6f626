"""Options that several commands share, each settable by ``SYNTHGEN_*`` as well."""

from __future__ import annotations

from typing import Annotated, Any

import typer


def option(flag: str, *more: str, help: str, **settings: Any) -> Any:  # noqa: A002
    """An option that the variable SYNTHGEN_<FLAG> sets too."""
    variable = "SYNTHGEN_" + flag.lstrip("-").replace("-", "_").upper()
    return typer.Option(flag, *more, help=help, envvar=variable, show_envvar=False, **settings)


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="CSV (also .csv.gz) or Parquet file, [bold]-[/bold] for standard input, "
        "or a connector URL such as csv:PATH?encoding=cp1252.",
        show_default=False,
    ),
]
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
