"""An environment of its own for every peer, made by the command that needs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from harness.places import ENVIRONMENTS, PEERS

# Installed as dependencies, removed again: they clash with the CPU build of torch.
REMOVED = {"mostlyai-engine": ("torchvision", "torchaudio")}


def environment(name: str) -> Path:
    """The interpreter of the environment ``name``, made on first use.

    A stamp holds what was installed: an installation that broke off, or whose requirements have
    changed since, is made again.
    """
    home = ENVIRONMENTS / name
    python, stamp, wanted = home / "bin" / "python", home / ".made", recipe(name)
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"making the environment {name} ...", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    for step in steps(name):
        subprocess.run([python, "-m", "pip", *step], check=True)
    stamp.write_text(wanted)
    return python


def steps(name: str) -> list[list[str]]:
    """Arguments of the calls of pip, in their order."""
    install = ["install", "--quiet", "-r", str(PEERS / f"{name}-requirements.txt")]
    remove = ["uninstall", "--quiet", "--yes", *REMOVED.get(name, ())]
    return [install] + [remove] * (name in REMOVED)


def recipe(name: str) -> str:
    """What the environment is made of, as text."""
    removed = "".join(f"# removed: {package}\n" for package in REMOVED.get(name, ()))
    return (PEERS / f"{name}-requirements.txt").read_text() + removed
