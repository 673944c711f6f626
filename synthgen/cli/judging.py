"""What the commands share that judge tables: files that are told apart, stages that are told."""

from __future__ import annotations

import os
from collections.abc import Callable

from synthgen.cli.output import Notes
from synthgen.errors import InvalidInputError


def check_files(given: dict[str, str], output: str | None) -> None:
    """Tables and the report are different files, and one at most comes from standard input.

    Raises:
        InvalidInputError: If they are not.
    """
    if list(given.values()).count("-") > 1:
        raise InvalidInputError("two tables cannot both come from standard input; name a file")
    if output is None or not os.path.exists(output):
        return
    for role, path in given.items():
        if os.path.exists(path) and os.path.samefile(path, output):
            raise InvalidInputError(f"-o {output}: is the table {role} itself; name another file")


def stages(notes: Notes) -> Callable[[str, int, int], None]:
    """Tells each stage that begins."""

    def step(stage: str, done: int, total: int) -> None:
        if done < total:
            notes.say(f"[{done + 1}/{total}] {stage}", "dim")

    return step
