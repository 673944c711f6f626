"""Files in object stores through fsspec: ``s3://bucket/key.parquet``, the format by its ending.

Where the store is and who asks is the business of its own package and environment: for S3
``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, ``AWS_PROFILE`` and so on. A file goes through a
temporary one on this machine, whole before the first byte of it is sent.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synthgen.connectors import Scan, scheme, without_secret
from synthgen.errors import InvalidInputError, MissingExtraError, SynthGenError
from synthgen_connectors import arrowtables
from synthgen_connectors.files import Files

if TYPE_CHECKING:
    import pandas as pd

_NOTE = ".meta.json"
_BLOCK = 1 << 20


class ObjectStore:
    """Reads and writes objects in the formats of `Files`."""

    def scan(self, uri: str) -> Scan:
        """What the format tells of the object."""
        with _fetched(uri) as path:
            return Files().scan(path)

    def read(self, uri: str) -> pd.DataFrame:
        """The whole table."""
        with _fetched(uri) as path:
            return Files().read(path)

    def read_batches(self, uri: str, rows: int) -> Iterator[pd.DataFrame]:
        """Frames of at most ``rows`` rows; the object is fetched once, to the disk."""
        with _fetched(uri) as path:
            yield from Files().read_batches(path, rows)

    def write(
        self,
        uri: str,
        frames: pd.DataFrame | Iterable[pd.DataFrame],
        provenance: Mapping[str, Any] | None = None,
    ) -> str:
        """Write the object whole or not at all, and ``URI.meta.json``: that it is synthetic."""
        store, key = _store(uri)
        with _reaching(uri, InvalidInputError):
            # where listing is forbidden the upload will tell
            if scheme(uri) != "memory" and not _may_exist(store, key.partition("/")[0]):
                raise FileNotFoundError(key.partition("/")[0])
        with _temporary(uri, key) as path:
            Files().write(path, frames, provenance)
            with _reaching(uri, SynthGenError):
                for ending in ("", _NOTE):
                    _send(store, path + ending, key + ending)
        return uri + _NOTE


def _store(uri: str) -> tuple[Any, str]:
    """The file system, and the path on it."""
    shown = without_secret(uri)
    fsspec = arrowtables.need("fsspec", shown, "an object store", "s3")
    bucket, _, key = uri.partition("://")[2].partition("/")
    if "@" in bucket:
        raise InvalidInputError(
            f"{shown}: keys do not belong in a URL, which others see; set them in the environment"
        )
    if not bucket or not key or key.endswith("/"):
        raise InvalidInputError(f"{shown}: write {scheme(uri)}://BUCKET/NAME.parquet")
    try:
        store, path = fsspec.core.url_to_fs(uri, skip_instance_cache=True)
    except ImportError as error:
        raise MissingExtraError(f"{shown}: {error}") from None
    return store, path


def _may_exist(store: Any, bucket: str) -> bool:
    try:
        store.info(bucket)
    except FileNotFoundError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def _fetched(uri: str) -> Iterator[str]:
    """A copy of the object on this machine."""
    store, key = _store(uri)
    with _temporary(uri, key) as path:
        with _reaching(uri, InvalidInputError):
            store.get_file(key, path)
        yield path


@contextmanager
def _temporary(uri: str, key: str) -> Iterator[str]:
    """A file of the same name, gone afterwards; messages on it name the object."""
    with tempfile.TemporaryDirectory(prefix="synthgen-") as folder:
        path = os.path.join(folder, os.path.basename(key))
        try:
            yield path
        except SynthGenError as error:
            raise type(error)(str(error).replace(path, uri)) from None


def _send(store: Any, path: str, key: str) -> None:
    """Upload a file; the object appears, or changes, when all of it has arrived."""
    with open(path, "rb") as source:
        target = store.open(key, "wb", autocommit=False)
        try:
            shutil.copyfileobj(source, target, _BLOCK)
            target.close()
            target.commit()
        except BaseException:
            target.discard()
            target.closed = True  # or it would try to send the rest when it is collected
            raise


@contextmanager
def _reaching(uri: str, kind: type[SynthGenError]) -> Iterator[None]:
    """Each store has errors of its own: whatever one raises is told in one line."""
    try:
        yield
    except FileNotFoundError as error:
        raise kind(f"{uri}: no such bucket or object: {error}; check the name") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:240] or type(error).__name__
        raise kind(f"{uri}: {reason}") from None
