"""The application: its commands, its global options, and where their defaults come from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from synthgen.cli import (
    audit,
    config,
    demo,
    fit,
    gate,
    impute,
    inspect,
    molecules,
    output,
    privacy,
    quality,
    replay,
    sample,
    schema,
)

_HELP = """
Make a synthetic table that matches a real one.

Fit a model on the real table, then sample as many rows as you like. Sampling needs the model alone.
"""
_EPILOG = """
[bold]Start here[/bold]

  synthgen demo  [dim]or[/dim]  synthgen fit adult.csv -o adult.synthgen

  synthgen sample adult.synthgen -n 10000 -o synthetic.csv

  synthgen quality adult.csv synthetic.csv --holdout test.csv -o quality.html

  synthgen gate adult.csv synthetic.csv --holdout test.csv --policy partner-sharing

[dim]Flags come before variables (SYNTHGEN_SEED=7), these before ./synthgen.toml
(\\[fit] time-limit = "5m"). Data goes to stdout, all else to stderr.

Exit codes: 0 done, 1 failure, 2 usage, 3 a gate's policy does not hold, 4 invalid input,
5 the budget ended before a model existed, 130 interrupted.[/dim]
"""

app = typer.Typer(
    name="synthgen",
    help=_HELP,
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _register() -> None:
    for name, module in (
        ("demo", demo), ("schema", schema), ("fit", fit), ("sample", sample), ("impute", impute),
        ("inspect", inspect), ("replay", replay),
        ("quality", quality), ("privacy", privacy), ("gate", gate), ("audit", audit),
    ):  # fmt: skip
        app.command(name, epilog=module.EXAMPLES)(output.command(module.run))
    app.add_typer(molecules.app, name="molecules")


def _version(wanted: bool) -> None:
    if wanted:
        from synthgen import __version__

        typer.echo(f"synthgen {__version__}")
        raise typer.Exit


@app.callback()
@output.command
def _global(
    ctx: typer.Context,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing on stderr but errors.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_version, is_eager=True
        ),
    ] = False,
) -> None:
    commands: dict[str, Any] = ctx.command.commands  # type: ignore[attr-defined]
    ctx.default_map = config.defaults({name: _options(c) for name, c in commands.items()})
    if quiet:
        for values in ctx.default_map.values():
            values["quiet"] = True


def _options(command: Any) -> dict[str, str]:
    """Long options of a command, without dashes, and the parameters that they set."""
    return {
        flag.removeprefix("--"): parameter.name
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.name != "help"
        for flag in parameter.opts
        if flag.startswith("--")
    }


_register()
