"""``synthgen replay``: make a file again from its record, and compare."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from synthgen.cli.output import Notes
from synthgen.cli.params import Quiet, option
from synthgen.cli.sidecar import ENDING, read_note
from synthgen.digests import sha256
from synthgen.errors import InvalidInputError, SynthGenError

EXAMPLES = """
[bold]Examples[/bold]

  synthgen replay synthetic.csv.meta.json

  synthgen replay adult.synthgen.meta.json --data adult.csv
"""


def run(
    record: Annotated[
        str,
        typer.Argument(
            metavar="RECORD", show_default=False,
            help="FILE.meta.json, which lies beside what was sampled or fitted.",
        ),
    ],
    model: Annotated[
        str | None,
        option(
            "--model", metavar="MODEL", show_default=False,
            help="Model that was sampled from; without it the one beside RECORD.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        option(
            "--data", metavar="FILE", show_default=False,
            help="Data that was fitted on; without it the file that RECORD names.",
        ),
    ] = None,
    quiet: Quiet = False,
) -> None:  # fmt: skip
    """Repeat the run that made a file, from its record, and compare byte for byte.

    A sample is drawn again, a fit made again with as many steps. Exit code 0 when the bytes are the
    same, 1 when they are not, 4 when the record does not say enough or what it names is not there.
    A fit with --epsilon cannot be repeated: its noise is kept by nobody.
    """
    notes = Notes(quiet)
    told = _read(record)
    try:
        repeat, expected = (
            (_fit_again, told["model"]) if "fit" in told or "seconds" in told
            else (_sample_again, told)
        )  # fmt: skip
        name, digest = os.path.basename(expected["file"]), str(expected["sha256"])
        with tempfile.TemporaryDirectory() as folder:
            again = os.path.join(folder, name)
            repeat(told, record, again, model if repeat is _sample_again else data)
            made = sha256(again)
            file = os.path.join(os.path.dirname(record), name)
            found = sha256(file) if os.path.isfile(file) else digest
            by_clock = found == digest != made and _ended_by_clock(file, again)
    except SynthGenError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(
            f"{record}: not a record of a sample or a fit ({type(error).__name__}: {error})"
        ) from None
    if made == digest == found:
        notes.say(f"The same bytes: {name}, SHA-256 {digest}")
        return
    if by_clock:
        notes.say(
            f"The same model: {name}, SHA-256 {digest}; all but the line that a clock ended its "
            "training, which steps did now"
        )
        return
    what = "the file is not what its record says" if found != digest else "not the same bytes"
    notes.say(f"Not repeated: {name}: {what} (SHA-256 {made[:12]}..., not {found[:12]}...)", "red")
    raise typer.Exit(1)


def _ended_by_clock(file: str, again: str) -> bool:
    """Whether two model files differ only in that a time limit ended the training of the first."""
    import numpy as np

    from synthgen import modelfile

    if not os.path.isfile(file):
        return False
    one, other = (modelfile.read(path) for path in (file, again))
    if one.training.get("ended_by") != "time" or one.weights.keys() != other.weights.keys():
        return False
    for told in (one.training, other.training):
        told.pop("ended_by", None)
        told.pop("budget_exhausted", None)
    parts = ("schema", "encoding", "config", "training")
    return all(getattr(one, part) == getattr(other, part) for part in parts) and all(
        np.array_equal(array, other.weights[name]) for name, array in one.weights.items()
    )


def _sample_again(told: dict[str, Any], record: str, output: str, model: str | None) -> None:
    from synthgen import modelfile
    from synthgen.cli import molecules, sample

    if "method" in told:
        raise InvalidInputError(f"{record}: of imputed cells; impute the data again instead")
    source = model or os.path.join(os.path.dirname(record), os.path.basename(told["model"]["file"]))
    if not os.path.isfile(source):
        raise InvalidInputError(f"{source}: the model is not beside the record; give --model")
    if sha256(source) != told["model"]["sha256"]:
        raise InvalidInputError(f"{source}: another model than that of {record}; give --model")
    asked: dict[str, Any] = {
        "rows": int(told["rows"]),
        "seed": int(told["seed"]),
        "where": told.get("where"),
    }
    kind = modelfile.read(source, weights=False).schema.get("kind")
    if kind in modelfile.MOLECULES:
        asked |= {name: told.get(name, False) for name in ("unique", "strict")}
        if (known := told.get("novel_to")) is not None and not os.path.isfile(known):
            raise InvalidInputError(
                f"{record}: was drawn to be novel to {known}, which is not here"
            )
        asked["novel_to"] = known
        molecules.draw(source, output=output, quiet=True, **asked)
    else:
        sample.run(source, output=output, balance=told.get("balance"), quiet=True, **asked)


def _fit_again(told: dict[str, Any], record: str, output: str, data: str | None) -> None:
    from synthgen.cli import fit, molecules

    asked = told.get("fit")
    if asked is None:
        raise InvalidInputError(
            f"{record}: nothing repeats this fit: it was interrupted, or private, and the noise of "
            "a private fit is kept by nobody"
        )
    known = ("model", "max_steps", "seed", "device")
    settings: dict[str, Any] = {name: asked[name] for name in known}
    settings["option_"] = [
        f"{name}={json.dumps(value)}" for name, value in (asked["model_options"] or {}).items()
    ]
    source = _data(asked, record, data)
    if asked["command"] == "molecules fit":
        more = {name: asked[name] for name in ("kind", "salts", "smiles_column")}
        molecules.learn(source, output, quiet=True, **settings, **more)
        return
    schema = None
    if asked["schema"] is not None:
        schema = f"{output}.schema.json"
        Path(schema).write_text(json.dumps(asked["schema"]), encoding="utf-8")
    rest = ("batch_rows", "engine", "workers")
    settings |= {name: asked[name] for name in rest if name in asked}
    fit.run(source, output, schema=schema, quiet=True, **settings)


def _data(asked: dict[str, Any], record: str, data: str | None) -> str:
    """The file that was fitted on, and no other; nothing is fetched because a record says so."""
    beside = os.path.join(os.path.dirname(record), os.path.basename(asked["data"]))
    named = [data] if data is not None else [asked["data"], beside]
    source = next((path for path in named if os.path.isfile(path)), None)
    if source is None:
        raise InvalidInputError(
            f"{record}: the data that was fitted on, {asked['data']!r}, is not here; give --data"
        )
    if "sha256" in asked and sha256(source) != asked["sha256"]:
        raise InvalidInputError(f"{source}: not the data that was fitted on; give --data")
    return source


def _read(record: str) -> dict[str, Any]:
    if not record.endswith(ENDING):
        raise InvalidInputError(f"{record}: not a record; name the *{ENDING} beside a file")
    return read_note(record)
