"""The `synthgen` command in processes of their own, and the memory they took."""

from __future__ import annotations

import resource
import subprocess
import sys


def synthgen(*arguments: object, read: bool = False) -> str:
    """Run the command; its notes go to stderr, and what it prints is returned if asked for."""
    done = subprocess.run(
        [sys.executable, "-m", "synthgen", *map(str, arguments)],
        check=True,
        text=True,
        stdout=subprocess.PIPE if read else None,
    )
    return done.stdout or ""


def children_mb() -> float:
    """Largest resident memory of any child that has ended."""
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
