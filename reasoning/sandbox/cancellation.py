"""One program's turn, which another thread may end."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class CancelToken:
    """Knows at each moment how the program is ended."""

    def __init__(self) -> None:
        self.cancelled = False
        self._ends: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def on_cancel(self, end: Callable[[], object]) -> Iterator[None]:
        """While the program is somewhere that `end` ends; it is not called after that."""
        with self._lock:
            self._ends.append(end)
            if self.cancelled:
                end()
        try:
            yield
        finally:
            with self._lock:
                self._ends.remove(end)

    def cancel(self) -> None:
        """End it now."""
        with self._lock:
            self.cancelled = True
            for end in self._ends:
                end()


class ConcurrencyLimit:
    """How many programs compute at once; one that waits for us does not count.

    Args:
        number: of programs.
    """

    def __init__(self, number: int) -> None:
        self._semaphore = threading.Semaphore(number)

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Take one, when it is free."""
        with self._semaphore:
            yield

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """Let others have it meanwhile."""
        self._semaphore.release()
        try:
            yield
        finally:
            self._semaphore.acquire()
