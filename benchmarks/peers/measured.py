"""Time and peak memory of one piece of work; standard library only, for every environment."""

from __future__ import annotations

import contextlib
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Measured:
    """What a piece of work took.

    Attributes:
        wall_s: Seconds of wall clock.
        cpu_s: Seconds of processor, of this process and of children that have ended.
        peak_mb: Largest resident memory meanwhile, with all that was held before; that of a child
            if one was larger.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float


def measured(work: Callable[[], Any]) -> tuple[Any, Measured]:
    """Result of ``work()``, and what it took."""
    _forget_peak()
    children = _children_mb()
    wall, cpu = time.perf_counter(), _cpu_s()
    result = work()
    wall, cpu = time.perf_counter() - wall, _cpu_s() - cpu
    # The kernel keeps the largest of all children that have ended, those of before too.
    larger = _children_mb() if _children_mb() > children else 0.0
    return result, Measured(wall, cpu, max(_peak_mb(), larger))


def _cpu_s() -> float:
    return sum(os.times()[:4])


def _forget_peak() -> None:
    """Let the kernel's peak start again at what is resident now; elsewhere it stays."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _children_mb() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
