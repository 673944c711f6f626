"""What a file is, by its bytes."""

from __future__ import annotations

import hashlib
import os


def sha256(path: str | os.PathLike[str]) -> str:
    """Of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        while block := handle.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
