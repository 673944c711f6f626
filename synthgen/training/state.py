"""The state of something in training: taken, put back, and written without pickle.

A class whose objects are to be resumed names its changing attributes in ``STATE``. Networks,
optimizers and random generators are put back in place; numbers, arrays and tensors are replaced.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

State = Any
_VALUES = (bool, int, float, str, type(None))
_ARRAY, _NUMBER = "$array", "$number"


def state_of(part: Any) -> State:
    """A copy of the state of ``part``: nested dicts and lists of numbers, arrays and tensors.

    Raises:
        TypeError: If it holds something whose class has no ``STATE``.
    """
    if isinstance(part, nn.Module):
        return state_of(dict(part.state_dict()))
    if isinstance(part, Optimizer):
        held = part.state_dict()
        slots = {str(k): state_of(slot) for k, slot in held["state"].items()}
        return {"slots": slots, "rates": [float(group["lr"]) for group in part.param_groups]}
    if isinstance(part, np.random.Generator):
        return state_of(dict(part.bit_generator.state))
    if isinstance(part, torch.Generator):
        return part.get_state()
    if names := getattr(type(part), "STATE", None):
        return {name: state_of(getattr(part, name)) for name in names}
    if isinstance(part, Tensor):
        return part.detach().clone()
    if isinstance(part, np.ndarray):
        return part.copy()
    if isinstance(part, dict):
        return {name: state_of(value) for name, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [state_of(value) for value in part]
    if isinstance(part, _VALUES):
        return part
    raise TypeError(f"no state is known of a {type(part).__name__}")


def put_back(part: Any, state: State) -> Any:
    """``part`` as it was when ``state`` was taken; the same object, where it is more than a value.

    Raises:
        KeyError, RuntimeError, TypeError, ValueError: If the state is of something else.
    """
    if isinstance(part, nn.Module):
        part.load_state_dict(state)
    elif isinstance(part, Optimizer):
        _put_back_optimizer(part, state)
    elif isinstance(part, np.random.Generator):
        part.bit_generator.state = state
    elif isinstance(part, torch.Generator):
        part.set_state(state.cpu())
    elif names := getattr(type(part), "STATE", None):
        for name in names:
            setattr(part, name, put_back(getattr(part, name), state[name]))
    elif isinstance(part, list) and part and isinstance(part[0], (nn.Module, Optimizer)):
        return [put_back(one, held) for one, held in zip(part, state, strict=True)]
    elif isinstance(part, Tensor) and isinstance(state, Tensor):
        return state.to(part.device, copy=True)
    else:
        # what is given away must not change what the next rollback goes back to
        return state_of(state)
    return part


def _put_back_optimizer(optimizer: Optimizer, state: State) -> None:
    held = optimizer.state_dict()
    held["state"] = {int(k): state_of(slot) for k, slot in state["slots"].items()}
    for group, rate in zip(held["param_groups"], state["rates"], strict=True):
        group["lr"] = rate
    optimizer.load_state_dict(held)


def lower_rates(optimizer: Optimizer, factor: float) -> None:
    """Multiply the learning rates of an optimizer."""
    for group in optimizer.param_groups:
        group["lr"] *= factor


def pack(state: State) -> tuple[str, dict[str, np.ndarray]]:
    """A state as JSON, and the arrays that it refers to by name."""
    arrays: dict[str, np.ndarray] = {}

    def plain(value: Any) -> Any:
        if isinstance(value, (Tensor, np.ndarray)):
            name = str(len(arrays))
            is_tensor = isinstance(value, Tensor)
            array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
            arrays[name] = np.array(array, order="C")
            return {_ARRAY: name, "tensor": is_tensor}
        if isinstance(value, dict):
            return {name: plain(held) for name, held in value.items()}
        if isinstance(value, list):
            return [plain(held) for held in value]
        if isinstance(value, float) and not math.isfinite(value):
            return {_NUMBER: repr(value)}
        return value

    return json.dumps(plain(state), allow_nan=False), arrays


def unpack(document: Any, arrays: dict[str, np.ndarray]) -> State:
    """Inverse of `pack`, of parsed JSON.

    Raises:
        KeyError, ValueError: If an array is missing or a number is none.
    """
    if isinstance(document, list):
        return [unpack(held, arrays) for held in document]
    if not isinstance(document, dict):
        return document
    if _ARRAY in document:
        array = np.array(arrays[document[_ARRAY]])
        return torch.from_numpy(array) if document["tensor"] else array
    if _NUMBER in document:
        return float(document[_NUMBER])
    return {name: unpack(held, arrays) for name, held in document.items()}
