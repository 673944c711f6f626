"""The command line: parse, call the API, print. Data goes to stdout, everything else to stderr."""

from __future__ import annotations

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

    # As an exception it removes half-written files on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app(prog_name="synthgen")
