"""The Ray cluster that a run uses: the one that ``RAY_ADDRESS`` names, or one of its own here."""

from __future__ import annotations

import logging
import os
from typing import Any

from synthgen.errors import InvalidInputError, MissingExtraError


def connected() -> Any:
    """The module ``ray``, connected to a cluster.

    Raises:
        MissingExtraError: If Ray is not installed.
        InvalidInputError: If no cluster answers where ``RAY_ADDRESS`` says.
    """
    # nothing is sent anywhere that nobody asked for
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise MissingExtraError(
            "engine='ray' needs the package ray; install synthgen[ray]"
        ) from None
    if not ray.is_initialized():
        try:
            ray.init(include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            address = os.environ.get("RAY_ADDRESS", "")
            raise InvalidInputError(
                f"no Ray cluster answers at RAY_ADDRESS={address!r} "
                f"({str(error).splitlines()[0]}); start one with: ray start --head"
            ) from None
    return ray
