"""Small pieces of work, one on each core."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results of ``work`` in order.

    It should use one core, since cores that share a small piece wait for each other longer than
    they work, and release the interpreter where the time goes, as numpy and xgboost do.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return list(pool.map(work, items))


_WORKER = "from synthgen.parallel import _serve; _serve()"


def in_processes(
    work: Callable[..., Any], chunks: Iterable[Sequence[Any]], settings: dict[str, Any], jobs: int
) -> Iterator[list[Any]]:
    """Results of ``work(chunk, **settings)`` in order, from processes of their own.

    For work that holds the interpreter. Processes are told what to do as lines of JSON, so chunks,
    settings and results are plain lists, dicts, texts and numbers.

    Args:
        work: A function of a module, which a process can import.
        chunks: Rows to work on, a process at a time.
        settings: Further arguments.
        jobs: Processes; with one, the work is done here.
    """
    if jobs <= 1:
        for chunk in chunks:
            yield json.loads(json.dumps(work(chunk, **settings)))
        return
    order = {"module": work.__module__, "function": work.__name__, "settings": settings}
    # what this process can import, so can they; a core each
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    inherited = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=inherited, text=True,
            encoding="utf-8", start_new_session=True,  # Ctrl-C is for this process to hear
        )
        for _ in range(jobs)
    ]  # fmt: skip
    try:
        with ThreadPoolExecutor(jobs) as pool:
            idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
            for worker in workers:
                _tell(worker, order)
                idle.put(worker)
            yield from pool.map(partial(_asked, idle), chunks)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def _asked(idle: SimpleQueue[subprocess.Popen[str]], chunk: Sequence[Any]) -> list[Any]:
    """The answer of the next idle process."""
    worker = idle.get()
    try:
        _tell(worker, chunk)
        line = worker.stdout.readline() if worker.stdout else ""
        if not line:
            raise RuntimeError("a process that was to help has ended; is there enough memory?")
        answer: list[Any] = json.loads(line)
        return answer
    finally:
        idle.put(worker)


def _tell(worker: subprocess.Popen[str], what: Any) -> None:
    assert worker.stdin is not None
    worker.stdin.write(json.dumps(what) + "\n")
    worker.stdin.flush()


def _serve() -> None:
    """The other end: one line of orders, then a line of results for each line of rows.

    It ends with the process that asks, also where that was killed in the middle of a line.
    """
    answers, sys.stdout = sys.stdout, sys.stderr
    order = json.loads(sys.stdin.readline())
    work = getattr(import_module(order["module"]), order["function"])
    try:
        for line in sys.stdin:
            if not line.endswith("\n"):
                break
            answers.write(json.dumps(work(json.loads(line), **order["settings"])) + "\n")
            answers.flush()
    except BrokenPipeError:
        # nobody hears what is left
        os.dup2(os.open(os.devnull, os.O_WRONLY), answers.fileno())
