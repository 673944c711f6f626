"""Checkpoints of one fit: a safetensors file in a folder, replaced at intervals, never a pickle.

``checkpoint.safetensors`` holds the arrays of the run's state, and in its metadata the rest of it
as JSON with a seal over both: SHA-256, or HMAC-SHA-256 where ``SYNTHGEN_CHECKPOINT_KEY`` is set. A
checkpoint belongs to one data set, schema, model and options; it holds weights, moments, random
streams and losses, and no row. Rows are known by a digest of their encoding.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

import synthgen
from synthgen.atomic import check_target, replacing
from synthgen.errors import InvalidInputError
from synthgen.training.interrupt import Interrupt
from synthgen.training.state import State, pack, unpack
from synthgen.untrusted import check_tensors, strict_json

FILE, VERSION = "checkpoint.safetensors", 1
KEY_VARIABLE, MIN_KEY = "SYNTHGEN_CHECKPOINT_KEY", 16
EVERY_S = 60.0
_LIMIT = 16 << 30


@dataclass(frozen=True)
class Found:
    """What a checkpoint says of the run that wrote it.

    Attributes:
        identity: What it belongs to; see `digest`.
        seed: Of the fit.
        seconds: Of the fit until it was written, over all its processes.
        stages: What stages gave that had ended, by name; see `Stage`.
        stage, state: The last stage that had begun, and its state.
    """

    identity: dict[str, Any]
    seed: int
    seconds: float
    stages: dict[str, State]
    stage: str
    state: State


class Checkpoints:
    """Where the checkpoint of a fit is kept, and what was found there when the fit began.

    Args:
        folder: Made if it is missing; ``None`` keeps nothing.
        resume: Go on from the checkpoint in it, if there is one.
        every_s: Seconds between checkpoints.
        keyed: Whether the seal needs a key, as for differential privacy.

    Raises:
        InvalidInputError: If the folder cannot be used, the checkpoint is damaged or was changed,
            or there is one and it was not asked to resume.
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        *,
        resume: bool = False,
        every_s: float = EVERY_S,
        keyed: bool = False,
    ) -> None:
        if resume and folder is None:
            raise InvalidInputError("resume needs checkpoint_dir: the folder of the checkpoint")
        self.path = None if folder is None else Path(folder) / FILE
        self.every_s, self.key = every_s, None
        self.found: Found | None = None
        self.identity: dict[str, Any] = {}
        self.seed, self.stages = 0, dict[str, State]()
        self.start = self.last = time.monotonic()
        self.resumed_from_step: int | None = None
        if self.path is None:
            return
        self.key = _key(required=keyed)
        _usable(self.path)
        if self.path.exists():
            if not resume:
                raise InvalidInputError(
                    f"{self.path}: there is a checkpoint already; resume it with --resume (in "
                    "Python resume=True), or name another folder, or delete the file"
                )
            self.found = self._read(self.path)
            self.start -= self.found.seconds

    def begin(self, seed: int | None) -> int | None:
        """The seed of the run: that of the checkpoint, where there is one.

        Raises:
            InvalidInputError: If another was asked for.
        """
        if self.found is None:
            return seed
        if seed not in (None, self.found.seed):
            self._other(f"seed {self.found.seed}, not {seed}")
        return self.found.seed

    def belongs(self, seed: int, identity: dict[str, Any]) -> None:
        """Say what the run is of, before any of its stages.

        Raises:
            InvalidInputError: If the checkpoint found is of something else.
        """
        self.seed, self.identity = seed, {**identity, "versions": _versions()}
        if self.found is None:
            return
        for name, value in self.identity.items():
            if (had := self.found.identity.get(name)) != value:
                told = f": {had!r}, not {value!r}" if len(str(value)) < 60 else ""
                self._other(f"other {name}{told}")
        self.stages = dict(self.found.stages)

    def due(self) -> bool:
        """Whether the interval has passed."""
        return self.path is not None and time.monotonic() - self.last >= self.every_s

    def write(self, stage: str, state: State) -> None:
        """Replace the checkpoint.

        Raises:
            SynthGenError: If the disk is full.
        """
        if self.path is None:
            return
        document = {
            "version": VERSION,
            "identity": self.identity,
            "seed": self.seed,
            "seconds": time.monotonic() - self.start,
            "stages": self.stages,
            "stage": stage,
            "state": state,
        }
        text, arrays = pack(document)
        seal = _seal(text, arrays, self.key)
        from safetensors.numpy import save

        body = save(arrays, {"document": text, "seal": seal})
        with replacing(self.path) as handle:
            handle.write(body)
        self.last = time.monotonic()

    def _read(self, path: Path) -> Found:
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            size = os.path.getsize(path)
            if size > _LIMIT:
                raise ValueError(f"{size:,} bytes")
            body = path.read_bytes()
            check_tensors(io.BytesIO(body).read, size)
            header = strict_json(body[8 : 8 + int.from_bytes(body[:8], "little")])
            told = header["__metadata__"]
            arrays, text = load(body), told["document"]
            self._check_seal(path, told["seal"], text, arrays)
            held = unpack(strict_json(text.encode()), arrays)
            if held.pop("version") != VERSION:
                raise ValueError("of another version of the format")
            return Found(**held)
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be read: {error.strerror}") from None
        except (KeyError, TypeError, ValueError, AttributeError, SafetensorError) as error:
            if isinstance(error, InvalidInputError):
                raise
            raise InvalidInputError(
                f"{path}: not a checkpoint, or damaged ({error}); delete it to begin anew"
            ) from None

    def _check_seal(self, path: Path, seal: str, text: str, arrays: dict[str, np.ndarray]) -> None:
        if not hmac.compare_digest(seal.encode(), _seal(text, arrays, self.key).encode()):
            why = "with this key " if self.key else ""
            raise InvalidInputError(
                f"{path}: damaged, changed, or not sealed {why}as it is read; nothing is taken "
                f"from it. Set {KEY_VARIABLE} as it was, or delete the file to begin anew"
            )

    def _other(self, what: str) -> NoReturn:
        raise InvalidInputError(
            f"{self.path}: the checkpoint of another run ({what}); give the data and options that "
            "it was written with, or name another folder"
        )


