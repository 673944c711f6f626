"""The machine, the versions and the commit that a figure belongs to."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness.places import ROOT

PACKAGES = ("torch", "numpy", "pandas", "scikit-learn", "xgboost", "sdmetrics")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, versions and commit."""
    return {
        **hardware(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "commit": commit(),
    }


def line(described: dict[str, Any]) -> str:
    """What `describe` found, for the top of a page of results."""
    packages = ", ".join(f"{name} {number}" for name, number in described["packages"].items())
    return (
        f"{described['processor']}, {described['cores']} cores, {described['memory_gb']} GB, "
        f"{described['system']}, Python {described['python']}, {packages}; "
        f"commit {described['commit']}.\n"
    )


def hardware() -> dict[str, Any]:
    """Processor, cores and memory."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
    }


def processor() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def commit() -> str:
    """Short commit of the checkout, with "+" when the package differs from it."""
    head = _git("rev-parse", "--short", "HEAD")
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", "synthgen")
    return head + ("+" if changed else "")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else "unknown"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
