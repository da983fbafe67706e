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
import shlex
import sqlite3
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from reasoning.errors import JournalError
from reasoning.journal.codec import Record
from reasoning.journal.connection import wait_for_lock
from reasoning.journal.open_file import FileReplaced, OpenFile
from reasoning.journal.schema import commit, delete_damaged, try_writing
from reasoning.journal.sqlite_errors import to_journal_error
from reasoning.journal.unwritten_draws import UnwrittenDraws

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


_CHECK_SECONDS = 0.1
"""Seconds between two checks that a file was not deleted, replaced or truncated."""


@dataclass(slots=True, eq=False)
class _Job:
    """A record to be written; without one, its files are only tried."""

    record: Record | None
    paths: Sequence[Path]
    done: Done
    failures: dict[Path, JournalError] = field(default_factory=dict)

    @property
    def failure(self) -> JournalError | None:
        return next(iter(self.failures.values()), None)


class _Close(NamedTuple):
    path: Path
    done: Future[None] | None


class Writer:
    """Writes records to files, in a thread that starts with the first one.

    Attributes:
        failures: by file, the error of a record that no caller awaited.
        ready: the files that have taken a trial since they were opened, and every record since.
        on_replaced: called with a file that was deleted or replaced, whose readers must open it anew.
        damaged: the stored checksums of damaged draws by file, request key and index; a new record
            of such a draw replaces it.
    """

    def __init__(self) -> None:
        self.failures: dict[Path, JournalError] = {}
        self.ready: set[Path] = set()
        self.on_replaced: Callable[[Path], None] = lambda path: None
        self.damaged: dict[tuple[Path, bytes, int], Any] = {}
        # Without a lock, since a finalizer may run at any point.
        self._jobs: deque[_Job] = deque()
        self._gathering: set[asyncio.AbstractEventLoop] = set()
        # Times on the monotonic clock.
        self._woken_at = self._arrived_at = 0.0
        # The number of synchronous writes since the thread wrote.
        self._writes_in_a_row = 0
        # Opened and closed by the thread only.
        self._files: dict[Path, OpenFile] = {}
        self._checked_at = 0.0
        # The files that have been written, and the draws of those that cannot be written any more.
        self._written: set[Path] = set()
        self._unwritten: dict[Path, UnwrittenDraws] = {}
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
            if now - self._checked_at > _CHECK_SECONDS:
                self._checked_at = now
                if not all(self._files[path].is_unchanged() for path in paths):
                    return False
            for path in paths:
                commit(self._files[path].connection, [record])
        except Exception:
            # The file is not open, locked by another process, full, replaced, …; the thread reports it.
            return False
        finally:
            self._writes_in_a_row += 1
            self._writing.release()
        return True

    def _replaces_damaged(self, record: Record, paths: Sequence[Path]) -> bool:
        return any((path, record.key, row[0]) in self.damaged for path in paths for row in record.rows)

    def close(self, path: Path) -> None:
        """Write pending records, and close the file."""
        if self._signals is not None or self._jobs or path in self._unwritten:
            closed: Future[None] = Future()
            self._signal(_Close(path, closed))
            closed.result()

    def describe_unwritten(self, paths: Iterable[Path]) -> str:
        """Return where the draws are that these files have not taken, and how to add them; empty without any."""
        # Not under the lock, which the thread may hold for long.
        return "; ".join(str(unwritten) for path in paths if (unwritten := self._unwritten.get(path)))

    def close_soon(self, path: Path) -> None:
        """Close a file without waiting; safe to call from the garbage collector."""
        signals = self._signals
        if signals is not None:
            signals.put(_Close(path, None))

    def pause(self) -> None:
        """Write pending records, close all files, and start nothing until `resume`."""
        if self._jobs or self._unwritten:
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
        self._unwritten.clear()
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
                self._close_files([signal.path])
                if signal.done is not None:
                    signal.done.set_result(None)
        self._close_files({*self._files, *self._unwritten})

    def _close_files(self, paths: Iterable[Path]) -> None:
        with self._writing:
            for path in paths:
                if path in self._unwritten:
                    self._commit(path, [])
                if unwritten := self._unwritten.get(path):
                    unwritten.save([path.parent])
                    if unwritten.lost:
                        self.failures[path] = JournalError(f"the journal {path} cannot be written: {unwritten}")
                self._written.discard(path)
                self._close_file(path)

    def _close_file(self, path: Path) -> None:
        self.ready.discard(path)
        if path in self._files:
            self._files.pop(path).close()

    def _write(self, batch: Sequence[_Job]) -> None:
        """Commit a batch to its files, and resolve the futures of its callers."""
        with self._writing:
            self._writes_in_a_row = 0
            broken: dict[Path, JournalError] = {}
            for path in dict.fromkeys(path for job in batch for path in job.paths):
                jobs = [job for job in batch if path in job.paths]
                if (error := self._commit(path, jobs)) is not None and path in self._written:
                    broken[path] = error
            for path, error in broken.items():
                self._keep(path, error, [job for job in batch if path in job.failures])
                self._close_file(path)
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

    def _commit(self, path: Path, jobs: Sequence[_Job]) -> JournalError | None:
        """Write to one file; if that fails, set the error on the jobs, and return it unless a value is the reason."""
        records = [job.record for job in jobs if job.record is not None]
        try:
            if path not in self._files:
                self._files[path] = OpenFile(path)
            file = self._files[path]
            file.check()
            with wait_for_lock(file.connection):
                if len(records) < len(jobs):
                    try_writing(file.connection)
                if path in self._unwritten:
                    with suppress(*_VALUE_ERRORS):
                        commit(file.connection, self._unwritten[path].records)
                if self.damaged:
                    self._delete_damaged(path, records)
                commit(file.connection, records)
        except Exception as error:
            if isinstance(error, _VALUE_ERRORS) and len(jobs) > 1:
                # One record with an invalid value must not keep the others from being written.
                errors = [self._commit(path, [job]) for job in jobs]
                return next(filter(None, errors), None)
            failure = to_journal_error(path, "written", error)
            for job in jobs:
                job.failures[path] = failure
            if isinstance(error, _VALUE_ERRORS):
                return None
            self.ready.discard(path)
            if path not in self._written:
                self._close_file(path)
            return failure
        self._written.add(path)
        self._unwritten.pop(path, None)
        if len(records) < len(jobs):
            self.ready.add(path)
        return None

    def _keep(self, path: Path, error: JournalError, jobs: Sequence[_Job]) -> None:
        """Keep the draws that a file did not take, and say in the errors where they are."""
        unwritten = self._unwritten.setdefault(path, UnwrittenDraws(path))
        replaced = isinstance(error, FileReplaced)
        elsewhere = {job: [other for other in job.paths if other not in job.failures and not replaced] for job in jobs}
        alone = [job for job in jobs if job.record is not None and not elsewhere[job]]
        folders = [other.parent for other in reversed((alone or jobs)[0].paths)] if jobs else [path.parent]
        if isinstance(error, FileReplaced) and path in self._files:
            file = self._files[path]
            if error.is_intact and unwritten.copy_contents(file.connection, folders):
                file.remove_stale_log()
            else:
                unwritten.is_complete = False
            self.on_replaced(path)
        unwritten.records += [job.record for job in jobs if job.record is not None and elsewhere[job]]
        unwritten.add([job.record for job in alone if job.record is not None], folders)
        for job in jobs:
            other = elsewhere[job][0] if elsewhere[job] else None
            kept = str(unwritten) if other is None or job.record is None else _say_where(path, other, job.paths)
            job.failures[path] = JournalError(f"{job.failures[path]}; {kept}")

    def _delete_damaged(self, path: Path, records: Sequence[Record]) -> None:
        """Delete the damaged draws that a batch brings anew."""
        draws = [(record.key, row[0]) for record in records for row in record.rows]
        damaged = [(*draw, self.damaged.pop((path, *draw))) for draw in draws if (path, *draw) in self.damaged]
        delete_damaged(self._files[path].connection, damaged)


def _say_where(path: Path, other: Path, paths: Sequence[Path]) -> str:
    """Return where the draws are that a file does not have, and how it gets them."""
    where = f"no paid draw is lost: the journal {other} has what this one does not"
    if paths.index(other) < paths.index(path):
        return where
    command = shlex.join(["reasoning", "journal", "merge", str(other), "--journal", str(path)])
    return f"{where}: add it with `{command}`"


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
