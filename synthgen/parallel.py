"""Small pieces of work, one on each core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results of ``work`` in order.

    It should use one core, since cores that share a small piece wait for each other longer than
    they work, and release the interpreter where the time goes, as numpy and xgboost do.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))
