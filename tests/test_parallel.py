from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from synthgen.evaluation.molecules.judge import canonicals
from synthgen.molecular.featurize import featurize
from synthgen.molecular.representation import Molecules
from synthgen.parallel import in_processes


@pytest.mark.parametrize("jobs", [1, 2])
def test_results_come_in_order(jobs: int) -> None:
    chunks = [["OCC", None], ["C1CC"], [], ["c1ccccc1O", "N"]]
    found = list(in_processes(canonicals, chunks, {}, jobs))
    assert found == [["CCO", None], [None], [], ["Oc1ccccc1", "N"]]


def test_a_process_that_breaks_is_no_silent_loss() -> None:
    with pytest.raises(RuntimeError, match="has ended"):
        list(in_processes(canonicals, [["C"], [7]], {}, 2))


_KILLED = """
import os, signal
from synthgen.evaluation.molecules.judge import canonicals
from synthgen.parallel import in_processes
for _ in in_processes(canonicals, [["C"], ["CC"] * 50_000, ["CC"] * 50_000], {}, 2):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_helpers_of_a_killed_process_end_without_a_word() -> None:
    # their stderr is that of the process: this waits until they have ended
    ran = subprocess.run(
        [sys.executable, "-c", _KILLED], capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == -signal.SIGKILL
    assert ran.stderr == ""


def test_processes_give_what_one_gives(tmp_path: Path) -> None:
    smiles = [text for text in ("CCO", "CC=O", "C1CC1N", "bad", "C[C@H](O)F") for _ in range(150)]
    one, two = (
        featurize(smiles, Molecules(), names=["logP"], orders=2, jobs=jobs, seed=5)
        for jobs in (1, 2)
    )
    assert one.texts == two.texts
    assert one.sequences == two.sequences
    assert one.rejected == two.rejected
    assert len(one.rejected) == 150
    assert (one.computed == two.computed).all()
