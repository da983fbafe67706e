"""The lines that a server prints for its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_DELAY = 0.1
"""Seconds that a line may wait for others."""


class RequestLog:
    """Prints lines together: one at a time, they took a fifth of the CPU of a request.

    Args:
        write: prints a text of one or more lines.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Print a line soon, from an event loop."""
        self._lines.append(line)
        if len(self._lines) == 1:
            asyncio.get_running_loop().call_later(_DELAY, self.flush)

    def flush(self) -> None:
        """Print the lines that wait."""
        if self._lines:
            text = "\n".join(self._lines)
            self._lines.clear()
            self._write(text)
