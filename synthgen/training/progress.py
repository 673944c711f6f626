"""Progress on stderr: lines, and a bar on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from typing_extensions import override


class Progress:
    """Silent progress, and the interface of a visible one; use as a context manager."""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None

    def stage(self, name: str) -> None:
        """A new stage begins."""

    def stepped(self, step: int, max_steps: int) -> None:
        """Step ``step`` of at most ``max_steps`` is done."""

    def evaluated(self, metrics: dict[str, float]) -> None:
        """An evaluation gave ``metrics``."""

    def warned(self, warning: str) -> None:
        """A watchdog has something to say."""

    def told(self, fact: str) -> None:
        """Something to know beforehand: what a step will need."""


def about(seconds: float) -> str:
    """A rough time in words: ``40 s``, ``3 min``, ``2 h``."""
    size, unit = (1, "s") if seconds < 90 else (60, "min") if seconds < 5400 else (3600, "h")
    return f"{max(round(seconds / size), 1)} {unit}"


class RichProgress(Progress):
    """Lines on stderr, and on a terminal a bar with the stage, steps, time left and score."""

    def __init__(self) -> None:
        self.console = Console(stderr=True)
        self.bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("starting", total=None, note="")

    def __enter__(self) -> RichProgress:
        self.bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.bar.stop()

    @override
    def stage(self, name: str) -> None:
        self.bar.reset(self.task, total=None, description=name, note="")

    @override
    def stepped(self, step: int, max_steps: int) -> None:
        self.bar.update(self.task, completed=step, total=max_steps)

    @override
    def evaluated(self, metrics: dict[str, float]) -> None:
        self.bar.update(self.task, note=f"score {metrics['score']:.4f}")

    @override
    def warned(self, warning: str) -> None:
        self._line(f"Warning: {warning}", "yellow")

    @override
    def told(self, fact: str) -> None:
        self._line(fact, "dim")

    def _line(self, text: str, style: str) -> None:
        """One line; never wrapped, so that it stays one line in a log."""
        self.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


def progress_for(show: bool | None) -> Progress:
    """A visible bar if ``show``, none if not; ``None`` shows one if stderr is a terminal."""
    if show is None:
        show = sys.stderr.isatty()
    return RichProgress() if show else Progress()
