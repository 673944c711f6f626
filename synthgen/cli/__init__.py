"""The command line: parse, call the API, print. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

# Rounds that a thread of GNU's OpenMP, which torch computes with, waits actively for the others
# before it sleeps. By default milliseconds: where another process holds a core, each of the
# thousands of waits of a step then lasts as long, and training is more than ten times slower.
_SPINS = "30000"


def main() -> None:
    """Run the command line; the entry point ``synthgen``."""
    import os
    import signal
    import sys

    # read when the library is loaded, with torch
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)

    from synthgen.cli.app import app

    # As exceptions they remove half-written files on their way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    interrupts = []

    def interrupted(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, interrupted)
    try:
        app(prog_name="synthgen")
    except SystemExit as end:
        # a library may have made an error of its own of it
        if interrupts and end.code == 1:
            sys.exit(130)
        raise
