from __future__ import annotations

import pandas as pd
import pytest

from synthgen.evaluation.quality.diagnostic import diagnostic


def test_by_hand() -> None:
    real = pd.DataFrame({"c": ["a", "b"] * 10, "n": range(20)})
    made = pd.DataFrame({"c": ["a", "z"] * 10, "n": range(10, 30)})
    found = diagnostic(real, made, holdout=real)
    # Half of the categories are known and half of the numbers are in range.
    assert found.validity.value == pytest.approx(0.5)
    assert found.validity.baseline == found.structure.baseline == 1
    assert found.structure.value == 1
