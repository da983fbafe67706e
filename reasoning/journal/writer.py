"""The writer of journals: isolated draws are written synchronously, others by a thread.

The thread commits everything that has arrived, in one transaction per file. Waking the thread, and
then the event loop, costs more than writing a draw. So draws that arrive close together are
gathered, and a draw that arrives alone is written by its caller, if that needs no waiting. The
thread does everything that may take long: opening a file, waiting for another process that writes,
copying the write-ahead log into the file. So the event loop never waits for another process's lock.
It waits for the disk only when SQLite restarts its log, about once in a hundred writes.
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
from typing import Any, NamedTuple, TypeAlias

from reasoning.errors import JournalError
from reasoning.journal.codec import Record
from reasoning.journal.connection import open_for_writing, wait_for_lock
from reasoning.journal.schema import commit, delete_damaged
from reasoning.journal.sqlite_errors import to_journal_error

GATHER_SECONDS = 0.001
"""Seconds between two wake-ups of the thread; the records that arrive meanwhile are written together."""
_ISOLATED_AFTER = GATHER_SECONDS / 4
"""Seconds since the previous draw, above which a draw is isolated.

Waking the thread costs as much as three writes.
"""
_MAX_WRITES_IN_A_ROW = 250
"""The maximum number of synchronous writes in a row. The thread writes the next draw and checkpoints the log."""
_VALUE_ERRORS = (
    OverflowError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""The errors of values that SQLite cannot store, such as a broken server's count of tokens."""

Done: TypeAlias = "asyncio.Future[None] | Future[None] | None"
"""The future of the caller, a coroutine or a thread; None if no caller waits."""


@dataclass(slots=True, eq=False)
class _Job:
    record: Record
    paths: Sequence[Path]
    done: Done
    failure: JournalError | None = None


class _Close(NamedTuple):
    path: Path
    done: Future[None] | None


