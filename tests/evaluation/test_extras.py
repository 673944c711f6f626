from __future__ import annotations

import subprocess
import sys

import pytest

from synthgen.errors import MissingExtraError
from synthgen.evaluation.extras import need


def test_a_missing_package_names_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"utility needs the package nowhere.*\[quality\]"):
        need("nowhere.inside", "utility")


def test_measures_import_no_torch() -> None:
    code = (
        "import sys, synthgen.evaluation.quality; "
        "assert not {'torch', 'xgboost', 'sdmetrics'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
