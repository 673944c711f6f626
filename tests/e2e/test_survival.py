"""What happens to long runs: kill -9, Ctrl-C, losses that overflow, full disks and memory."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import environment, process, run, started

FIT = [
    "--seed", 7, "--option", "hidden=32", "--option", "evaluate_every=10",
    "--option", "batch_size=100",
]  # fmt: skip
KEPT = ["--checkpoint-dir", "state", "--checkpoint-every", "0.01s"]
STATE = Path("state", "checkpoint.safetensors")


def wait_for(condition: Callable[[], object], running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)


def written() -> int:
    """When the checkpoint was written, 0 before."""
    return STATE.stat().st_mtime_ns if STATE.exists() else 0


def test_killed_at_random_moments_and_resumed_to_the_same_bytes(folder: Path, adult: Path) -> None:
    settings = [*FIT, "--max-steps", 300]
    assert run("fit", adult, "-o", "whole.synthgen", *settings).code == 0
    rng = np.random.default_rng(0)
    for _ in range(2):
        before = written()
        command = ["fit", adult, "-o", "m.synthgen", *settings, *KEPT, "--resume"]
        with started(*command, cwd=folder) as fit:
            wait_for(lambda before=before: written() != before, fit)
            time.sleep(rng.uniform(0, 0.5))
            fit.send_signal(signal.SIGKILL)
        assert fit.returncode == -signal.SIGKILL
        assert not Path("m.synthgen").exists()
    ran = run("fit", adult, "-o", "m.synthgen", *settings, *KEPT, "--resume")
    assert ran.code == 0 and "Resumed from step" in ran.stderr
    assert Path("m.synthgen").read_bytes() == Path("whole.synthgen").read_bytes()
    note = json.loads(Path("m.synthgen.meta.json").read_text())
    assert note["training"]["resumed_from_step"] >= 10
    shown = json.loads(run("inspect", "m.synthgen", "--json").stdout)["training"]
    assert shown["resumed_from_step"] == note["training"]["resumed_from_step"]
    assert not STATE.exists(), "it has served"


def test_ctrl_c_leaves_a_model_and_a_checkpoint(folder: Path, adult: Path) -> None:
    # with 5,000 steps planned it does not end by itself in this time
    settings = ["--seed", 7, "--option", "hidden=512", "--max-steps", 5000]
    with started("fit", adult, "-o", "m.synthgen", *settings, *KEPT, "-q", cwd=folder) as fit:
        wait_for(STATE.exists, fit)
        fit.send_signal(signal.SIGINT)
        out, err = fit.communicate(timeout=60)
    assert (fit.returncode, out) == (130, b"")
    (line,) = err.decode().splitlines()
    assert line.startswith("Error: interrupted at step ")
    assert line.endswith(
        "the model so far is in m.synthgen; go on with --checkpoint-dir state --resume"
    )
    assert run("sample", "m.synthgen", "-n", 20).stdout.count("\n") == 21
    record = json.loads(run("inspect", "m.synthgen", "--json").stdout)["training"]
    assert record["ended_by"] == "interrupted" and 0 < record["steps"] < 5000
    assert STATE.exists()
    assert run("replay", "m.synthgen.meta.json").code == 4


def test_a_fit_that_the_clock_ended_is_made_again(folder: Path, adult: Path) -> None:
    slow = ["--option", "hidden=64", "--option", "patience=500"]
    fit = ["fit", adult, "-o", "m.synthgen", "--time-limit", "8s", *slow]
    assert process(*fit, cwd=folder).code == 0
    shown = json.loads(run("inspect", "m.synthgen", "--json").stdout)["training"]
    assert shown["ended_by"] == "time"
    ran = run("replay", "m.synthgen.meta.json")
    assert ran.code == 0, ran.stderr
    assert "The same model" in ran.stderr
    # another model, which its record speaks of, is not the same
    note = json.loads(Path("m.synthgen.meta.json").read_text())
    note["fit"]["max_steps"] += 5
    Path("m.synthgen.meta.json").write_text(json.dumps(note))
    assert run("replay", "m.synthgen.meta.json").code == 1


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("argan", ["learning_rate=1e30", "hidden=32", "evaluate_every=10"]),
        ("ctgan", ["learning_rate=1e30", "width=16", "critic_width=16", "evaluate_every=10"]),
    ],
)
def test_a_rate_that_no_loss_survives(
    folder: Path, adult: Path, model: str, options: list[str]
) -> None:
    given = [part for option in options for part in ("--option", option)]
    ran = run("fit", adult, "-o", "m.synthgen", "--model", model, "--seed", 1, *given)
    assert ran.code == 1
    assert ran.stderr.count("Warning: rolled back: the losses are not finite") == 5
    assert ran.stderr.splitlines()[-1].startswith("Error: the losses are not finite at step ")
    assert "lower learning_rate" in ran.stderr
    assert not Path("m.synthgen").exists()


def no_file_above(size: int) -> Callable[[], None]:
    """As a disk that has no more room: writes beyond fail with an error of the system."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_full_disk_leaves_nothing_half_written(folder: Path, adult: Path, fitted: Path) -> None:
    for command in (
        ["fit", adult, "-o", "m.synthgen", *FIT, "--max-steps", 10],
        ["sample", fitted, "-n", 2000, "-o", "s.csv"],
        ["sample", fitted, "-n", 2000, "-o", "s.parquet"],
    ):
        with started(*command, "-q", cwd=folder, before=no_file_above(20_000)) as ran:
            out, err = ran.communicate(timeout=120)
        assert (ran.returncode, out) == (1, b""), err
        (line,) = err.decode().splitlines()
        assert "cannot write: File too large" in line
        assert [path.name for path in folder.iterdir()] == ["adult.csv"]


