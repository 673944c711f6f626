"""Optional packages, imported when a measure needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from synthgen.errors import MissingExtraError


def need(module: str, purpose: str, extra: str = "quality") -> Any:
    """Import ``module``.

    Raises:
        MissingExtraError: If it is not installed; the message names the extra that brings it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise MissingExtraError(
            f"{purpose} needs the package {package}, which is not installed; "
            f"install it with: pip install 'synthgen[{extra}]'"
        ) from error