class Writer:
    """Writes records to files, in a thread that starts with the first one.

    Attributes:
        failures: by file, the error of a record that no caller awaited.
        damaged: the stored checksums of damaged draws by file, request key and index; a new record
            of such a draw replaces it.
    """

    def __init__(self) -> None:
        self.failures: dict[Path, JournalError] = {}
        self.damaged: dict[tuple[Path, bytes, int], Any] = {}
        # Without a lock, since a finalizer may run at any point.
        self._jobs: deque[_Job] = deque()
        self._gathering: set[asyncio.AbstractEventLoop] = set()
        # Times on the monotonic clock.
        self._woken_at = self._arrived_at = 0.0
        # The number of synchronous writes since the thread wrote.
        self._writes_in_a_row = 0
        # Opened and closed by the thread only.
        self._connections: dict[Path, sqlite3.Connection] = {}
        # Held by the user of the connections.
        self._writing = threading.Lock()
        # Held while the thread is started or stopped.
        self._lock = threading.Lock()
        self._signals: queue.SimpleQueue[_Close | bool] | None = None
        self._thread: threading.Thread | None = None

    def put(
        self, record: Record, paths: Sequence[Path], done: Done = None, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        """Queue a record to be written to each file.

        Args:
            record: the record.
            paths: the files.
            done: resolved when the record is committed to all files, or set to the JournalError.
            loop: the running event loop, where draws may be gathered; None to write at once.
        """
        self._jobs.append(_Job(record, paths, done))
        if loop is None:
            self._signal(True)
        elif loop not in self._gathering:
            self._gathering.add(loop)
            loop.call_later(max(0.0, self._woken_at + GATHER_SECONDS - time.monotonic()), self._flush, loop)

    def write_now(self, record: Record, paths: Sequence[Path]) -> bool:
        """Write a record to each file synchronously, if it is isolated and that needs no waiting.

        Args:
            record: the record.
            paths: the files.

        Returns:
            Whether it was written. If not, `put` must write it, and reports any error.
        """
        now = time.monotonic()
        isolated, self._arrived_at = now - self._arrived_at > _ISOLATED_AFTER, now
        if (
            not isolated
            or self._jobs
            or (self.damaged and self._replaces_damaged(record, paths))
            or self._writes_in_a_row >= _MAX_WRITES_IN_A_ROW
            or not self._writing.acquire(blocking=False)
        ):
            return False
        try:
            for path in paths:
                commit(self._connections[path], [record])
        except Exception:
            # The file is not open, locked by another process, full, …; the thread reports it.
            return False
        finally:
            self._writes_in_a_row += 1
            self._writing.release()
        return True

    def _replaces_damaged(self, record: Record, paths: Sequence[Path]) -> bool:
        return any((path, record.key, row[0]) in self.damaged for path in paths for row in record.rows)

    def close(self, path: Path) -> None:
        """Write pending records, and close the file."""
        if self._signals is not None or self._jobs:
            closed: Future[None] = Future()
            self._signal(_Close(path, closed))
            closed.result()

    def close_soon(self, path: Path) -> None:
        """Close a file without waiting; safe to call from the garbage collector."""
        signals = self._signals
        if signals is not None:
            signals.put(_Close(path, None))

    def pause(self) -> None:
        """Write pending records, close all files, and start nothing until `resume`."""
        if self._jobs:
            self._signal(True)
        self._lock.acquire()
        signals, thread = self._signals, self._thread
        self._signals = self._thread = None
        if signals is not None and thread is not None:
            signals.put(False)
            thread.join()

    def resume(self) -> None:
        """Allow writing again."""
        self._lock.release()

    def reset_after_fork(self) -> None:
        """Start anew in the child of a fork; the parent writes the pending records."""
        self._jobs.clear()
        self._gathering.clear()
        self._lock.release()

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        self._gathering.discard(loop)
        self._signal(True)

    def _signal(self, signal: _Close | bool) -> None:
        with self._lock:
            if self._signals is None:
                self._signals = queue.SimpleQueue()
                self._thread = threading.Thread(
                    target=self._work, args=(self._signals,), name="reasoning-journal", daemon=True
                )
                self._thread.start()
            self._woken_at = time.monotonic()
            self._signals.put(signal)

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
                self._close_files([signal.path])
                if signal.done is not None:
                    signal.done.set_result(None)
        self._close_files(list(self._connections))

    def _close_files(self, paths: Iterable[Path]) -> None:
        with self._writing:
            for path in paths:
                if path in self._connections:
                    self._connections.pop(path).close()

    def _write(self, batch: Sequence[_Job]) -> None:
        """Commit a batch to its files, and resolve the futures of its callers."""
        with self._writing:
            self._writes_in_a_row = 0
            for path in dict.fromkeys(path for job in batch for path in job.paths):
                self._commit(path, [job for job in batch if path in job.paths])
        loops: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
        for job in batch:
            if isinstance(job.done, asyncio.Future):
                loops[job.done.get_loop()].append(job)
            elif job.done is not None:
                _resolve([job])
            elif job.failure is not None:
                self.failures.update(dict.fromkeys(job.paths, job.failure))
        for loop, done in loops.items():
            # A RuntimeError means that the loop is closed, so no task awaits the record.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_resolve, done)

    def _commit(self, path: Path, jobs: Sequence[_Job]) -> None:
        """Write to one file, and set the error on its jobs if that fails."""
        connections = self._connections
        try:
            if path not in connections:
                connections[path] = open_for_writing(path)
            with wait_for_lock(connections[path]):
                if self.damaged:
                    self._delete_damaged(path, jobs)
                commit(connections[path], [job.record for job in jobs])
        except Exception as error:
            # One record with an invalid value must not keep the others from being written.
            if isinstance(error, _VALUE_ERRORS) and len(jobs) > 1:
                for job in jobs:
                    self._commit(path, [job])
                return
            if path in connections:
                connections.pop(path).close()
            failure = to_journal_error(path, "written", error)
            for job in jobs:
                job.failure = job.failure or failure

    def _delete_damaged(self, path: Path, jobs: Sequence[_Job]) -> None:
        """Delete the damaged draws that a batch brings anew."""
        draws = [(job.record.key, row[0]) for job in jobs for row in job.record.rows]
        damaged = [(*draw, self.damaged.pop((path, *draw))) for draw in draws if (path, *draw) in self.damaged]
        delete_damaged(self._connections[path], damaged)


def _resolve(jobs: Iterable[_Job]) -> None:
    for job in jobs:
        # A future that is done was cancelled by its caller.
        if job.done is None or job.done.done():
            continue
        if job.failure is None:
            job.done.set_result(None)
        else:
            job.done.set_exception(JournalError(str(job.failure)))


writer = Writer()
"""The writer of this process."""