def test_a_full_disk_does_not_end_a_run_that_goes_well(folder: Path, adult: Path) -> None:
    settings = [*FIT, "--max-steps", 40]
    whole = process("fit", adult, "-o", "whole.synthgen", *settings, cwd=folder)
    assert whole.code == 0
    # room for the model, not for the state, which is six times as large
    room = no_file_above(2 * Path("whole.synthgen").stat().st_size)
    command = ["fit", adult, "-o", "m.synthgen", *settings, *KEPT]
    with started(*command, cwd=folder, before=room) as ran:
        _, err = ran.communicate(timeout=120)
    assert ran.returncode == 0, err
    assert "no checkpoint: " in err.decode() and "training goes on" in err.decode()
    assert Path("m.synthgen").read_bytes() == Path("whole.synthgen").read_bytes()
    assert list(Path("state").iterdir()) == []


def test_out_of_memory_is_one_line(folder: Path, adult: Path) -> None:
    # a limit on what the process may map, set once everything is loaded
    limited = (
        "import resource, sys, torch, sklearn.ensemble, synthgen.synthesizer;"
        "from synthgen.cli import main;"
        "pages = int(open('/proc/self/statm').read().split()[0]);"
        "most = pages * resource.getpagesize() + (300 << 20);"
        "resource.setrlimit(resource.RLIMIT_AS, (most, most)); main()"
    )
    command = ["fit", str(adult), "-o", "m.synthgen", "--option", "hidden=4096", "-q"]
    ran = subprocess.run(
        [sys.executable, "-c", limited, *command], capture_output=True, text=True, cwd=folder,
        env=environment(OMP_NUM_THREADS="1"), timeout=120, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, ""), ran.stderr
    assert ran.stderr == (
        "Error: out of memory; use fewer rows, or set --memory-limit to learn it earlier\n"
    )
    assert [path.name for path in folder.iterdir()] == ["adult.csv"]


def test_what_cannot_be_resumed_is_refused(adult: Path, refused: Callable[..., str]) -> None:
    fit = ["fit", adult, "-o", "m.synthgen"]
    refused(*fit, "--resume", words=("--resume needs --checkpoint-dir",))
    Path("state").mkdir()
    STATE.write_bytes(b"PK not a checkpoint")
    refused(*fit, *KEPT, "--resume", words=("not a checkpoint", "state"))
    refused(*fit, *KEPT, words=("there is a checkpoint already", "--resume"))
    Path("file").touch()
    refused(*fit, "--checkpoint-dir", "file", words=("no folder", "name another"))
