"""Whether a file is what a model gives, from the record beside it."""

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

from synthgen.cli.sample import write_sample
from synthgen.cli.sidecar import made_by
from synthgen.errors import SynthGenError
from synthgen.untrusted import strict_json

if TYPE_CHECKING:
    from synthgen.reports.privacy import PrivacyReport
    from synthgen.synthesizer import SynthGen

LINEAGE = "the rows are the model's, byte for byte"
_MOST_BYTES, _BLOCK = 1 << 20, 1 << 20


def check_lineage(report: PrivacyReport, path: str, model: str, synth: SynthGen) -> None:
    """Add to a claim whether the rows are the model's own: else its epsilon says nothing of them.

    Args:
        report: Of the rows at ``path``, with the claim of the model.
        path, model: Files.
        synth: The model, loaded.
    """
    report.contents["claim"]["checks"][LINEAGE] = why_not(path, model, synth)


def why_not(path: str, model: str, synth: SynthGen) -> list[str]:
    """Reasons why the file at ``path`` is not a sample of a model; none if it is, byte for byte.

    The record that `sample` writes says how many rows were drawn, with which seed and under which
    conditions; the same is drawn again.
    """
    record = _record(path)
    if isinstance(record, str):
        return [record]
    made = made_by(model)["model"]["sha256"]
    if record.get("model", {}).get("sha256") != made:
        return [f"{path}.meta.json names another model than {model}"]
    try:
        with tempfile.TemporaryDirectory() as folder:
            again = os.path.join(folder, os.path.basename(path))
            write_sample(
                synth, model, again,
                rows=int(record["rows"]), seed=int(record["seed"]),
                where=record.get("where"), balance=record.get("balance"),
            )  # fmt: skip
            same = _same(path, again)
    except (SynthGenError, KeyError, TypeError, ValueError) as error:
        return [f"{path}.meta.json: cannot be repeated ({error})"]
    return [] if same else [f"{path} is not what {model} gives for its record"]


def _record(path: str) -> dict[str, Any] | str:
    """The record beside a file, or why there is none."""
    note = f"{path}.meta.json"
    if not os.path.isfile(path):
        return f"{path}: only a file can be compared with what the model gives"
    if not os.path.isfile(note) or os.path.getsize(note) > _MOST_BYTES:
        return f"{note} is missing: how the rows were drawn is not known"
    with open(note, "rb") as handle:
        try:
            return strict_json(handle.read())
        except (ValueError, json.JSONDecodeError) as error:
            return f"{note}: {error}"


def _same(one: str, other: str) -> bool:
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as a, open(other, "rb") as b:
        while block := a.read(_BLOCK):
            if block != b.read(_BLOCK):
                return False
    return True
