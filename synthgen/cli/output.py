"""What the user sees besides data: notes and errors on stderr, tables of facts on stdout."""

from __future__ import annotations

import functools
import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, TypeVar

import typer

from synthgen.errors import SynthGenError

if TYPE_CHECKING:
    from rich.console import Console

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
_OFF_TERMINAL_WIDTH = 120


class Notes:
    """Lines for the person at the terminal, on stderr, unless they want quiet."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet

    def say(self, text: str, style: str = "") -> None:
        """One line; never wrapped, so that it stays one line in a log."""
        if not self.quiet:
            _stderr().print(text, style=style or None, markup=False, soft_wrap=True)

    def warn(self, text: str) -> None:
        """One line that asks for attention."""
        self.say(f"Warning: {text}", "yellow")

    @property
    def progress(self) -> bool:
        """For ``SynthGen(progress=...)``: lines, and a bar where stderr is a terminal."""
        return not self.quiet


def stdout() -> Console:
    """Console for tables of facts: colours only on a terminal, NO_COLOR honoured."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _OFF_TERMINAL_WIDTH
    return Console(width=width, highlight=False)


def print_json(value: Any) -> None:
    """One JSON object on stdout."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Turn every exception of a command into one line on stderr and an exit code."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with warnings.catch_warnings():
                # Libraries warn their callers; the caller here is not a programmer.
                warnings.simplefilter("default" if _debug() else "ignore")
                return function(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except SynthGenError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            _fail("interrupted; nothing was written", INTERRUPTED)
        except BrokenPipeError:
            # The reader of a pipe has had enough (head): no error to speak of, but unfinished.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except Exception as error:
            if _is_out_of_memory(error):
                _fail("out of memory; use fewer rows, or set --memory-limit to learn it earlier", 1)
            detail = " ".join(f"{type(error).__name__}: {error}".split())
            _fail(f"{detail} (unexpected; run again with SYNTHGEN_DEBUG=1 for the traceback)", 1)

    return guarded


def _is_out_of_memory(error: Exception) -> bool:
    """Also where torch says so: on a CPU by a plain `RuntimeError`."""
    texts = ("can't allocate memory", "out of memory", "can't start new thread")
    return isinstance(error, MemoryError) or any(text in str(error) for text in texts)


def _fail(message: str, code: int) -> NoReturn:
    if _debug():
        traceback.print_exc()
    from rich.text import Text

    line = Text("Error: ", style="bold red").append(
        " ".join(message.split()), style="not bold default"
    )
    _stderr().print(line, soft_wrap=True)
    raise typer.Exit(code) from None


def _debug() -> bool:
    return os.environ.get("SYNTHGEN_DEBUG", "") not in ("", "0")


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False)
