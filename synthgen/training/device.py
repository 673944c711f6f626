"""Which device to train on, and whether its matrix products gain from bfloat16."""

from __future__ import annotations

import torch

from synthgen.errors import InvalidInputError


def choose_device(name: str = "auto") -> torch.device:
    """``auto`` takes CUDA, then MPS, then the CPU; any other name is a torch device.

    Raises:
        InvalidInputError: If the device is unknown or not on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError):
        raise InvalidInputError(
            f"device {name!r} is not available on this machine; use auto, cpu, cuda or mps"
        ) from None
    return device


def fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 matrix products run on dedicated units (AMX on CPUs)."""
    if device.type == "cpu":
        return bool(torch.cpu._is_amx_tile_supported())
    return device.type == "cuda" and torch.cuda.is_bf16_supported()
