from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from synthgen.errors import InvalidInputError
from synthgen.reports.pack import digest_of, packed, problems, write

MEMBERS = {"internal.json": '{"a": 1}\n', "model-card.md": "# Card\n" * 40}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.zip"
    write(path, packed(MEMBERS, {"verdict": "passed"}))
    return path


def test_equal_evidence_is_equal_bytes(pack: Path) -> None:
    assert packed(MEMBERS, {"verdict": "passed"}) == pack.read_bytes()


def test_a_pack_as_it_was_written_is_intact(pack: Path) -> None:
    assert problems(pack, digest_of(pack.read_bytes())) == []
    assert problems(pack, "sha256:" + digest_of(pack.read_bytes()).upper()) == []


def test_the_digest_finds_one_changed_byte_anywhere(pack: Path) -> None:
    body = pack.read_bytes()
    digest = digest_of(body)
    rng = np.random.default_rng(0)
    for at in rng.choice(len(body), 200, replace=False):
        changed = bytearray(body)
        changed[at] ^= int(rng.integers(1, 256))
        pack.write_bytes(bytes(changed))
        assert problems(pack, digest), at


def test_the_digest_finds_a_change_whose_hashes_were_made_again(pack: Path) -> None:
    digest = digest_of(pack.read_bytes())
    pack.write_bytes(packed({**MEMBERS, "internal.json": '{"a": 2}\n'}, {"verdict": "passed"}))
    assert problems(pack, None) == []  # nothing inside tells
    assert problems(pack, digest)


def test_hashes_find_a_changed_a_missing_and_an_added_member(pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["model-card.md"] = b"# Other\n"
    members["extra.txt"] = b"x"
    del members["internal.json"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    pack.write_bytes(out.getvalue())
    found = " ".join(problems(pack, None))
    assert "model-card.md: other bytes" in found
    assert "extra.txt: not listed" in found and "internal.json: missing" in found


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * (1 << 26))
    assert "compressed" in problems(path, None)[0]


@pytest.mark.parametrize("body", [b"", b"not a zip", b"PK\x03\x04" + b"\0" * 100])
def test_what_is_no_pack_has_a_problem(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(body)
    assert "not a whole evidence pack" in problems(path, None)[0]


def test_a_digest_that_is_none_and_a_file_that_is_not_there_are_refused(pack: Path) -> None:
    with pytest.raises(InvalidInputError, match="64 hexadecimal"):
        problems(pack, "abc")
    with pytest.raises(InvalidInputError, match="cannot read"):
        problems(pack.with_name("none.zip"), None)
