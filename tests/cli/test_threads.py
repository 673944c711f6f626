"""The command line and a busy machine."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, sys
from synthgen.cli import main
assert "torch" not in sys.modules
sys.argv = ["synthgen", "--version"]
try:
    main()
except SystemExit:
    print(os.environ["GOMP_SPINCOUNT"])
"""


@pytest.mark.parametrize(("given", "found"), [(None, "30000"), ("7", "7")])
def test_threads_soon_sleep_where_they_wait(given: str | None, found: str) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    if given is not None:
        environment["GOMP_SPINCOUNT"] = given
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split()[-1] == found
