"""The evidence pack: one zip of reports, and the digest that tells whether a byte of it changed.

Members are stored without dates, so that equal evidence is equal bytes. `manifest.json` holds size
and SHA-256 of every other member; whoever changes a member can change these too, so a reviewer
keeps the digest of the whole file, which `gate` prints, apart from it.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthgen.atomic import replacing
from synthgen.errors import InvalidInputError
from synthgen.untrusted import strict_json

MANIFEST = "manifest.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MOST_BYTES, _MOST_MEMBERS = 256 << 20, 100
# what reading a damaged zip raises
_DAMAGED = (
    zipfile.BadZipFile,
    ValueError,
    KeyError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


def packed(members: Mapping[str, str], facts: Mapping[str, Any]) -> bytes:
    """The bytes of a pack.

    Args:
        members: Name -> text.
        facts: What the manifest says beside the hashes.
    """
    bodies = {name: text.encode("utf-8") for name, text in members.items()}
    manifest = {**facts, "members": {name: _entry(body) for name, body in bodies.items()}}
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in {MANIFEST: text.encode("utf-8"), **bodies}.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, body)
    return out.getvalue()


def write(path: str | Path, pack: bytes) -> str:
    """Write a pack whole or not at all; its digest."""
    with replacing(path) as handle:
        handle.write(pack)
    return digest_of(pack)


def digest_of(pack: bytes) -> str:
    """SHA-256 of a pack, in hexadecimal."""
    return hashlib.sha256(pack).hexdigest()


def problems(path: str | Path, digest: str | None) -> list[str]:
    """What is wrong with a pack; nothing if it is as it was written.

    Without a digest only accidents are found: hashes inside can be made again.

    Raises:
        InvalidInputError: If there is no such file, or the digest is none.
    """
    pack = _read(path)
    found = []
    if digest is not None:
        wanted = digest.strip().lower().removeprefix("sha256:")
        if len(wanted) != 64 or set(wanted) - set("0123456789abcdef"):
            raise InvalidInputError(
                f"--digest {digest!r}: expected the 64 hexadecimal digits that gate printed"
            )
        if not hmac.compare_digest(wanted, digest_of(pack)):
            found.append(f"its digest is {digest_of(pack)}, not {wanted}")
    return found + _damage(pack)


def _damage(pack: bytes) -> list[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(pack)) as archive:
            return _members_damage(archive)
    except _DAMAGED as error:
        return [f"not a whole evidence pack: {error or type(error).__name__}"]


def _members_damage(archive: zipfile.ZipFile) -> list[str]:
    infos = archive.infolist()
    if len(infos) > _MOST_MEMBERS or len({one.filename for one in infos}) != len(infos):
        return ["too many members, or one of them twice"]
    for one in infos:
        # stored members only: their size cannot exceed the file's own
        if one.compress_type != zipfile.ZIP_STORED or one.file_size > _MOST_BYTES:
            return [f"{one.filename}: compressed or too large; a pack's members are neither"]
    listed = strict_json(archive.read(MANIFEST)).get("members")
    if not isinstance(listed, dict):
        return ["its manifest lists no members"]
    names = {one.filename for one in infos} - {MANIFEST}
    odd = sorted(names ^ listed.keys())
    found = [f"{name}: {'not listed' if name in names else 'missing'}" for name in odd]
    for name in sorted(names & listed.keys()):
        if _entry(archive.read(name)) != listed[name]:
            found.append(f"{name}: other bytes than its manifest says")
    return found


def _entry(body: bytes) -> dict[str, Any]:
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _read(path: str | Path) -> bytes:
    given = Path(path)
    try:
        if given.stat().st_size > _MOST_BYTES:
            raise InvalidInputError(f"{path}: larger than {_MOST_BYTES:,} bytes; no evidence pack")
        return given.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot read: {error.strerror}") from None
