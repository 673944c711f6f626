"""Many small fits, one on each core.

Cores that grow one small ensemble of trees together wait for each other longer than they work.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each_on_a_core(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results of ``work`` in order; it has to use one core, and to release the interpreter."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))
