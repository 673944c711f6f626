"""How many cores one thread's operations use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch


@contextmanager
def one_core() -> Iterator[None]:
    """This thread's operations stay on it: small ones lose more by waking others than they gain."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_batches(work: Callable[[slice], None], n: int, size: int, device: torch.device) -> None:
    """``work`` on every ``size`` of ``n`` rows; on the CPU each core takes whole batches."""

    def batch(start: int) -> None:
        with one_core():
            work(slice(start, min(start + size, n)))

    workers = torch.get_num_threads() if device.type == "cpu" else 1
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(batch, range(0, n, size)))
