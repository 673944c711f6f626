"""What all reports are: plain data, as a dict, a page, or a file of either."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synthgen.atomic import check_target, replacing
from synthgen.errors import InvalidInputError

FORMATS = (".html", ".json")


class Report:
    """A report whose files hold ``contents``: dicts and lists."""

    contents: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data: every figure under its name, and the details."""
        copy: dict[str, Any] = json.loads(json.dumps(self.contents))
        return copy

    def to_html(self) -> str:
        """The report as one HTML page that loads nothing."""
        raise NotImplementedError

    def save(self, path: str | Path) -> None:
        """Write ``*.html`` or ``*.json``, whole or not at all.

        Raises:
            InvalidInputError: If the ending is another, or the file cannot be written.
        """
        is_page = check_ending(path) == ".html"
        text = self.to_html() if is_page else as_json(self.contents)
        with replacing(path) as handle:
            handle.write(text.encode("utf-8"))

    def _repr_html_(self) -> str:
        """For notebooks: the page in a frame of its own, so that styles do not mix."""
        from markupsafe import escape

        return (
            f'<iframe srcdoc="{escape(self.to_html())}" sandbox="" title="Report" '
            'style="width:100%;height:80vh;border:1px solid #8888"></iframe>'
        )


def as_json(contents: Mapping[str, Any]) -> str:
    """The text of a JSON report."""
    return json.dumps(contents, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def checked_seed(seed: Any) -> int:
    """A seed of measurements.

    Raises:
        InvalidInputError: If it is none.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InvalidInputError(f"seed must be a whole number, at least 0, got {seed!r}")
    return int(seed)


def check_ending(path: str | Path) -> str:
    """The ending of a report's file, checked before hours of work.

    Raises:
        InvalidInputError: If it is neither .html nor .json, or the folder cannot be written to.
    """
    ending = Path(path).suffix.lower()
    if ending not in FORMATS:
        raise InvalidInputError(f"{path}: a report ends in {' or '.join(FORMATS)}; name it so")
    check_target(path)
    return ending
