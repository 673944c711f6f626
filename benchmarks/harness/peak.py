"""The end of a benchmark of memory: its figures kept, and its limit."""

from __future__ import annotations

import json
import sys
from typing import Any

from harness import machine
from harness.places import RESULTS


def finish(name: str, limit_mb: float, found: dict[str, Any]) -> None:
    """Write and print what was found; ends with exit code 1 where ``peak_mb`` is not below."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine.describe(), "limit_mb": limit_mb, **found}
    text = json.dumps(document, indent=1)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    print(text)
    if found["peak_mb"] >= limit_mb:
        sys.exit(f"peak memory {found['peak_mb']:.0f} MB is not below {limit_mb} MB")
