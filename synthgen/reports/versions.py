"""Which versions a report was made with."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import synthgen


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of this package, of Python, and of those packages that are installed."""
    found = {"synthgen": synthgen.__version__, "python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
