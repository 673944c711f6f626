from __future__ import annotations

import json
import math

import pytest

from synthgen.evaluation.result import MetricResult


def test_no_value_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        MetricResult(None, "higher", 3)
    assert MetricResult(None, "higher", 3, reason="too few rows").to_dict()["value"] is None


def test_nan_is_no_value() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        MetricResult(math.nan, "higher", 3)


def test_dict_is_json() -> None:
    result = MetricResult(0.5, "lower", 10, "%", ci=(0.4, 0.6), baseline=0.1)
    assert json.loads(json.dumps(result.to_dict())) == {
        "value": 0.5,
        "ci": [0.4, 0.6],
        "n": 10,
        "direction": "lower",
        "unit": "%",
        "baseline": 0.1,
        "reason": None,
    }
