"""When and how fast a model was made: beside its file, for equal fits are equal bytes."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime, timezone
from typing import Any

from synthgen.atomic import replacing


def made_by(model: str) -> dict[str, Any]:
    """Which program, and which model file, by its SHA-256."""
    from synthgen import __version__

    return {
        "made_by": f"synthgen {__version__}",
        "model": {"file": os.path.basename(model), "sha256": sha256(model).hex()},
    }


def noted(note: str) -> str:
    """Where a connector left the record of a sample, as the end of a sentence."""
    return f"; {note} says how they were made" if note else ""


def sha256(path: str) -> bytes:
    """The hash of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.digest()


def write_times(model: str, seconds: dict[str, float]) -> None:
    """``MODEL.meta.json``: when the fit ended, and the seconds of each of its stages."""
    note = {
        **made_by(model),
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": seconds,
    }
    with replacing(f"{model}.meta.json") as handle:
        handle.write((json.dumps(note, indent=2) + "\n").encode("utf-8"))
