"""Ctrl-C during training: the step is finished, and what was learned so far is a model."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether training was asked to end; ``asked`` stays set.

    Inside `heard` the first Ctrl-C is noted and a second raises `KeyboardInterrupt` at once.
    """

    def __init__(self) -> None:
        self.asked = self._at_once = False

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Note interrupts in this block; only the main thread gets any."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._came)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    @contextmanager
    def optional(self) -> Iterator[None]:
        """A stage that the model can do without: an interrupt ends it at once, without an error."""
        self._at_once = True
        try:
            yield
        except KeyboardInterrupt:
            self.asked = True
        finally:
            self._at_once = False

    def _came(self, number: int, frame: FrameType | None) -> None:
        if self.asked or self._at_once:
            raise KeyboardInterrupt
        self.asked = True
