"""What a measure returns: never a bare float, never a silent zero."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class MetricResult:
    """One measured figure, and what is needed to read it.

    Attributes:
        value: The figure; ``None`` when it cannot be computed, and then ``reason`` says why.
        direction: Which way is better.
        n: Rows per table that the figure rests on. Two-sample scores fall as it grows, so only
            figures of one ``n`` compare.
        unit: What the figure is ("AUC", "%", "RMSE of log1p").
        ci: 95 % interval, where one is known.
        baseline: The same figure for real rows in place of synthetic ones.
        reason: Why there is no value, or what to keep in mind when reading it.
    """

    value: float | None
    direction: Direction
    n: int
    unit: str = ""
    ci: tuple[float, float] | None = None
    baseline: float | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.value is None and not self.reason:
            raise ValueError("a measure without a value needs a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a measure's value must be finite, got {self.value}; use None")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready dict with every field."""
        return {
            "value": self.value,
            "ci": None if self.ci is None else list(self.ci),
            "n": self.n,
            "direction": self.direction,
            "unit": self.unit,
            "baseline": self.baseline,
            "reason": self.reason,
        }