class Stage:
    """One training of a fit that may have several, with its place among its checkpoints.

    A stage that had ended in an earlier process gives what it gave; the one that was under way
    goes on. Without a folder nothing is kept.

    Attributes:
        interrupt: Whether it was asked to end.
        start: Value of ``time.monotonic()`` at which it began, in this process's terms.
    """

    def __init__(
        self,
        name: str = "training",
        checkpoints: Checkpoints | None = None,
        interrupt: Interrupt | None = None,
    ) -> None:
        checkpoints = checkpoints or Checkpoints()
        self.name, self.checkpoints = name, checkpoints
        self.interrupt = interrupt or Interrupt()
        found = checkpoints.found
        self.held = found.state if found is not None and found.stage == name else None
        began = time.monotonic() - checkpoints.start if self.held is None else self.held["began"]
        self.start, self._began = checkpoints.start + began, began

    def outcome(self) -> State | None:
        """What the stage gave, if it had ended: "weights" and "record"."""
        return self.checkpoints.stages.get(self.name)

    def resumed(self) -> State | None:
        """State of the training that was under way, or of the trainer of a stage that ended."""
        return None if self.held is None else self.held["training"]

    def resumed_from(self, steps: int) -> None:
        """So many steps of this stage were made in earlier processes."""
        self.checkpoints.resumed_from_step = (self.checkpoints.resumed_from_step or 0) + steps

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        return self.checkpoints.due()

    def write(self, training: State) -> None:
        """Write a checkpoint of the training under way."""
        self.checkpoints.write(self.name, {"began": self._began, "training": training})

    def finished(self, outcome: State, trainer: State) -> None:
        """Write what the stage gave, and the state of its trainer, which later stages may use."""
        self.checkpoints.stages[self.name] = outcome
        self.write(trainer)


def remove(folder: str | Path) -> None:
    """Delete the checkpoint of a run whose model is safe."""
    (Path(folder) / FILE).unlink(missing_ok=True)


def digest(*parts: object) -> str:
    """SHA-256 of arrays, texts, and whatever JSON can hold."""
    found = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).data)
        else:
            found.update(json.dumps(part, sort_keys=True, default=str).encode())
        found.update(b"\0")
    return found.hexdigest()


def _seal(text: str, arrays: dict[str, np.ndarray], key: bytes | None) -> str:
    """Over the JSON and every array's type, shape and bytes."""

    def pieces() -> Iterable[Any]:
        yield text.encode()
        for name in sorted(arrays):
            array = np.ascontiguousarray(arrays[name])
            yield f"\0{name} {array.dtype} {arrays[name].shape}\0".encode()
            yield array.reshape(-1).view(np.uint8).data if array.size else b""

    found = hashlib.sha256() if key is None else hmac.new(key, digestmod=hashlib.sha256)
    for piece in pieces():
        found.update(piece)
    return f"{'sha256' if key is None else 'hmac-sha256'}:{found.hexdigest()}"


def _key(*, required: bool) -> bytes | None:
    text = os.environ.get(KEY_VARIABLE, "")
    if not text and required:
        raise InvalidInputError(
            f"checkpoints with differential privacy need a key in {KEY_VARIABLE}: who could change "
            "one could hide steps that were taken. Make one, for example with: openssl rand -hex "
            "32, keep it for resuming, or leave the checkpoint folder out"
        )
    if text and len(text) < MIN_KEY:
        raise InvalidInputError(
            f"{KEY_VARIABLE} has {len(text)} characters; take {MIN_KEY} or more"
        )
    return text.encode() or None


def _usable(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(
            f"{path.parent}: no folder for checkpoints: {error.strerror}; name another"
        ) from None
    check_target(path)


def _versions() -> str:
    return f"synthgen {synthgen.__version__}, torch {torch.__version__}, numpy {np.__version__}"
