"""The command line: parse, call the API, print. Data goes to stdout, everything else to stderr."""

from __future__ import annotations


def main() -> None:
    """Run the command line; the entry point ``synthgen``."""
    import signal
    import sys

    from synthgen.cli.app import app

    # As an exception it removes half-written files on its way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    app(prog_name="synthgen")
