from __future__ import annotations

import hashlib
import json
import os
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from synthgen import modelfile
from synthgen.errors import InvalidInputError, ModelFileError
from synthgen.privacy.ledger import Ledger

MEMBERS = [
    "manifest.json", "schema.json", "encoding.json", "config.json", "training.json",
    "weights.safetensors",
]  # fmt: skip


def contents(**changes):
    values = {
        "schema": {"version": 1, "columns": [{"name": "âge", "kind": "integer"}]},
        "encoding": {"columns": [{"edges": [0.1, 1e300, -3]}]},
        "config": {"model": "ctgan", "width": 64},
        "training": {"steps": 12, "history": [{"loss": 0.5}, {"loss": float("nan")}]},
        "weights": {
            "layer.w": np.arange(12, dtype=np.float32).reshape(3, 4).T,
            "scalar": np.array(3.0),
            "codes": np.array([], dtype=np.int32),
            "flags": np.array([True, False]),
        },
        "versions": {"torch": "2.13.0"},
    }
    return modelfile.ModelContents(**{**values, **changes})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    modelfile.write(tmp_path / "m.synthgen", contents())
    return tmp_path / "m.synthgen"


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path: Path, bodies: dict[str, bytes], rehash: bool = True, **options) -> None:
    """The zip anew from `bodies`; with `rehash`, by an attacker who keeps the manifest right."""
    bodies = dict(bodies)
    if rehash:
        manifest = json.loads(bodies["manifest.json"])
        manifest["members"] = {
            name: {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in bodies.items()
            if name != "manifest.json"
        }
        bodies["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, body in bodies.items():
            archive.writestr(name, body)


def refused(path: Path, *words: str, weights: bool = True) -> str:
    with pytest.raises(ModelFileError) as caught:
        modelfile.read(path, weights=weights)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    assert "; " in message, "says what to do"
    for word in words:
        assert word in message
    return message


def test_what_was_written_is_read(path: Path) -> None:
    read = modelfile.read(path)
    wrote = contents()
    assert (read.schema, read.encoding, read.config) == (wrote.schema, wrote.encoding, wrote.config)
    assert read.training == {"steps": 12, "history": [{"loss": 0.5}, {"loss": None}]}
    assert read.privacy is None
    assert read.versions["torch"] == "2.13.0"
    assert read.versions["format"] == 1
    assert read.weights.keys() == wrote.weights.keys()
    for name, array in wrote.weights.items():
        np.testing.assert_array_equal(read.weights[name], array)
        assert read.weights[name].dtype == array.dtype
        assert read.weights[name].shape == array.shape


def test_members_and_their_hashes_are_in_the_manifest(path: Path) -> None:
    bodies = members(path)
    assert list(bodies) == MEMBERS
    listed = json.loads(bodies["manifest.json"])["members"]
    assert list(listed) == sorted(MEMBERS[1:])
    for name, entry in listed.items():
        assert entry == {
            "bytes": len(bodies[name]),
            "sha256": hashlib.sha256(bodies[name]).hexdigest(),
        }


def test_a_private_fit_carries_its_ledger(tmp_path: Path) -> None:
    ledger = Ledger(epsilon=1.0, delta=1e-6).to_dict()
    modelfile.write(tmp_path / "p.synthgen", contents(privacy=ledger))
    assert modelfile.read(tmp_path / "p.synthgen").privacy == ledger
    assert "privacy.json" in members(tmp_path / "p.synthgen")


@pytest.mark.parametrize(
    ("name", "document", "words"),
    [
        ("training", {"warnings": 3}, "training.json: warnings"),
        ("training", {"steps": "many"}, "training.json: steps"),
        ("privacy", {"epsilon": 1.0}, "privacy.json: delta"),
        ("encoding", {"properties": ["QED"]}, "encoding.json: properties.0"),
    ],
)
def test_a_document_that_cannot_be_shown_is_refused(
    tmp_path: Path, name: str, document: dict, words: str
) -> None:
    modelfile.write(tmp_path / "p.synthgen", contents(**{name: document}))
    refused(tmp_path / "p.synthgen", words, weights=False)


def test_equal_contents_are_equal_bytes(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.synthgen"
    reordered = {name: contents().weights[name] for name in ("scalar", "flags", "codes", "layer.w")}
    modelfile.write(other, contents(weights=reordered))
    assert other.read_bytes() == path.read_bytes()
    modelfile.write(other, modelfile.read(path))
    assert other.read_bytes() == path.read_bytes(), "reading and writing again changes nothing"


def test_without_weights_everything_else_is_there_and_damage_to_them_is_found(path: Path) -> None:
    read = modelfile.read(path, weights=False)
    assert read.weights == {}
    assert read.training["steps"] == 12
    data = bytearray(path.read_bytes())
    data[data.index(b"weights.safetensors") + 400] ^= 1
    path.write_bytes(data)
    refused(path, "damaged", weights=False)


def test_any_flipped_byte_is_refused_or_harmless(path: Path) -> None:
    wrote, data = modelfile.read(path), path.read_bytes()
    harmless = 0
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 0x41
        path.write_bytes(changed)
        try:
            read = modelfile.read(path)
        except ModelFileError as error:
            assert "\n" not in str(error)
            continue
        harmless += 1  # a date or an attribute in the zip's own records
        assert (read.schema, read.training, read.config, read.encoding) == (
            wrote.schema, wrote.training, wrote.config, wrote.encoding,
        )  # fmt: skip
        np.testing.assert_array_equal(read.weights["layer.w"], wrote.weights["layer.w"])
    assert harmless < 50 * len(MEMBERS)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_changed_byte_in_any_member_is_refused(path: Path, name: str) -> None:
    bodies = members(path)
    body = bytearray(bodies[name])
    body[len(body) // 2] ^= 1
    rewrite(path, {**bodies, name: bytes(body)}, rehash=False)
    refused(path)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_missing_member_is_named(path: Path, name: str) -> None:
    bodies = members(path)
    del bodies[name]
    rewrite(path, bodies, rehash=name != "manifest.json")
    refused(path, name)


def test_every_truncation_is_refused(path: Path) -> None:
    data = path.read_bytes()
    for length in [*range(0, len(data), 37), len(data) - 1]:
        path.write_bytes(data[:length])
        refused(path)


def test_appended_and_prepended_bytes_are_refused(path: Path) -> None:
    data = path.read_bytes()
    for changed in (data + b"x", b"x" + data, b"PK\x03\x04" + data):
        path.write_bytes(changed)
        refused(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(path: Path) -> None:
    bodies = members(path)
    bodies["training.json"] = b'{"a": "' + b" " * (60 << 20) + b'"}'
    rewrite(path, bodies, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        refused(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_member_that_claims_more_than_it_has_is_refused(path: Path) -> None:
    data = bytearray(path.read_bytes())
    entry = data.rindex(b"weights.safetensors") - 46  # its record in the list of members
    for field in (20, 24):
        data[entry + field : entry + field + 4] = struct.pack("<I", 0xF0000000)
    path.write_bytes(data)
    refused(path, "weights.safetensors claims")


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil", "schema.json/../x", "C:\\x"])
def test_traversal_and_unknown_members_are_refused(path: Path, name: str) -> None:
    rewrite(path, {**members(path), name: b"{}"})
    refused(path, "member")
    assert sorted(p.name for p in path.parent.iterdir()) == ["m.synthgen"]


def test_a_repeated_member_is_refused(path: Path) -> None:
    bodies = members(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in bodies.items():
            archive.writestr(name, body)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("schema.json", b"{}")
    refused(path, "repeated")


def test_a_long_list_of_members_is_refused_unread(path: Path) -> None:
    rewrite(path, {**members(path), **{f"{i}.json": b"{}" for i in range(100)}})
    refused(path, "list of members is too long")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a": 1, "a": 2}', "occurs twice"),
        (b'{"a": NaN}', "NaN"),
        (b"[1]", "not a JSON object"),
        (b"\xff", "not valid JSON"),
        (b"", "not valid JSON"),
        (b'{"a": [' + b"[]," * 5_100_000 + b"[]]}", "too many entries"),
    ],
)
def test_hostile_json_is_refused_even_with_the_right_hash(
    path: Path, body: bytes, word: str
) -> None:
    rewrite(path, {**members(path), "config.json": body})
    refused(path, "config.json", word)


def tensors(header: object, data: bytes = b"\0" * 16) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype: str = "F32", shape: object = (4,), offsets: object = (0, 16)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff" * 8,
        (1 << 40).to_bytes(8, "little"),
        tensors({"w": entry(shape=(5,))}),
        tensors({"w": entry(shape=(1 << 62,), offsets=(0, 1 << 64))}),
        tensors({"w": entry(shape=(0, 1 << 62), offsets=(0, 0))}, b""),
        tensors({"w": entry(shape=(-4,), offsets=(16, 0))}),
        tensors({"w": entry(shape=(2,), offsets=(0, 8))}),
        tensors({"w": entry(shape=(2,), offsets=(0, 8)), "v": entry(shape=(4,))}),
        tensors({"w": entry(dtype="O")}),
        tensors({"w": entry(dtype="BF16", shape=(8,))}),
        tensors({"w": entry(shape="4")}),
        tensors({"w": entry(shape=(True, 4))}),
        tensors({"w": entry(offsets=(0,))}),
        tensors({"w": {**entry(), "code": "x"}}),
        tensors({"w": None}),
        tensors(b"{"),
        tensors({"w": entry()}, b"\0" * 17),
    ],
)
def test_hostile_tensors_are_refused_even_with_the_right_hash(path: Path, body: bytes) -> None:
    rewrite(path, {**members(path), "weights.safetensors": body})
    refused(path, "weights.safetensors")
    refused(path, "weights.safetensors", weights=False)


def test_what_safetensors_writes_passes_the_same_checks(path: Path) -> None:
    body = save({"a": np.ones((2, 3), np.float16), "b": np.zeros((0, 3))}, {"note": "x"})
    rewrite(path, {**members(path), "weights.safetensors": body})
    assert modelfile.read(path).weights["a"].shape == (2, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"format_version": 2, "synthgen_version": "9.1"},
            ["format version 2", "9.1", "pip install"],
        ),
        ({"format_version": 0}, ["format version 0"]),
        ({"format_version": "1"}, ["not a SynthGen model file"]),
        ({"format": "other"}, ["not a SynthGen model file"]),
        ({"versions": None}, ["not a SynthGen model file"]),
    ],
)
def test_other_formats_say_which(path: Path, change: dict, words: list[str]) -> None:
    bodies = members(path)
    bodies["manifest.json"] = json.dumps(json.loads(bodies["manifest.json"]) | change).encode()
    rewrite(path, bodies, rehash=False)
    refused(path, *words)


def test_a_newer_format_with_members_unknown_today_asks_for_an_upgrade(path: Path) -> None:
    bodies = members(path)
    manifest = json.loads(bodies["manifest.json"]) | {"format_version": 3}
    rewrite(path, {"manifest.json": json.dumps(manifest).encode(), "new.bin": b"x"}, rehash=False)
    refused(path, "pip install --upgrade synthgen")


def test_what_is_not_a_model_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none.synthgen", "no such file")
    refused(tmp_path, "not a file")
    (tmp_path / "a").write_bytes(b"")
    refused(tmp_path / "a", "empty file")
    (tmp_path / "a").write_text("age,income\n3,4\n")
    refused(tmp_path / "a", "not a SynthGen model file")
    rewrite(tmp_path / "a", {"word/document.xml": b"<x/>"}, rehash=False)
    refused(tmp_path / "a", "not a SynthGen model file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "not a file")


def test_permissions_follow_the_umask_and_nothing_else_is_left(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        modelfile.write(tmp_path / "m.synthgen", contents())
    finally:
        os.umask(before)
    assert (tmp_path / "m.synthgen").stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["m.synthgen"]


def test_a_failed_write_leaves_the_old_file(path: Path) -> None:
    old = path.read_bytes()
    with pytest.raises(ModelFileError, match="config cannot be written"):
        modelfile.write(path, contents(config={"x": float("inf")}))
    with pytest.raises(ModelFileError, match="encoding cannot be written"):
        modelfile.write(path, contents(encoding={"x": object()}))
    assert path.read_bytes() == old
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_where_it_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no folder"):
        modelfile.write(tmp_path / "none" / "m.synthgen", contents())
    with pytest.raises(InvalidInputError, match="is a folder"):
        modelfile.write(tmp_path, contents())
