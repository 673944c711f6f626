from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pyarrow as pa
import pytest

from synthgen import connectors
from synthgen.errors import InvalidInputError, SynthGenError
from tests.servers import PASSWORD

FRAME = pa.table({
    "id": pa.array([1, 2, None]), "name": pa.array(["x", None, "z"]),
}).to_pandas(types_mapper=pd.ArrowDtype)  # fmt: skip


def read(uri: str) -> pd.DataFrame:
    return connectors.find(uri).read(uri)


def write(uri: str, frames: Any, facts: dict[str, Any] | None = None) -> str:
    return connectors.find(uri).write(uri, frames, facts)


def keys(bucket: str) -> dict[str, bytes]:
    client = boto3.client("s3")
    listed = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        one["Key"]: client.get_object(Bucket=bucket, Key=one["Key"])["Body"].read()
        for one in listed
    }


@pytest.mark.parametrize("ending", ["parquet", "feather", "jsonl.gz", "xlsx"])
def test_s3_keeps_types_and_says_synthetic(bucket: str, ending: str) -> None:
    uri = f"s3://{bucket}/a folder/o.{ending}"
    assert write(uri, [FRAME[:2], FRAME[2:]], {"seed": 7}) == f"{uri}.meta.json"
    pd.testing.assert_frame_equal(read(uri), FRAME)
    parts = list(connectors.find(uri).read_batches(uri, 2))
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), FRAME)
    assert connectors.find(uri).scan(uri) == connectors.Scan(("id", "name"), 3)
    note = json.loads(keys(bucket)[f"a folder/o.{ending}.meta.json"])
    assert (note["synthetic"], note["rows"], note["file"]) == (True, 3, f"o.{ending}")


def test_other_stores_come_for_free() -> None:
    write("memory://b/o.csv", pd.DataFrame({"a": ["1"]}))
    assert read("memory://b/o.csv")["a"].tolist() == ["1"]


def test_a_write_that_fails_leaves_the_object_as_it_was(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"s3://{bucket}/o.parquet"
    write(uri, FRAME)
    before = keys(bucket)

    def broken() -> Iterator[pd.DataFrame]:
        yield FRAME
        raise SynthGenError("the sampler broke")

    with pytest.raises(SynthGenError, match="sampler"):
        write(uri, broken())
    assert keys(bucket) == before


def test_a_store_that_goes_away_in_the_middle(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is larger than a part: the upload begins, and its last part never arrives."""
    import s3fs

    uri = f"s3://{bucket}/o.csv"
    write(uri, FRAME)
    before = keys(bucket)
    sent = []
    call = s3fs.core.S3File._call_s3

    def cut(self: Any, method: str, *args: Any, **settings: Any) -> Any:
        sent.append(method)
        if sent.count("upload_part") > 1 and method == "upload_part":
            raise ConnectionError("the connection was cut")
        return call(self, method, *args, **settings)

    monkeypatch.setattr(s3fs.core.S3File, "_call_s3", cut)
    big = pd.DataFrame({"a": ["x" * 1_000] * 120_000})
    with pytest.raises(SynthGenError, match="cut") as caught:
        write(uri, big)
    assert type(caught.value) is SynthGenError
    assert "upload_part" in sent
    assert keys(bucket) == before
    assert "Uploads" not in boto3.client("s3").list_multipart_uploads(Bucket=bucket)


def test_bad_places(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = {
        f"s3://{bucket}/no.parquet": "no such bucket or object",
        "s3://no-such-bucket/o.parquet": "no such bucket or object",
        f"s3://{bucket}/": "BUCKET/NAME",
        "s3://key:hunter2@b/o.csv": "environment",
    }
    for uri, word in cases.items():
        for call in (read, lambda uri: write(uri, FRAME)):
            if call is not read and "no.parquet" in uri:
                continue
            with pytest.raises(InvalidInputError, match=word) as caught:
                call(uri)
            assert "\n" not in str(caught.value) and "hunter2" not in str(caught.value)
            assert PASSWORD not in str(caught.value)
    write(f"s3://{bucket}/o.csv", pd.DataFrame({"a": ["1"]}))
    boto3.client("s3").put_object(Bucket=bucket, Key="bad.parquet", Body=b"no")
    with pytest.raises(InvalidInputError, match=f"s3://{bucket}/bad.parquet: not a readable"):
        read(f"s3://{bucket}/bad.parquet")


def test_a_store_that_is_not_there(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with pytest.raises(InvalidInputError, match="127.0.0.1:1"):
        read(f"s3://{bucket}/o.csv")


def test_no_temporary_file_stays(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    write(f"s3://{bucket}/o.csv", FRAME)
    batches = connectors.find("s3://x/y.csv").read_batches(f"s3://{bucket}/o.csv", 1)
    next(batches)
    assert len(list(tmp_path.iterdir())) == 1
    batches.close()
    assert list(tmp_path.iterdir()) == []
