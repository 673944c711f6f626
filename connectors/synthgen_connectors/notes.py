"""The note that rows are synthetic, and what made them: as a file, or in a table's comment."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from synthgen.atomic import replacing
from synthgen.digests import sha256
from synthgen.errors import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd

_MARK = "synthgen: "


class Counted:
    """Frames that pass through, their rows and columns counted."""

    def __init__(self, frames: pd.DataFrame | Iterable[pd.DataFrame]) -> None:
        import pandas as pd

        self._frames = [frames] if isinstance(frames, pd.DataFrame) else frames
        self.rows = 0
        self.columns = 0

    def __iter__(self) -> Iterator[pd.DataFrame]:
        for frame in self._frames:
            self.rows += len(frame)
            self.columns = frame.shape[1]
            yield frame
        if not self.columns:
            raise InvalidInputError("there are no columns to write")

    def facts(self, provenance: Mapping[str, Any] | None) -> dict[str, Any]:
        """What a note says, once all frames have passed."""
        given = provenance or {}
        return {"synthetic": True, **given, "rows": self.rows, "columns": self.columns}


def write_beside(path: str, facts: Mapping[str, Any]) -> str:
    """``PATH.meta.json``, which also says which bytes it speaks of; returns its path."""
    if not os.path.isfile(path):  # a device or a pipe
        return ""
    note = {**facts, "file": os.path.basename(path), "sha256": sha256(path)}
    with replacing(f"{path}.meta.json") as handle:
        handle.write((json.dumps(note, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
    return f"{path}.meta.json"


def comment(before: str | None, facts: Mapping[str, Any]) -> str:
    """A table's comment: what its owner wrote ``before``, and a line of ours."""
    kept = [line for line in (before or "").splitlines() if not line.startswith(_MARK)]
    return "\n".join([*kept, _MARK + json.dumps(dict(facts), ensure_ascii=False)])
