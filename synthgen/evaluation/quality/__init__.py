"""How close a synthetic table is to the real one, and how useful."""

from synthgen.evaluation.quality.c2st import C2STComparison, compare_with_holdout, xgb_c2st
from synthgen.evaluation.quality.judge import Judgement, judge
from synthgen.evaluation.quality.shape_trend import ShapeTrend, shape_trend
from synthgen.evaluation.quality.utility import utility
from synthgen.evaluation.result import MetricResult

__all__ = [
    "C2STComparison",
    "Judgement",
    "MetricResult",
    "ShapeTrend",
    "compare_with_holdout",
    "judge",
    "shape_trend",
    "utility",
    "xgb_c2st",
]
