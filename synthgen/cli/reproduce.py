"""Whether a file is what a model gives, from the record beside it."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

from synthgen.cli.sample import write_sample
from synthgen.cli.sidecar import ENDING, made_by, read_note
from synthgen.errors import InvalidInputError, SynthGenError

if TYPE_CHECKING:
    from synthgen.reports.privacy import PrivacyReport
    from synthgen.synthesizer import SynthGen

LINEAGE = "the rows are the model's, byte for byte"
# more than the record of a sample has, and bytes compared at once
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
    note = f"{path}{ENDING}"
    if not os.path.isfile(path):
        return [f"{path}: only a file can be compared with what the model gives"]
    if not os.path.isfile(note):
        return [f"{note} is missing: how the rows were drawn is not known"]
    try:
        record = read_note(note, _MOST_BYTES)
    except InvalidInputError as error:
        return [str(error)]
    made = made_by(model)["model"]["sha256"]
    if record.get("model", {}).get("sha256") != made:
        return [f"{note} names another model than {model}"]
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
        return [f"{note}: cannot be repeated ({error})"]
    return [] if same else [f"{path} is not what {model} gives for its record"]


def _same(one: str, other: str) -> bool:
    if os.path.getsize(one) != os.path.getsize(other):
        return False
    with open(one, "rb") as a, open(other, "rb") as b:
        while block := a.read(_BLOCK):
            if block != b.read(_BLOCK):
                return False
    return True
