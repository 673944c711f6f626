"""What a fit of any model is given, and the checks of what it is told and what it loads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import torch
from pydantic import BaseModel, ValidationError
from torch import nn

from synthgen.errors import InvalidInputError, ModelFileError
from synthgen.schema import nearest
from synthgen.seeds import Streams
from synthgen.training.checkpoint import Checkpoints, Stage
from synthgen.training.interrupt import Interrupt
from synthgen.training.progress import Progress
from synthgen.training.strategy import Alone

Config = TypeVar("Config", bound=BaseModel)
Model = TypeVar("Model")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Run:
    """The circumstances of one fit.

    Attributes:
        streams: Random streams of the fit.
        device: Where to train.
        progress: Where to report.
        max_steps: Steps asked for, or ``None`` for the model's own number.
        deadline: Value of ``time.monotonic()`` at which the model has to be ready, or ``None``.
        checkpoints: Where its state is kept.
        interrupt: Whether it was asked to end.
        strategy: How many processes train the model.
    """

    streams: Streams
    device: torch.device
    progress: Progress
    max_steps: int | None = None
    deadline: float | None = None
    checkpoints: Checkpoints = field(default_factory=Checkpoints)
    interrupt: Interrupt = field(default_factory=Interrupt)
    strategy: Alone = field(default_factory=Alone)

    def stage(self, name: str) -> Stage:
        """A training of the fit, with its place among the checkpoints; told to progress."""
        self.progress.stage(name)
        return Stage(name, self.checkpoints, self.interrupt)

    def used(self, clock: StageClock) -> Callable[[], float]:
        """How much of a stage's time has passed, as all processes see it."""
        return lambda: 0.0 if clock.limit is None else self.strategy.agreed(clock.used())


@dataclass
class StageClock:
    """How much of a stage's time has passed, where a later one shall have its share.

    Attributes:
        start: Value of ``time.monotonic()`` when the stage began.
        limit: That at which everything has to be ready, or ``None``.
        later: Share of the time in between that is left to what comes after.
    """

    start: float
    limit: float | None
    later: float = 0.0

    @property
    def deadline(self) -> float | None:
        """When the stage has to end."""
        if self.limit is None:
            return None
        return self.limit - self.later * (self.limit - self.start)

    def used(self) -> float:
        """Share of the stage's time that has passed, 0 without a limit."""
        if self.deadline is None:
            return 0.0
        return (time.monotonic() - self.start) / max(self.deadline - self.start, 1e-9)


def parse_options(config: type[Config], options: dict[str, Any], *, stored: bool = False) -> Config:
    """Options as a model's configuration; ``stored`` ones come from a model file.

    Raises:
        InvalidInputError: If an option is unknown or out of range.
        ModelFileError: The same, of stored ones.
    """
    try:
        return config.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        choices = ", ".join(config.model_fields)
        hint = f"; there is {choices}" if first["type"] == "extra_forbidden" else ""
        text = f"{place}: {first['msg']}, got {first['input']!r}{hint}"
    if stored:
        raise ModelFileError(f"config.json: {text}")
    raise InvalidInputError(f"model option {text}")


def find(name: str, models: Mapping[str, Model], default: str) -> Model:
    """The model called ``name``; "auto" is the default one.

    Raises:
        InvalidInputError: If there is none.
    """
    name = default if name == "auto" else name
    if name not in models:
        raise InvalidInputError(f"there is no model {name!r}{nearest(name, ['auto', *models])}")
    return models[name]


def find_private(
    name: str, models: Mapping[str, object], private: Mapping[str, Model], default: str
) -> Model:
    """The model called ``name`` of those that are trained with differential privacy.

    Raises:
        InvalidInputError: If there is none, or it is another: nothing falls back to a fit without
            the guarantee.
    """
    if name != "auto" and name in models and name not in private:
        choices = " or ".join(f"model={other!r}" for other in private)
        raise InvalidInputError(
            f"model {name!r} learns from raw data and cannot keep epsilon; nothing was trained. "
            f"Take {choices}, or leave epsilon and delta out"
        )
    return find(name, private, default)


def load_weights(
    networks: Mapping[str, nn.Module],
    weights: Mapping[str, np.ndarray],
    others: Mapping[str, Shape] = MappingProxyType({}),
) -> None:
    """Put stored arrays into networks, which may be on the meta device.

    Args:
        networks: What the names of a network's arrays begin with -> the network.
        weights: All arrays that are stored.
        others: Shapes of those that belong to no network.

    Raises:
        ModelFileError: Naming the first array that is missing, too many, of another shape or type,
            or not finite.
    """
    check_shapes(networks, weights, others)
    for start, network in networks.items():
        own = {
            name: _tensor(start + name, weights[start + name], value.dtype)
            for name, value in network.state_dict().items()
        }
        network.load_state_dict(own, assign=True)


def check_shapes(
    networks: Mapping[str, nn.Module],
    weights: Mapping[str, np.ndarray],
    others: Mapping[str, Shape] = MappingProxyType({}),
) -> None:
    """The checks of `load_weights` that need no memory for a network on the meta device."""
    expected = dict(others)
    for start, network in networks.items():
        expected |= {start + k: tuple(v.shape) for k, v in network.state_dict().items()}
    found = {name: array.shape for name, array in weights.items()}
    odd = sorted(k for k in found.keys() | expected.keys() if found.get(k) != expected.get(k))
    if odd:
        name = odd[0]
        what = (
            f"{name} is missing" if name not in found
            else f"{name} has no place in this model" if name not in expected
            else f"{name} has shape {found[name]}, expected {expected[name]}"
        )  # fmt: skip
        raise ModelFileError(
            f"weights.safetensors: {what}; the file is damaged, of another model, or of another "
            "version of it: fit again"
        )


def _tensor(name: str, array: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
    tensor = torch.from_numpy(array.copy())
    if tensor.dtype != dtype or not bool(tensor.isfinite().all()):
        raise ModelFileError(
            f"weights.safetensors: {name} is not of finite numbers of type {dtype}; the file is "
            "damaged"
        )
    return tensor
