"""The writer of journals: isolated draws are written synchronously, others by a thread.

The thread commits everything that has arrived, in one transaction per file. Waking the thread, and
then the event loop, costs more than writing a draw. So draws that arrive close together are
gathered, and a draw that arrives alone is written by its caller, if that needs no waiting. The
thread does everything that may take long: opening a file, waiting for another process that writes,
copying the write-ahead log into the file. So the event loop never waits for another process's lock.
It waits for the disk only when SQLite restarts its log, about once in a hundred writes.

A record that a file does not take is not dropped if the file has been written before, since its
draws are paid for: see `UnwrittenDraws`.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from reasoning.errors import JournalError
from reasoning.journal.codec import Record
from reasoning.journal.journal_files import JournalFiles
from reasoning.journal.write_job import Done, WriteJob, resolve

GATHER_SECONDS = 0.001
"""Seconds between two wake-ups of the thread; the records that arrive meanwhile are written together."""
_ISOLATED_AFTER = GATHER_SECONDS / 4
"""Seconds since the previous draw, above which a draw is isolated.

Waking the thread costs as much as three writes.
"""
_MAX_WRITES_IN_A_ROW = 250
"""The maximum number of synchronous writes in a row. The thread writes the next draw and checkpoints the log."""


class _Close(NamedTuple):
    path: Path
    done: Future[None] | None


class Writer:
    """Writes records to files, in a thread that starts with the first one.

    Attributes:
        failures: by file, the error of a record that no caller awaited.
        files: the files, used by one thread at a time.
    """

    def __init__(self) -> None:
        self.failures: dict[Path, JournalError] = {}
        self.files = JournalFiles()
        # Without a lock, since a finalizer may run at any point.
        self._jobs: deque[WriteJob] = deque()
        self._gathering: set[asyncio.AbstractEventLoop] = set()
        # Times on the monotonic clock.
        self._woken_at = self._arrived_at = 0.0
        # The number of synchronous writes since the thread wrote.
        self._writes_in_a_row = 0
        # Held by the user of the files.
        self._writing = threading.Lock()
        # Held while the thread is started or stopped.
        self._lock = threading.Lock()
        self._signals: queue.SimpleQueue[_Close | bool] | None = None
        self._thread: threading.Thread | None = None

    def put(
        self,
        record: Record | None,
        paths: Sequence[Path],
        done: Done = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Queue a record to be written to each file.

        Args:
            record: the record; None to try each file with a write that is synced to the disk.
            paths: the files.
            done: resolved when the record is committed to all files, or set to the JournalError.
            loop: the running event loop, where draws may be gathered; None to write at once.
        """
        self._jobs.append(WriteJob(record, paths, done))
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
            or (self.files.damaged and self.files.replaces_damaged(record, paths))
            or self._writes_in_a_row >= _MAX_WRITES_IN_A_ROW
            or not self._writing.acquire(blocking=False)
        ):
            return False
        try:
            return self.files.write_now(record, paths, now)
        finally:
            self._writes_in_a_row += 1
            self._writing.release()

    def close(self, path: Path) -> None:
        """Write pending records, and close the file."""
        if self._signals is not None or self._jobs or path in self.files.unwritten:
            closed: Future[None] = Future()
            self._signal(_Close(path, closed))
            closed.result()

    def describe_unwritten(self, paths: Iterable[Path]) -> str:
        """Return where the draws are that these files have not taken, and how to add them; empty without any."""
        # Not under the lock, which the thread may hold for long.
        return "; ".join(str(unwritten) for path in paths if (unwritten := self.files.unwritten.get(path)))

    def close_soon(self, path: Path) -> None:
        """Close a file without waiting; safe to call from the garbage collector."""
        signals = self._signals
        if signals is not None:
            signals.put(_Close(path, None))

    def pause(self) -> None:
        """Write pending records, close all files, and start nothing until `resume`."""
        if self._jobs or self.files.unwritten:
            self._signal(True)
        self._lock.acquire()
        signals, thread = self._signals, self._thread
        self._signals = self._thread = None
        if signals is not None and thread is not None:
            signals.put(False)
            thread.join()
        # Another thread may hold it, whose copy in a child would never release it.
        self._writing.acquire()

    def resume(self) -> None:
        """Allow writing again."""
        self._writing.release()
        self._lock.release()

    def reset_after_fork(self) -> None:
        """Start anew in the child of a fork; the parent writes the pending records."""
        self._jobs.clear()
        self._gathering.clear()
        self.files.unwritten.clear()
        self._writing.release()
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
                self._close_files(signal.path)
                if signal.done is not None:
                    signal.done.set_result(None)
        self._close_files(*self.files.known())

    def _close_files(self, *paths: Path) -> None:
        with self._writing:
            for path in paths:
                if (failure := self.files.close(path)) is not None:
                    self.failures[path] = failure

    def _write(self, batch: Sequence[WriteJob]) -> None:
        """Commit a batch to its files, and resolve the futures of its callers."""
        with self._writing:
            self._writes_in_a_row = 0
            self.files.write(batch)
        loops: dict[asyncio.AbstractEventLoop, list[WriteJob]] = defaultdict(list)
        for job in batch:
            if isinstance(job.done, asyncio.Future):
                loops[job.done.get_loop()].append(job)
            elif job.done is not None:
                resolve([job])
            elif job.failure is not None:
                self.failures.update(dict.fromkeys(job.paths, job.failure))
        for loop, done in loops.items():
            # A RuntimeError means that the loop is closed, so no task awaits the record.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(resolve, done)


writer = Writer()
"""The writer of this process."""
