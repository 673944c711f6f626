"""A fit from the command line: saved with its record, also where it was interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from synthgen import connectors
from synthgen.cli.sidecar import write_times
from synthgen.digests import sha256
from synthgen.errors import InterruptedFitError, InvalidInputError

if TYPE_CHECKING:
    from synthgen.generator import Generator


# options of a model that a time limit decides, where nobody gave them
_BY_CLOCK = ("adversary_rounds", "adversary_drawn", "critic_steps", "critic_drawn")


def check_resume(checkpoint_dir: str | None, *, resume: bool) -> None:
    """Refuse to resume from nowhere."""
    if resume and checkpoint_dir is None:
        raise InvalidInputError(
            "--resume needs --checkpoint-dir: the folder that the run was given before"
        )


def asked(command: str, data: str, fitted: Generator, **more: Any) -> dict[str, Any]:
    """What a fit was asked for, for its record.

    Args:
        command: That of the command line.
        data: Where the data came from.
        fitted: What will be fitted.
        more: What its ``fit`` was given.
    """
    settings = fitted.get_params()
    known = ("model", "max_steps", "device", "model_options", "kind", "salts")
    source = {"data": connectors.without_secret(data)}
    if os.path.isfile(data):
        source["sha256"] = sha256(data)
    return {"command": command, **source} | {k: settings[k] for k in known if k in settings} | more


def repeatable(asked: dict[str, Any], fitted: Generator) -> dict[str, Any]:
    """With the seed that was drawn, and the steps that the clock allowed."""
    record, config = fitted.training_, fitted.generator_.config()
    told = {**asked, "seed": record["seed"]}
    if record["ended_by"] != "time":
        return told
    later = {name: config[name] for name in _BY_CLOCK if config.get(name) is not None}
    options = {**(asked["model_options"] or {}), **later}
    return {**told, "max_steps": record["steps"], "model_options": options or None}


def fit_and_save(
    fitted: Generator,
    fit: Callable[[], object],
    output: str,
    *,
    seconds: dict[str, float],
    asked: dict[str, Any],
) -> None:
    """Fit, write the model and MODEL.meta.json, and delete the checkpoint, which has served.

    Args:
        fitted: What ``fit`` fits.
        fit: Does it.
        output: The model file.
        seconds: Spent before.
        asked: See `asked`; of a private fit and an interrupted one, which nothing repeats, it is
            not recorded.

    Raises:
        InterruptedFitError: After an interrupt; the model so far is written.
    """
    interrupted = False
    try:
        fit()
    except KeyboardInterrupt:
        if not hasattr(fitted, "generator_"):
            raise
        interrupted = True
    fitted.save(output)
    record = fitted.training_
    told = None if interrupted or fitted.privacy_ is not None else repeatable(asked, fitted)
    write_times(output, seconds | fitted.timings_, fitted.resumed_from_step_, told)
    folder = fitted.checkpoint_dir
    if interrupted:
        how = f"; go on with --checkpoint-dir {folder} --resume" if folder is not None else ""
        raise InterruptedFitError(
            f"interrupted at step {record['steps']:,}; the model so far is in {output}{how}"
        )
    if folder is not None:
        from synthgen.training.checkpoint import remove

        remove(folder)
