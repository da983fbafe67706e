"""The display of work that takes a while before a search can answer, such as building an index."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from reasoning.text_safety import to_line

Progress: TypeAlias = Callable[[int, int, str], object]
"""Receives what is done, the total (0 if unknown) and a description."""

_PRINT_INTERVAL = 10.0
"""Seconds between two lines of `PrintedProgress`."""
_display: ContextVar[Progress | None] = ContextVar("display", default=None)


class PrintedProgress:
    """Progress as lines on standard error, for programs that show no other. Work of a few seconds prints nothing."""

    def __init__(self) -> None:
        self._printed = time.monotonic()

    def __call__(self, done: int, total: int, description: str) -> None:
        """Print a line if the last one is ten seconds old."""
        if (now := time.monotonic()) - self._printed >= _PRINT_INTERVAL:
            self._printed = now
            sys.stderr.write(f"{to_line(describe(done, total, description))}\n")


def describe(done: int, total: int, description: str) -> str:
    """Return progress as text: "embedding docs/: 3,400 of 10,000"."""
    return description + (f": {done:,} of {total:,}" if total else f": {done:,}" if done else "")


@contextmanager
def show_progress(display: Progress) -> Iterator[None]:
    """Let a display show the building of indexes until the block ends."""
    before = _display.get()
    _display.set(display)
    try:
        yield
    finally:
        # Not by a token, since the block may end in another context than it began.
        _display.set(before)


def current_display() -> Progress | None:
    """Return the display of this context; None without one."""
    return _display.get()
