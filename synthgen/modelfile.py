"""Read and write ``*.synthgen``: a zip of JSON and safetensors that executes nothing.

Members, in this order: ``manifest.json`` (format version, synthgen version, the size and SHA-256 of
every other member), ``schema.json``, ``encoding.json``, ``config.json``, ``training.json``,
``privacy.json`` (private fits only), ``weights.safetensors``. Members are stored, not compressed:
the bytes then depend on nothing but the contents, and a declared size cannot exceed the file's own.
There are no dates and no timings, and JSON keys are sorted, so equal contents are equal bytes.

The hashes find damage, not forgery: whoever can change a member can change its hash too.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from synthgen import records
from synthgen.atomic import replacing
from synthgen.errors import ModelFileError
from synthgen.untrusted import check_tensors, strict_json

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
# what the schema of a model of molecules has for its kind; that of a table has columns
MOLECULES = ("molecules", "peptides")
WEIGHTS = "weights.safetensors"

_MIB = 1 << 20
# The most bytes of each member, in file order. A member above its limit is refused unread.
_LIMITS = {
    MANIFEST: _MIB,
    "schema.json": 64 * _MIB,
    "encoding.json": 256 * _MIB,
    "config.json": 16 * _MIB,
    "training.json": 64 * _MIB,
    "privacy.json": 64 * _MIB,
    WEIGHTS: 3 << 30,
}
_OPTIONAL = "privacy.json"
_FILE_LIMIT = 4 << 30  # what a zip without 64-bit extensions can hold

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first date a zip can hold
_LOCAL_HEADER_SIZE = 30
_END_RECORD = struct.Struct("<4s4H2IH")  # zip application note, section 4.3.16
_DIRECTORY_LIMIT = 64 * 1024
_AGAIN = "copy the file again or fit the model again"


@dataclass(frozen=True)
class ModelContents:
    """Members of a model file, parsed.

    Attributes:
        schema, encoding, config, training: JSON objects.
        weights: Arrays by name; empty when they were not asked for.
        privacy: The ledger; None unless the fit was private.
        versions: ``format`` and ``synthgen`` as read from the file, and whatever else the writer
            recorded. `write` sets these two itself.
    """

    schema: dict[str, Any]
    encoding: dict[str, Any]
    config: dict[str, Any]
    training: dict[str, Any]
    weights: dict[str, np.ndarray]
    privacy: dict[str, Any] | None = None
    versions: dict[str, Any] = field(default_factory=dict)


def write(path: str | Path, contents: ModelContents) -> None:
    """Write a model file: whole or not at all, the same bytes for the same contents.

    Raises:
        ModelFileError: If a member is larger than the format allows, or is not JSON.
        InvalidInputError: If ``path`` cannot be written.
    """
    members = _members(path, contents)
    with replacing(path) as handle, zipfile.ZipFile(handle, "w", allowZip64=False) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3  # the same on every system
            info.external_attr = 0o644 << 16
            archive.writestr(info, data)


def read(path: str | Path, weights: bool = True) -> ModelContents:
    """Read a model file; with ``weights=False`` they are checked but not loaded.

    Sizes, names, hashes and tensor shapes are checked before memory is taken for them.

    Raises:
        ModelFileError: If the file is missing, is not a model file, was damaged or changed, or has
            a format that this version does not read.
    """
    with _open(path) as handle:
        return _Reader(path, handle).contents(weights)


# Writing ------------------------------------------------------------------------------------


def _members(path: str | Path, contents: ModelContents) -> dict[str, bytes]:
    from safetensors.numpy import save

    # numpy, not torch: a model file is read and written without it. order="C" because the bytes of
    # a transposed array would otherwise be stored in the wrong order.
    weights = {name: np.asarray(array, order="C") for name, array in contents.weights.items()}
    bodies = {
        "schema.json": _dump(path, "schema", contents.schema),
        "encoding.json": _dump(path, "encoding", contents.encoding),
        "config.json": _dump(path, "config", contents.config),
        # A diverged loss is recorded as null: JSON has no NaN.
        "training.json": _dump(path, "training", _finite(contents.training)),
    }
    if contents.privacy is not None:
        bodies[_OPTIONAL] = _dump(path, "privacy", contents.privacy)
    bodies[WEIGHTS] = save(weights)
    for name, body in bodies.items():
        if len(body) > _LIMITS[name]:
            raise ModelFileError(
                f"{path}: {name} would take {len(body):,} bytes and the format allows "
                f"{_LIMITS[name]:,}; use a smaller model or drop columns of long distinct text"
            )
    return {MANIFEST: _dump(path, "manifest", _manifest(contents, bodies)), **bodies}


def _manifest(contents: ModelContents, bodies: Mapping[str, bytes]) -> dict[str, Any]:
    from synthgen import __version__

    return {
        "format": "synthgen",
        "format_version": FORMAT_VERSION,
        "synthgen_version": __version__,
        "versions": {k: v for k, v in contents.versions.items() if k not in ("format", "synthgen")},
        "members": {
            name: {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in bodies.items()
        },
    }


def _dump(path: str | Path, what: str, value: object) -> bytes:
    try:
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return (text + "\n").encode("utf-8")
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: the model's {what} cannot be written: {error}") from None


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


# Reading ------------------------------------------------------------------------------------


def _open(path: str | Path) -> BinaryIO:
    try:
        if stat.S_ISREG(os.stat(path).st_mode):
            return open(path, "rb")
    except FileNotFoundError:
        raise ModelFileError(f"{path}: no such file; check the name of the model file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"{path}: cannot read the model file: {reason}") from None
    raise ModelFileError(f"{path}: not a file; name the .synthgen file that fit wrote")


class _Reader:
    """One open model file, read member by member, each checked before the next is looked at."""

    def __init__(self, path: str | Path, handle: BinaryIO) -> None:
        self.path = path
        self.handle = handle
        self.size = os.fstat(handle.fileno()).st_size

    def contents(self, weights: bool) -> ModelContents:
        self._check_end_record()
        try:
            with zipfile.ZipFile(self.handle) as archive:
                return self._parse(archive, weights)
        # zipfile meets bad bytes with any of these; RuntimeError is an encrypted member.
        except (
            zipfile.BadZipFile, EOFError, NotImplementedError, OSError, OverflowError, RuntimeError,
            UnicodeDecodeError, struct.error,
        ) as error:  # fmt: skip
            self._fail(f"damaged ({error})")

    def _fail(self, what: str, remedy: str = _AGAIN) -> NoReturn:
        raise ModelFileError(f"{self.path}: {what}; {remedy}") from None

    def _check_end_record(self) -> None:
        """Bound the list of members before `zipfile` reads it."""
        if self.size == 0:
            self._fail("empty file, not a model file")
        if self.size > _FILE_LIMIT:
            self._fail(f"{self.size:,} bytes, more than a model file can have")
        if self.handle.read(4) != b"PK\x03\x04":
            self._fail("not a SynthGen model file", "name the .synthgen file that fit wrote")
        self.handle.seek(max(0, self.size - _END_RECORD.size))
        tail = self.handle.read(_END_RECORD.size)
        if len(tail) < _END_RECORD.size or not tail.startswith(b"PK\x05\x06"):
            self._fail("cut short or damaged (the list of members at its end is missing)")
        _, _, _, _, entries, length, offset, comment = _END_RECORD.unpack(tail)
        if entries > 64 or length > _DIRECTORY_LIMIT or comment:
            self._fail("not a SynthGen model file (its list of members is too long)")
        if offset + length + _END_RECORD.size != self.size:
            self._fail("damaged (its list of members is not where it should be)")

    def _parse(self, archive: zipfile.ZipFile, weights: bool) -> ModelContents:
        manifest = self._read_manifest(archive)
        self._check_layout(archive)
        self._check_manifest_members(archive, manifest.get("members"))
        documents = {
            name.removesuffix(".json"): self._json(name, self._member(archive, name, manifest))
            for name in archive.namelist()
            if name not in (MANIFEST, WEIGHTS)
        }
        versions = {
            "format": manifest["format_version"],
            "synthgen": manifest["synthgen_version"],
            **manifest["versions"],
        }
        arrays = self._weights(archive, manifest, weights)
        return ModelContents(**documents, weights=arrays, versions=versions)

    def _read_manifest(self, archive: zipfile.ZipFile) -> dict[str, Any]:
        if MANIFEST not in archive.namelist():
            self._fail(
                f"a zip without {MANIFEST}, not a SynthGen model file",
                "name the .synthgen file that fit wrote",
            )
        info = archive.getinfo(MANIFEST)
        if info.file_size > _LIMITS[MANIFEST] or info.compress_type != zipfile.ZIP_STORED:
            self._fail(f"damaged ({MANIFEST} is too large)")
        manifest = self._json(MANIFEST, archive.read(info))
        version, writer = manifest.get("format_version"), manifest.get("synthgen_version")
        versions = manifest.get("versions")
        if (
            manifest.get("format") != "synthgen"
            or type(version) is not int
            or not isinstance(writer, str)
            or not isinstance(versions, dict)
        ):
            self._fail(f"not a SynthGen model file ({MANIFEST} does not say which format it has)")
        if version > FORMAT_VERSION:
            from synthgen import __version__

            self._fail(
                f"has format version {version}, written by synthgen {writer[:40]!r}; this is "
                f"synthgen {__version__}, which reads up to version {FORMAT_VERSION}",
                "upgrade with: pip install --upgrade synthgen",
            )
        if version < 1:
            self._fail(f"has format version {version}, which does not exist")
        return manifest

    def _check_layout(self, archive: zipfile.ZipFile) -> None:
        """Exactly the known members, in order, one after the other, nothing between them."""
        required = [name for name in _LIMITS if name != _OPTIONAL]
        found = archive.namelist()
        if found not in (required, list(_LIMITS)):
            missing = [name for name in required if name not in found]
            unknown = [name for name in found if name not in _LIMITS]
            if missing:
                self._fail(f"damaged (member {missing[0]} is missing)")
            if unknown:
                self._fail(f"not a model file as synthgen writes it (member {unknown[0][:80]!r})")
            self._fail("damaged (its members are repeated or out of order)")
        position = 0
        for info in archive.infolist():
            if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
                self._fail(f"damaged ({info.filename} is compressed or encrypted)")
            if info.file_size > _LIMITS[info.filename]:
                self._fail(f"damaged ({info.filename} claims {info.file_size:,} bytes)")
            if info.header_offset != position or info.file_size != info.compress_size:
                self._fail(f"damaged ({info.filename} is not where it should be)")
            position += _LOCAL_HEADER_SIZE + len(info.filename) + info.file_size
        if position != archive.start_dir:
            self._fail("damaged (its sizes do not add up)")

    def _check_manifest_members(self, archive: zipfile.ZipFile, listed: object) -> None:
        sizes = {i.filename: i.file_size for i in archive.infolist() if i.filename != MANIFEST}
        if (
            not isinstance(listed, dict)
            or {
                name: entry.get("bytes") if isinstance(entry, dict) else None
                for name, entry in listed.items()
            }
            != sizes
        ):
            self._fail(f"damaged ({MANIFEST} does not list the members that are there)")

    def _member(self, archive: zipfile.ZipFile, name: str, manifest: dict[str, Any]) -> bytes:
        data = archive.read(name)
        self._check_hash(name, hashlib.sha256(data).hexdigest(), manifest)
        return data

    def _check_hash(self, name: str, digest: str, manifest: dict[str, Any]) -> None:
        if digest != manifest["members"][name].get("sha256"):
            self._fail(f"damaged or changed ({name} does not have the hash in {MANIFEST})")

    def _json(self, name: str, data: bytes) -> dict[str, Any]:
        try:
            document = strict_json(data)
            records.check(name.removesuffix(".json"), document)
            return document
        except ValueError as error:
            self._fail(f"damaged ({name}: {error})")

    def _weights(
        self, archive: zipfile.ZipFile, manifest: dict[str, Any], load: bool
    ) -> dict[str, np.ndarray]:
        from safetensors import SafetensorError
        from safetensors.numpy import load as load_tensors

        size = archive.getinfo(WEIGHTS).file_size
        try:
            with archive.open(WEIGHTS) as member:
                check_tensors(member.read, size)
        except ValueError as error:
            self._fail(f"damaged ({WEIGHTS}: {error})")
        if load:
            try:
                return load_tensors(self._member(archive, WEIGHTS, manifest))
            except (SafetensorError, ValueError) as error:
                self._fail(f"damaged ({WEIGHTS}: {error})")
        with archive.open(WEIGHTS) as member:
            digest = hashlib.sha256()
            while block := member.read(_MIB):
                digest.update(block)
        self._check_hash(WEIGHTS, digest.hexdigest(), manifest)
        return {}
