"""A job in a process of its own: its memory is its own, and it can be ended with its children."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path


def run(command: list[str | Path], log: Path, threads: int, limit_s: float) -> str | None:
    """Run ``command`` for at most ``limit_s``; returns why it failed, or ``None``.

    Output goes to ``log``. The numerical libraries may use ``threads`` threads.
    """
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    variables = os.environ | dict.fromkeys(names, str(threads))
    with log.open("w") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env=variables, start_new_session=True
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return f"stopped after {limit_s:,.0f} s"
        finally:
            _end(process)
    return f"failed with {code}: {last_line(log)}" if code else None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process and what it has started, also when this one is interrupted."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def last_line(log: Path) -> str:
    """The last line of a log that holds something."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"
