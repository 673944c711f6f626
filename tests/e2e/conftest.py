from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
SMALL = [
    "--max-steps", "3", "--seed", "3", "--option", "hidden=16", "--option", "token=8",
    "--option", "batch_size=100",
]  # fmt: skip


@dataclass(frozen=True)
class Ran:
    code: int
    stdout: str
    stderr: str


def run(*args: object, stdin: str | bytes | None = None, env: dict[str, str] | None = None) -> Ran:
    """The command line within this process: quick, for torch is imported once."""
    from synthgen.cli.app import app

    result = CliRunner().invoke(app, [str(a) for a in args], input=stdin, env=env)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ran(result.exit_code, result.stdout, result.stderr)


def environment(**changes: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "connectors"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, **changes}


def process(*args: object, cwd: Path, stdin: bytes = b"", **env: str) -> Ran:
    """The command line as users have it: a process of its own."""
    with started(*args, cwd=cwd, **env) as running:
        out, err = running.communicate(stdin, timeout=300)
    return Ran(running.returncode, out.decode(), err.decode())


def started(
    *args: object, cwd: Path, before: Callable[[], None] | None = None, **env: str
) -> subprocess.Popen[bytes]:
    """The same, under way; ``before`` runs in it first."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", "synthgen", *map(str, args)],
        stdin=pipe, stdout=pipe, stderr=pipe, cwd=cwd, env=environment(**env), preexec_fn=before,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def adult_text() -> str:
    """The first 400 rows of Adult, as CSV."""
    with gzip.open(files("synthgen") / "data" / "adult_train.csv.gz", "rt") as handle:
        return "".join(line for _, line in zip(range(401), handle, strict=False))


@pytest.fixture
def adult(folder: Path, adult_text: str) -> Path:
    path = folder / "adult.csv"
    path.write_text(adult_text)
    return path


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory, adult_text: str) -> Path:
    """A model of Adult that the command line fitted, to be read only."""
    path = tmp_path_factory.mktemp("fitted") / "adult.synthgen"
    ran = run("fit", "-", "-o", path, *SMALL, stdin=adult_text)
    assert ran.code == 0, ran.stderr
    return path


@pytest.fixture
def refused() -> Callable[..., str]:
    """Runs a command that must fail as a user may expect: one line, the right code, no file."""

    def check(*args: object, words: tuple[str, ...] = (), code: int = 4, **how) -> str:
        before = sorted(Path.cwd().rglob("*"))
        ran = run(*args, **how)
        assert (ran.code, ran.stdout) == (code, ""), (ran, args)
        return one_line(ran.stderr, words, before)

    return check


def one_line(stderr: str, words: tuple[str, ...], before: list[Path]) -> str:
    assert stderr.startswith("Error: ")
    assert stderr.count("\n") == 1
    assert stderr.endswith("\n")
    assert "Traceback" not in stderr
    for word in words:
        assert word in stderr, stderr
    assert sorted(Path.cwd().rglob("*")) == before, "no file is left"
    return stderr
