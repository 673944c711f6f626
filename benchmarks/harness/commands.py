"""The `synthgen` command in processes of their own, and the memory they took."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def synthgen(*arguments: object, read: bool = False) -> str:
    """Run the command; its notes go to stderr, and what it prints is returned if asked for."""
    done = subprocess.run(
        [sys.executable, "-m", "synthgen", *map(str, arguments)],
        check=True,
        text=True,
        stdout=subprocess.PIPE if read else None,
    )
    return done.stdout or ""


def measured(*arguments: object) -> tuple[float, float]:
    """Run the command; its seconds, and the resident MiB of the largest of its processes."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "synthgen", *map(str, arguments)])
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise SystemExit(f"synthgen {arguments[0]} ended with {os.waitstatus_to_exitcode(status)}")
    return seconds, usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
