"""Writing to journals: a draw that comes alone here and now, those that come in quick succession by a thread.

The thread makes one transaction a file of what has arrived meanwhile. To wake it, and the loop by
it, costs more than writing a draw, so what comes within a moment is gathered, and a draw that comes
alone is written by whoever brings it, if that takes no waiting. All that may take long is left to
the thread: opening a file, waiting for another process that writes, bringing the log into the file.
So the event loop never waits for another's lock, and for the disk only where SQLite begins its log
anew, one write in some hundreds.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeAlias

from reasoning.errors import JournalError
from reasoning.journal.codec import Record
from reasoning.journal.connection import open_for_writing, wait_for_lock
from reasoning.journal.schema import commit
from reasoning.journal.sqlite_errors import to_journal_error

GATHER_SECONDS = 0.001
"""Seconds from one wake-up to the next: the draws that come meanwhile are written together."""
_LATELY = GATHER_SECONDS / 4
"""Seconds from the draw before from which on a draw comes alone: waking the thread costs as much as three writes."""
_ALONE = 250
"""Draws in a row that are written where they arrive; the next goes to the thread, which looks after the log."""
_UNFIT = (OverflowError, sqlite3.DataError, sqlite3.IntegrityError, sqlite3.InterfaceError, sqlite3.ProgrammingError)
"""What comes of values that SQLite cannot hold, such as a broken server's count of tokens."""

Done: TypeAlias = "asyncio.Future[None] | Future[None] | None"
"""Who waits: a coroutine, a thread, or nobody."""


@dataclass(slots=True, eq=False)
class _Job:
    entry: Record
    paths: Sequence[Path]
    done: Done
    failure: JournalError | None = None


class _Close(NamedTuple):
    path: Path
    done: Future[None] | None


class Writer:
    """Writes entries to files, in a thread that starts with the first one.

    Attributes:
        failures: what went wrong, by file, with an entry that nobody waited for.
    """

    def __init__(self) -> None:
        self.failures: dict[Path, JournalError] = {}
        self._jobs: deque[_Job] = deque()  # and no lock around it: the collector may come here at any point
        self._gathering: set[asyncio.AbstractEventLoop] = set()
        self._woken = self._came = 0.0  # when, on the monotonic clock
        self._alone = 0  # draws written at once since the thread wrote
        self._connections: dict[Path, sqlite3.Connection] = {}  # opened and closed by the thread
        self._writing = threading.Lock()  # held by whoever uses them
        self._lock = threading.Lock()  # held while the thread is started or stopped
        self._signals: queue.SimpleQueue[_Close | bool] | None = None
        self._thread: threading.Thread | None = None

    def put(
        self, entry: Record, paths: Sequence[Path], done: Done = None, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        """Write an entry to each file.

        Args:
            entry: what to write.
            paths: the files.
            done: set when the entry is committed to all files, or to the JournalError.
            loop: the running event loop, which lets draws gather; without one the entry is written
                at once.
        """
        self._jobs.append(_Job(entry, paths, done))
        if loop is None:
            self._signal(True)
        elif loop not in self._gathering:
            self._gathering.add(loop)
            loop.call_later(max(0.0, self._woken + GATHER_SECONDS - time.monotonic()), self._gathered, loop)

    def write_now(self, entry: Record, paths: Sequence[Path]) -> bool:
        """Write an entry to each file here and now, unless that would take waiting or another came a moment ago.

        Returns:
            Whether it was done. Where it was not, `put` does it, and tells what is wrong.
        """
        now = time.monotonic()
        alone, self._came = now - self._came > _LATELY, now
        if not alone or self._jobs or self._alone >= _ALONE or not self._writing.acquire(blocking=False):
            return False
        try:
            for path in paths:
                commit(self._connections[path], [entry])
        except Exception:  # not open, in use by another process, full, …
            return False
        finally:
            self._alone += 1
            self._writing.release()
        return True

    def close(self, path: Path) -> None:
        """Write what is waiting, and close the file."""
        if self._signals is not None or self._jobs:
            closed: Future[None] = Future()
            self._signal(_Close(path, closed))
            closed.result()

    def close_soon(self, path: Path) -> None:
        """The same without waiting, and from anywhere, as the collector needs it."""
        signals = self._signals
        if signals is not None:
            signals.put(_Close(path, None))

    def pause(self) -> None:
        """Write what is waiting, close all files, and begin nothing until `let_go`."""
        if self._jobs:
            self._signal(True)
        self._lock.acquire()
        signals, thread = self._signals, self._thread
        self._signals = self._thread = None
        if signals is not None and thread is not None:
            signals.put(False)
            thread.join()

    def resume(self) -> None:
        """Go on."""
        self._lock.release()

    def reset_after_fork(self) -> None:
        """Go on as the child of a fork: what other threads have begun is the parent's to write."""
        self._jobs.clear()
        self._gathering.clear()
        self._lock.release()

    def _gathered(self, loop: asyncio.AbstractEventLoop) -> None:
        self._gathering.discard(loop)
        self._signal(True)

    def _signal(self, what: _Close | bool) -> None:
        with self._lock:
            if self._signals is None:
                self._signals = queue.SimpleQueue()
                self._thread = threading.Thread(
                    target=self._work, args=(self._signals,), name="reasoning-journal", daemon=True
                )
                self._thread.start()
            self._woken = time.monotonic()
            self._signals.put(what)

    def _work(self, signals: queue.SimpleQueue[_Close | bool]) -> None:
        signal: _Close | bool = True
        while signal:
            signal = signals.get()
            batch = []
            while self._jobs:
                batch.append(self._jobs.popleft())
            if batch:
                self._write(batch)
            if isinstance(signal, _Close):
                self._shut([signal.path])
                if signal.done is not None:
                    signal.done.set_result(None)
        self._shut(list(self._connections))

    def _shut(self, paths: Iterable[Path]) -> None:
        with self._writing:
            for path in paths:
                if path in self._connections:
                    self._connections.pop(path).close()

    def _write(self, batch: Sequence[_Job]) -> None:
        """Commit a batch to its files, and tell who waits."""
        with self._writing:
            self._alone = 0
            for path in dict.fromkeys(path for job in batch for path in job.paths):
                _commit(self._connections, path, [job for job in batch if path in job.paths])
        loops: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
        for job in batch:
            if isinstance(job.done, asyncio.Future):
                loops[job.done.get_loop()].append(job)
            elif job.done is not None:
                _land([job])
            elif job.failure is not None:
                self.failures.update(dict.fromkeys(job.paths, job.failure))
        for loop, landed in loops.items():
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_land, landed)


def _commit(connections: dict[Path, sqlite3.Connection], path: Path, jobs: Sequence[_Job]) -> None:
    """Write to one file; what goes wrong is noted with the jobs."""
    try:
        if path not in connections:
            connections[path] = open_for_writing(path)
        with wait_for_lock(connections[path]):
            commit(connections[path], [job.entry for job in jobs])
    except Exception as error:
        if isinstance(error, _UNFIT) and len(jobs) > 1:  # one that is unfit does not take the others along
            for job in jobs:
                _commit(connections, path, [job])
            return
        if path in connections:
            connections.pop(path).close()
        failure = to_journal_error(path, "written", error)
        for job in jobs:
            job.failure = job.failure or failure


def _land(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        if job.done is None or job.done.done():  # the waiter was cancelled
            continue
        if job.failure is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(JournalError(str(job.failure)))


writer = Writer()
"""This process's."""
