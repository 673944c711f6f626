"""A short form of benchmarks/fuzz.py: mutated files are refused in a line, or work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

import fuzz


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return fuzz.made(tmp_path_factory.mktemp("fuzz"))


def test_what_is_not_mutated_works(sources: dict[str, Path]) -> None:
    for kind, path in sources.items():
        assert fuzz.judged(lambda k=kind, p=path: fuzz.used(k, p)) == ("works", ""), kind


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_mutated_files_are_refused_or_work(sources: dict[str, Path], start: int) -> None:
    found = [fuzz.tried(number, sources) for number in range(start, start + 50)]
    assert not fuzz.wrong(found)
    assert {one["outcome"] for one in found} == {"works", "refused"}
