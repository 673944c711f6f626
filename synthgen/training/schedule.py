"""The learning rate over a run whose length a clock, a plan or convergence decides."""

from __future__ import annotations

from collections.abc import Callable

_WARM_UP = 100
_DESCENT_AT, _DESCENT_AT_TIME = 0.7, 0.6


class Schedule:
    """Linear warm-up, constant, then linearly down (Hu et al., MiniCPM, 2024, equation 1).

    A run that the clock ends repeats by its number of steps: as many, asked for by number, give
    the same rates.

    Attributes:
        n_steps: Steps made.
        total: Steps at the end of the way down.
        reason: Why it began, "" where the plan said so.
        descent_from: Step at which it began, ``None`` before.
        scale: Share of the highest learning rate that is left after rollbacks.
    """

    STATE = ("n_steps", "total", "reason", "descent_from", "scale")

    def __init__(self, max_steps: int, time_used: Callable[[], float] = lambda: 0.0) -> None:
        """``time_used`` gives the share of the time that has passed, 0 without a limit."""
        self.time_used = time_used
        self.n_steps, self.total, self.reason = 0, max_steps, ""
        self.descent_from: int | None = None
        self.scale = 1.0

    def stepped(self) -> None:
        """One step was made."""
        self.n_steps += 1

    def rate(self) -> float:
        """Share of the highest learning rate for the next step."""
        if self.descent_from is None:
            return self.scale * min(1.0, (self.n_steps + 1) / _WARM_UP)
        length = max(self.total - self.descent_from, 1)
        return self.scale * max(0.0, 1 - (self.n_steps - self.descent_from) / length)

    def slow_down(self, factor: float) -> None:
        """Multiply the rates from here on."""
        self.scale *= factor

    def due(self) -> bool:
        """Begin the way down for the last part of the time, or of the steps; whether it was now."""
        if self.descent_from is not None:
            return False
        if self.n_steps and self.time_used() >= _DESCENT_AT_TIME:
            self._descend(int(self.n_steps / _DESCENT_AT), "time")
        elif self.n_steps >= _DESCENT_AT * self.total:
            self._descend(self.total, "")
        return self.descent_from is not None

    def converged(self) -> None:
        """Begin the way down early: a quarter of the steps so far, within the plan."""
        length = max(_WARM_UP, self.n_steps // 4)
        self._descend(min(self.total, self.n_steps + length), "converged")

    def _descend(self, total: int, reason: str) -> None:
        self.descent_from, self.total, self.reason = self.n_steps, total, reason
