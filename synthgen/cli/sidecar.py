"""When and how fast a model was made: beside its file, for equal fits are equal bytes."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import datetime, timezone
from typing import Any

from synthgen.atomic import replacing
from synthgen.untrusted import strict_json

# more than a record has
MOST_BYTES = 16 << 20


def made_by(model: str) -> dict[str, Any]:
    """Which program, and which model file, by its SHA-256."""
    from synthgen import __version__

    return {
        "made_by": f"synthgen {__version__}",
        "model": {"file": os.path.basename(model), "sha256": sha256(model)},
    }


def noted(note: str) -> str:
    """Where a connector left the record of a sample, as the end of a sentence."""
    return f"; {note} says how they were made" if note else ""


def sha256(path: str) -> str:
    """Of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_record(model: str) -> dict[str, Any]:
    """MODEL.meta.json, empty where there is none or it is of another file."""
    note = f"{model}.meta.json"
    if not os.path.isfile(note) or os.path.getsize(note) > MOST_BYTES:
        return {}
    with open(note, "rb") as handle:
        try:
            told = strict_json(handle.read())
            return told if told["model"]["sha256"] == sha256(model) else {}
        except (ValueError, KeyError, TypeError):
            return {}


def write_times(
    model: str,
    seconds: dict[str, float],
    resumed_from_step: int | None = None,
    fit: dict[str, Any] | None = None,
) -> None:
    """``MODEL.meta.json``: when the fit ended, and the seconds of each of its stages.

    Args:
        model: The model file.
        seconds: Of each stage of the last process.
        resumed_from_step: Step of the checkpoint that it went on from.
        fit: What it takes to repeat the fit; see `synthgen.cli.replay`.
    """
    note = {
        **made_by(model),
        "finished": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": seconds,
        "training": {"resumed_from_step": resumed_from_step},
    }
    if fit is not None:
        note["fit"] = fit
    with replacing(f"{model}.meta.json") as handle:
        handle.write((json.dumps(note, indent=2) + "\n").encode("utf-8"))
