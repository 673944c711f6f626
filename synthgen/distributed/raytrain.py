"""``engine="ray"``: a model trained by several workers of Ray Train.

The driver encodes the table and puts its codes into Ray's object store; each worker trains on all
of them, and computes the gradients of its part of every batch. The first one keeps checkpoints:
when a worker dies, Ray starts all of them again and they go on from the last.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.numpy import load_file, save_file

from synthgen.distributed.cluster import connected
from synthgen.encoding.table import EncodedTable, TableEncoder
from synthgen.errors import InvalidInputError, TrainingError
from synthgen.schema import Schema
from synthgen.seeds import Streams
from synthgen.tabular.registry import find_model
from synthgen.training.checkpoint import Checkpoints
from synthgen.training.interrupt import Interrupt
from synthgen.training.loop import TrainingRecord
from synthgen.training.progress import Progress
from synthgen.training.run import Run
from synthgen.training.state import state_of

if TYPE_CHECKING:
    from synthgen.tabular.model import TableModel

# workers that may die before the run is given up
MAX_FAILURES = 8
_WEIGHTS, _REST = "weights.safetensors", "model.json"
# the file that tells workers to end after their step, and how often the driver looks for Ctrl-C
_STOP, _LOOK_S = "stop", 0.5


def fit(
    model: type[TableModel],
    table: EncodedTable,
    encoder: TableEncoder,
    options: dict[str, Any],
    run: Run,
    *,
    workers: int,
) -> tuple[TableModel, TrainingRecord]:
    """What ``model.fit`` gives, trained by ``workers`` processes with a core, or a GPU, each.

    Raises:
        InvalidInputError: If the model cannot be trained so.
        MissingExtraError: If Ray is not installed.
        TrainingError: If workers die again and again.
    """
    if not model.parallel:
        raise InvalidInputError(
            f"engine='ray' trains the default model, not {model.name!r}; leave model out, or take "
            "engine='local'"
        )
    ray = connected()
    from ray.train import FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    own = None if run.checkpoints.path is not None else tempfile.mkdtemp(prefix="synthgen-")
    folder = Path(own or run.checkpoints.path.parent)  # type: ignore[union-attr]
    left = None if run.deadline is None else run.deadline - time.monotonic()
    settings = {
        "model": model.name,
        "schema": encoder.schema.to_dict(),
        "encoding": encoder.to_dict(),
        "table": [ray.put(table.codes), ray.put(table.values)],
        "options": options,
        "seed": run.streams.seed,
        "identity": [run.checkpoints.seed, run.checkpoints.identity],
        "max_steps": run.max_steps,
        "until": None if left is None else time.time() + left,
        "folder": str(folder.resolve()),
        "every_s": run.checkpoints.every_s,
        "device": run.device.type,
    }
    trainer = TorchTrainer(
        _work,
        train_loop_config=settings,
        scaling_config=ScalingConfig(num_workers=workers, use_gpu=run.device.type == "cuda"),
        run_config=RunConfig(
            name="synthgen",
            storage_path=str(folder.resolve()),
            failure_config=FailureConfig(max_failures=MAX_FAILURES),
        ),
    )
    run.progress.stage(f"training on {workers} workers")
    try:
        with run.interrupt.heard():
            result = _followed(trainer.fit, run.interrupt, folder / _STOP)
        with result.checkpoint.as_directory() as found:
            return _read(model, encoder, Path(found), run)
    except ray.exceptions.RayError as error:
        raise TrainingError(f"the run on Ray ended: {_last_line(error)}") from None
    finally:
        (folder / _STOP).unlink(missing_ok=True)
        shutil.rmtree(own or folder / "synthgen", ignore_errors=True)


def _followed(work: Callable[[], Any], interrupt: Interrupt, stop: Path) -> Any:
    """What ``work`` gives; an interrupt is passed on to the workers by a file that they look for.

    In a thread of its own, where Ray sets no handler of Ctrl-C that would throw the run away.
    """
    stop.unlink(missing_ok=True)
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # raised where the result is waited for
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([done], timeout=_LOOK_S).done:
        if interrupt.asked:
            stop.touch()
    return done.result()


class _Followed(Interrupt):
    """Whether the driver was interrupted."""

    def __init__(self, stop: Path) -> None:
        self.stop = stop
        super().__init__()

    @property
    def asked(self) -> bool:
        """Whether the driver left the file."""
        return self.stop.exists()

    @asked.setter
    def asked(self, value: bool) -> None:
        """Nothing: workers are asked by their driver alone."""


def _work(settings: dict[str, Any]) -> None:
    """What each worker does: the fit, of which the first one hands in the model."""
    import ray
    import torch
    from ray.train import Checkpoint, report

    from synthgen.distributed.dataparallel import DataParallel

    strategy = DataParallel()
    checkpoints = Checkpoints(settings["folder"], resume=True, every_s=settings["every_s"])
    if strategy.rank:
        checkpoints.path = None
    seed, identity = settings["identity"]
    checkpoints.belongs(seed, identity)
    until = settings["until"]
    encoder = TableEncoder.from_dict(Schema.from_dict(settings["schema"]), settings["encoding"])
    run = Run(
        Streams(settings["seed"]),
        torch.device(settings["device"]),
        Progress(),
        settings["max_steps"],
        None if until is None else time.monotonic() + until - time.time(),
        checkpoints,
        _Followed(Path(settings["folder"]) / _STOP),
        strategy=strategy,
    )
    table = EncodedTable(*ray.get(settings["table"]))
    fitted, record = find_model(settings["model"]).fit(table, encoder, settings["options"], run)
    with tempfile.TemporaryDirectory() as folder:
        if not strategy.rank:
            _write(fitted, record, checkpoints, Path(folder))
        report({}, checkpoint=None if strategy.rank else Checkpoint.from_directory(folder))


def _write(
    fitted: TableModel, record: TrainingRecord, checkpoints: Checkpoints, folder: Path
) -> None:
    save_file(fitted.weights(), folder / _WEIGHTS)
    told = {
        "options": fitted.config(),
        "record": state_of(record),
        "resumed_from_step": checkpoints.resumed_from_step,
    }
    (folder / _REST).write_text(json.dumps(told), encoding="utf-8")


def _read(
    model: type[TableModel], encoder: TableEncoder, folder: Path, run: Run
) -> tuple[TableModel, TrainingRecord]:
    told = json.loads((folder / _REST).read_text(encoding="utf-8"))
    run.checkpoints.resumed_from_step = told["resumed_from_step"]
    fitted = model.load(encoder, told["options"], load_file(folder / _WEIGHTS))
    return fitted, TrainingRecord(**told["record"])


def _last_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
