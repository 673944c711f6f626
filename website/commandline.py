"""The command line's own help as Markdown."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from typer.main import get_command


def reference() -> str:
    """Every command with its arguments, options and examples."""
    from synthgen.cli.app import app

    command = get_command(app)
    context = command.make_context("synthgen", [], resilient_parsing=True)
    return "\n\n".join(_described(command, context, "synthgen", 2))


def _described(command: Any, context: Any, name: str, level: int) -> list[str]:
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    parts = [f"{'#' * level} {name}", _prose(command.help or ""), _code(usage)]
    records = [p.get_help_record(context) for p in command.get_params(context)]
    rows = [f"| `{shown}` | {_cell(words)} |" for shown, words in filter(None, records)]
    if rows:
        parts.append("\n".join(["| argument, option | |", "|---|---|", *rows]))
    parts.append(_examples(command.epilog or ""))
    for child in getattr(command, "commands", {}).values():
        inner = child.make_context(child.name, [], parent=context, resilient_parsing=True)
        parts += _described(child, inner, f"{name} {child.name}", level + (level == 2))
    return parts


def _prose(marked: str) -> str:
    """Text without the terminal's styles, safe in Markdown."""
    text = Text.from_markup(marked).plain.strip()
    return text.replace("<", "&lt;").replace("*", r"\*").replace("_", r"\_")


def _cell(marked: str) -> str:
    return _prose(marked).replace("|", r"\|").replace("\n", " ")


def _code(text: str) -> str:
    return f"```text\n{text}\n```"


def _examples(epilog: str) -> str:
    """What is indented is code, as in the terminal."""
    plain = Text.from_markup(epilog).plain
    parts: list[str] = []
    for block in filter(str.strip, plain.split("\n\n")):
        if not block.strip("\n").startswith("  "):
            parts.append(_prose(block))
        elif parts and parts[-1].startswith("```"):
            parts[-1] = parts[-1].removesuffix("\n```") + f"\n{block.strip()}\n```"
        else:
            parts.append(_code(block.strip()))
    return "\n\n".join(parts)
