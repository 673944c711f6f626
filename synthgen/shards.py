"""Many synthetic rows as a folder of files, drawn and written by the workers of a Ray cluster."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from synthgen.errors import InvalidInputError
from synthgen.sampling.request import Balance, Where
from synthgen.seeds import Streams
from synthgen.synthesizer import BATCH_ROWS, SynthGen

Write = Callable[[str, Any], object]


def sample_shards(
    model: str | Path,
    n: int,
    folder: str | Path,
    write: Write,
    *,
    ending: str = ".parquet",
    where: Where | None = None,
    balance: Balance | None = None,
    seed: int | None = None,
    workers: int = 2,
    batch_rows: int = BATCH_ROWS,
    progressed: Callable[[int, int], None] = lambda done, n: None,
) -> int:
    """``n`` rows in files of at most ``batch_rows``; returns how many files.

    Their rows are those that `SynthGen.sample_batches` gives for the same seed, whichever worker
    draws them. The folder appears when all of them are written.

    Args:
        model: The model's file.
        n: Number of rows.
        folder: Where to; reached by all workers, and not there yet, or empty.
        write: Writes a frame to a path; a function of a module that workers can import.
        ending: Of the files' names.
        where, balance, seed: As in `SynthGen.sample`.
        workers: Processes of Ray.
        batch_rows: Rows of a file.
        progressed: Called with the rows done, and their number.

    Raises:
        InvalidInputError: If the folder is in use.
        ConditionError: If a condition cannot be met.
        MissingExtraError: If Ray is not installed.
    """
    from synthgen.distributed import raydata

    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InvalidInputError(f"{folder}: is there already; name a new folder, or empty it")
    own = Streams.of(seed).seed
    # refused here and not by a worker
    SynthGen.load(model).sample_batches(n, where=where, balance=balance, seed=own)
    target.parent.mkdir(parents=True, exist_ok=True)
    making = tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-")
    work = partial(
        _shard, Path(model).read_bytes(), n, batch_rows, own, where, balance, making, ending, write
    )
    shards = max(1, -(-n // batch_rows))
    try:
        done = 0
        for rows in raydata.on_shards(work, shards, workers):
            done += rows
            progressed(done, n)
        if target.exists():
            target.rmdir()
        os.chmod(making, 0o755)
        os.replace(making, target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return shards


def _shard(
    model: bytes,
    n: int,
    batch_rows: int,
    seed: int,
    where: Where | None,
    balance: Balance | None,
    folder: str,
    ending: str,
    write: Write,
    number: int,
) -> int:
    """Draw and write one file; returns its rows."""
    drawn = _loaded(model).sample_batches(
        n, where=where, balance=balance, seed=seed, batch_rows=batch_rows, only=number
    )
    frame = next(iter(drawn))
    write(os.path.join(folder, f"part-{number:05d}{ending}"), frame)
    return len(frame)


@lru_cache(maxsize=1)
def _loaded(model: bytes) -> SynthGen:
    """The model, once for all shards of a worker."""
    with tempfile.NamedTemporaryFile(suffix=".synthgen") as file:
        file.write(model)
        file.flush()
        return SynthGen.load(file.name)
