"""Cancellation of a running program, and the limit on how many programs compute at once."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator


class CancelToken:
    """Cancels one program from another thread, wherever the program is at that moment."""

    def __init__(self) -> None:
        self.cancelled = False
        self._callbacks: list[Callable[[], object]] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def on_cancel(self, callback: Callable[[], object]) -> Iterator[None]:
        """Call `callback` if the program is cancelled during the block, or was cancelled before."""
        with self._lock:
            self._callbacks.append(callback)
            if self.cancelled:
                callback()
        try:
            yield
        finally:
            with self._lock:
                self._callbacks.remove(callback)

    def cancel(self) -> None:
        """Cancel the program now."""
        with self._lock:
            self.cancelled = True
            for callback in self._callbacks:
                callback()


class ConcurrencyLimit:
    """Limits how many programs compute at once.

    A program that waits for a host function gives up its slot.

    Args:
        number: the maximum number of programs.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._semaphore = threading.Semaphore(number)

    def reset_after_fork(self) -> None:
        """Free the slots in a child process: their programs belong to the parent."""
        self._semaphore = threading.Semaphore(self._number)

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """Hold a slot while the block runs; waits for a free one."""
        with self._semaphore:
            yield

    @contextlib.contextmanager
    def released(self) -> Iterator[None]:
        """Give the slot to other programs while the block runs."""
        self._semaphore.release()
        try:
            yield
        finally:
            self._semaphore.acquire()
