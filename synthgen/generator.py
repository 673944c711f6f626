"""What `SynthGen` and `MolGen` share: how they are called, checked, timed and repeated."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator

import synthgen
from synthgen import modelfile
from synthgen.errors import InvalidInputError, NotFittedError
from synthgen.privacy.ledger import Ledger
from synthgen.seeds import Streams
from synthgen.training.checkpoint import Checkpoints, digest
from synthgen.training.run import Run
from synthgen.training.state import State

# noisy records below which noise is all that a private fit would learn
MIN_PRIVATE = 100


class ClassOrInstance:
    """Makes ``SynthGen.fit(df)`` mean ``SynthGen().fit(df)``."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.method = method
        self.__doc__ = method.__doc__

    def __get__(self, instance: Any, owner: type) -> Callable[..., Any]:
        bound = partial(self.method, owner() if instance is None else instance)
        bound.__doc__ = self.__doc__
        return bound


class Generator(BaseEstimator):  # type: ignore[misc]
    """Base of what is fitted and sampled."""

    epsilon: float | None
    delta: float | None
    seed: int | None
    max_steps: int | None
    model_options: dict[str, Any] | None
    checkpoint_dir: str | Path | None
    checkpoint_every_s: float
    resume: bool
    resumed_from_step_: int | None
    generator_: Any
    training_: dict[str, Any]
    privacy_: dict[str, Any] | None
    _n_samples: int | None

    def save(self, path: str | Path) -> None:
        """Write the model to ``path`` (``*.synthgen``), atomically."""
        self._check_fitted()
        schema, encoding = self._described()
        contents = modelfile.ModelContents(
            schema=schema,
            encoding=encoding,
            config={"model": self.generator_.name, "options": self.generator_.config()},
            training=self.training_,
            weights=self._weights(),
            privacy=self.privacy_,
            versions=versions(),
        )
        modelfile.write(path, contents)

    def _weights(self) -> dict[str, np.ndarray]:
        """Named arrays of the model file."""
        weights: dict[str, np.ndarray] = self.generator_.weights()
        return weights

    def _described(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Schema and encoding, as the model file holds them."""
        raise NotImplementedError

    def _sample_streams(self, seed: int | None) -> Streams:
        if seed is not None or self._n_samples is None:
            return Streams.of(seed)
        self._n_samples += 1
        return Streams(self.training_["seed"]).child(f"sample/{self._n_samples}")

    def _belongs(
        self,
        checkpoints: Checkpoints,
        seed: int,
        model: str,
        device: torch.device,
        ledger: Ledger | None = None,
        **told: Any,
    ) -> None:
        """What checkpoints have to be of, to go on from: this fit, of what is ``told``."""
        own: dict[str, Any] = {
            "model": model,
            "options": digest(self.model_options or {}),
            "max_steps": self.max_steps,
            "device": device.type,
        }
        if ledger is not None:
            own |= {"epsilon": ledger.epsilon, "delta": ledger.delta, "unit": ledger.unit}
        checkpoints.belongs(seed, own | told)

    def _check_fitted(self) -> None:
        if not hasattr(self, "generator_"):
            name = type(self).__name__
            raise NotFittedError(f"this {name} is not fitted yet; call fit first")

    def _checkpoints(self) -> Checkpoints:
        return Checkpoints(
            self.checkpoint_dir,
            resume=self.resume,
            every_s=self.checkpoint_every_s,
            keyed=self.epsilon is not None,
        )

    def _ended(self, run: Run) -> None:
        """What a fit does last.

        Raises:
            KeyboardInterrupt: If training was interrupted; what was learned so far is a model.
        """
        self.resumed_from_step_ = run.checkpoints.resumed_from_step
        if run.interrupt.asked:
            self.training_["ended_by"] = "interrupted"
            raise KeyboardInterrupt

    def _check_options(self) -> None:
        if (self.epsilon is None) != (self.delta is None):
            given, other = ("epsilon", "delta") if self.delta is None else ("delta", "epsilon")
            raise InvalidInputError(
                f"{given} without {other}: differential privacy needs both, for example "
                "epsilon=1.0 and delta=1e-6; nothing was trained"
            )
        for name in ("time_limit_s", "max_steps", "memory_limit_mb", "checkpoint_every_s"):
            value = getattr(self, name, None)
            if value is not None and not value > 0:
                raise InvalidInputError(f"{name} must be above 0, got {value!r}")
        if self.seed is not None and self.seed < 0:
            raise InvalidInputError(f"seed must be at least 0, got {self.seed!r}")


def bought(checkpoints: Checkpoints, ledger: Ledger, buy: Callable[[], State]) -> State:
    """What is bought before training: by ``buy``, or as an earlier process of the run bought it."""
    held: State | None = checkpoints.stages.get("bought")
    if held is None:
        held = buy()
        held["entries"] = [entry.to_dict() for entry in ledger.entries]
        checkpoints.stages["bought"] = held
    else:
        ledger.resume(held["entries"])
    return held


def check_private_size(n: float, ledger: Ledger, what: str) -> None:
    """Refuse what is too few for its delta, or for anything but noise.

    Args:
        n: Noisy number of records.
        ledger: Their budget.
        what: What they are.

    Raises:
        InvalidInputError: If so.
    """
    if n < MIN_PRIVATE or ledger.delta * n >= 1:
        raise InvalidInputError(
            f"about {n:.0f} {what}: delta {ledger.delta:g} must be below 1 over their number, and "
            f"there must be {MIN_PRIVATE} or more; lower delta, or take more {what}"
        )


def versions() -> dict[str, str]:
    """Versions that a model was made with."""
    return {
        "synthgen": synthgen.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        **{name: version(name) for name in ("numpy", "pandas", "safetensors")},
    }


def is_whole(n: object) -> bool:
    """Whether ``n`` is a number of rows."""
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= 0


class Stopwatch:
    """Seconds of each stage."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()
        self.laps: dict[str, float] = {}

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps[name] = round(now - self.last, 3)
        self.last = now
