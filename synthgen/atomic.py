"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from synthgen.errors import InvalidInputError, SynthGenError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of ``path`` when the block ends without an exception.

    The bytes go to a new file in the same folder, which is synced to disk and then renamed; after
    an exception (an interrupt too) it is removed and an older ``path`` is left as it was. A link is
    followed; a device or a pipe is written to directly. Permissions are those of the umask.

    Raises:
        InvalidInputError: If ``path`` is a folder, or its folder is missing or not writable.
        SynthGenError: If the disk is full.
    """
    check_target(path)
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not stat.S_ISREG(target.stat().st_mode):
            with open(target, "wb") as special:
                yield special
        else:
            yield from _through_temporary(target, path)
    except OSError as error:
        if error.errno in _FULL:
            raise SynthGenError(f"{path}: cannot write: {error.strerror}") from None
        raise


def check_target(path: str | Path) -> None:
    """Raise now what `replacing` would raise after hours of work."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InvalidInputError(f"{path}: is a folder; name the file to write")
    if not target.parent.is_dir():
        raise InvalidInputError(
            f"{path}: cannot write: there is no folder {str(target.parent)!r}; create it first"
        )
    if not os.access(target.parent, os.W_OK):
        raise InvalidInputError(
            f"{path}: cannot write: the folder {str(target.parent)!r} is not yours to write to"
        )


def _through_temporary(target: Path, shown: str | Path) -> Iterator[BinaryIO]:
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part")
    handle = _create(temporary, shown)
    try:
        with handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(target.parent)


def _create(path: Path, shown: str | Path) -> BinaryIO:
    try:
        # Not tempfile: its files are readable by the owner only, whatever the umask says.
        return open(path, "xb")
    except OSError as error:
        raise InvalidInputError(f"{shown}: cannot write: {error.strerror}") from None


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can (not on Windows)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
