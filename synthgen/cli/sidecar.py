"""When and how fast a model was made: beside its file, for equal fits are equal bytes."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from typing import Any

from synthgen.atomic import replacing
from synthgen.digests import sha256
from synthgen.errors import InvalidInputError
from synthgen.untrusted import strict_json

ENDING = ".meta.json"
# more than a record has
_MOST_BYTES = 16 << 20


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


def read_note(path: str, most: int = _MOST_BYTES) -> dict[str, Any]:
    """What a ``*.meta.json`` of at most so many bytes says.

    Raises:
        InvalidInputError: If it is missing, too large, or not a JSON object.
    """
    try:
        if os.path.getsize(path) > most:
            raise InvalidInputError(f"{path}: larger than a record can be")
        with open(path, "rb") as handle:
            told: dict[str, Any] = strict_json(handle.read())
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, InvalidInputError):
            raise
        raise InvalidInputError(f"{path}: not a record: {error}") from None
    return told


def read_record(model: str) -> dict[str, Any]:
    """MODEL.meta.json, empty where there is none or it is of another file."""
    try:
        told = read_note(f"{model}{ENDING}")
        return told if told["model"]["sha256"] == sha256(model) else {}
    except (InvalidInputError, KeyError, TypeError):
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
    with replacing(f"{model}{ENDING}") as handle:
        handle.write((json.dumps(note, indent=2) + "\n").encode("utf-8"))
