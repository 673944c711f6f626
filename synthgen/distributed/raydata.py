"""Batches on the workers of a Ray cluster: read by Ray Data, encoded, sampled in shards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from synthgen.batches import Batches
from synthgen.distributed.cluster import connected
from synthgen.errors import InvalidInputError, SynthGenError

Work = Callable[[int, Any], Any]


def as_batches(data: Any, rows: int = 250_000) -> Any:
    """A Ray Dataset as `Batches` of Arrow tables of ``rows`` rows; anything else as it is."""
    if not type(data).__module__.startswith("ray.data"):
        return data

    def read() -> Iterable[Any]:
        tables: Iterable[Any] = data.iter_batches(batch_format="pyarrow", batch_size=rows)
        return tables

    _keep_order()
    return Batches(read)


def parquet(uri: str, rows: int) -> Batches:
    """Parquet, a file, a folder or an object store's, read by Ray Data, ``rows`` rows at once.

    Raises:
        InvalidInputError: If Ray cannot read it.
    """
    from synthgen import frames

    ray = connected()
    _keep_order()
    try:
        dataset = ray.data.read_parquet(uri)
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{uri}: cannot be read: {str(error).splitlines()[0]}") from None
    tables = as_batches(dataset, rows)
    # as pandas frames with Arrow's types, which is how the connectors read Parquet
    return Batches(lambda: (frames.read(table)[0] for table in tables))


def in_order(work: Work, batches: Iterable[tuple[int, Any]]) -> Iterator[Any]:
    """What ``work`` gives of each numbered batch, in their order, made by the cluster's workers.

    No more batches are on their way than there are cores, so that memory grows with these.

    Raises:
        InvalidInputError: If the workers cannot load ``work``.
        SynthGenError: What it raised.
    """
    ray = connected()
    told = _shared(work)
    called = ray.remote(_called)
    most = max(2, int(ray.cluster_resources().get("CPU", 1)))
    pending: deque[Any] = deque()
    for first, data in batches:
        if len(pending) == most:
            yield _got(pending.popleft())
        pending.append(called.remote(told, first, data))
    while pending:
        yield _got(pending.popleft())


def on_shards(work: Callable[[int], int], shards: int, workers: int) -> Iterator[int]:
    """What ``work`` gives of each shard's number, as it is done; by Ray Data on ``workers``.

    Raises:
        InvalidInputError: If the workers cannot load ``work``.
        SynthGenError: What it raised.
    """
    ray = connected()
    told = _shared(work)

    def batch(rows: dict[str, Any]) -> dict[str, Any]:
        own = ray.get(told)
        return {"rows": [own(int(number)) for number in rows["id"]]}

    done = ray.data.range(shards, override_num_blocks=shards).map_batches(
        batch, batch_size=1, compute=ray.data.TaskPoolStrategy(size=workers)
    )
    try:
        for row in done.iter_rows():
            yield int(row["rows"])
    except ray.exceptions.RayTaskError as error:
        raise _cause(error) from None


def _shared(work: Callable[..., Any]) -> Any:
    """``work`` in the cluster's store, which workers can load: Ray Data would try again forever."""
    ray = connected()
    told = ray.put(work)
    try:
        ray.get(ray.remote(_nothing).options(max_retries=0).remote(told))
    except ray.exceptions.RaySystemError as error:
        raise InvalidInputError(
            f"the workers of Ray cannot load what they are to do ({str(error).splitlines()[-1]}); "
            "define it in a package that is installed where they run"
        ) from None
    return told


def _nothing(_: Any) -> None:
    return None


def _called(work: Work, first: int, data: Any) -> Any:
    return work(first, data)


def _got(reference: Any) -> Any:
    ray = connected()
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise _cause(error) from None


def _cause(error: Any) -> BaseException:
    """What went wrong in a worker, as it would have been said here."""
    cause: BaseException = error.cause
    return cause if isinstance(cause, SynthGenError) else error


def _keep_order() -> None:
    connected().data.DataContext.get_current().execution_options.preserve_order = True
