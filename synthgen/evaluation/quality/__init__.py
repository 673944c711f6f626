"""How close a synthetic table is to the real one, and how useful."""

from synthgen.evaluation.quality.align import Note, Tables, align
from synthgen.evaluation.quality.augmentation import Augmentation, augmentation_gain
from synthgen.evaluation.quality.c2st import C2STComparison, compare_with_holdout, xgb_c2st
from synthgen.evaluation.quality.closeness import Closeness, closeness
from synthgen.evaluation.quality.judge import Judgement, judge
from synthgen.evaluation.quality.logistic import lr_c2st
from synthgen.evaluation.quality.nash import nash_gap
from synthgen.evaluation.quality.shape_trend import ShapeTrend, shape_trend
from synthgen.evaluation.quality.utility import utility
from synthgen.evaluation.result import MetricResult

__all__ = [
    "Augmentation",
    "C2STComparison",
    "Closeness",
    "Judgement",
    "MetricResult",
    "Note",
    "ShapeTrend",
    "Tables",
    "align",
    "augmentation_gain",
    "closeness",
    "compare_with_holdout",
    "judge",
    "lr_c2st",
    "nash_gap",
    "shape_trend",
    "utility",
    "xgb_c2st",
]
