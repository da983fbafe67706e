"""The open files of journals: batches are committed, and draws that a file does not take are kept elsewhere."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from reasoning.errors import JournalError
from reasoning.journal.codec import Record
from reasoning.journal.connection import wait_for_lock
from reasoning.journal.open_file import FileReplaced, OpenFile
from reasoning.journal.schema import commit, delete_damaged, try_writing
from reasoning.journal.sqlite_errors import to_journal_error
from reasoning.journal.unwritten_draws import UnwrittenDraws
from reasoning.journal.write_job import WriteJob

_VALUE_ERRORS = (
    OverflowError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)
"""The errors of values that SQLite cannot store, such as a broken server's count of tokens."""
_CHECK_SECONDS = 0.1
"""Seconds between two checks that a file was not deleted, replaced or truncated."""


class JournalFiles:
    """The files that a writer has open. One thread at a time may use them.

    Attributes:
        ready: the files that have taken a trial since they were opened, and every record since.
        on_replaced: called with a file that was deleted or replaced, whose readers must open it anew.
        damaged: the stored checksums of damaged draws by file, request key and index; a new record
            of such a draw replaces it.
        unwritten: the draws of files that cannot be written any more.
    """

    def __init__(self) -> None:
        self.ready: set[Path] = set()
        self.on_replaced: Callable[[Path], None] = lambda path: None
        self.damaged: dict[tuple[Path, bytes, int], Any] = {}
        self.unwritten: dict[Path, UnwrittenDraws] = {}
        self._open: dict[Path, OpenFile] = {}
        # The files that have been written.
        self._written: set[Path] = set()
        self._checked_at = 0.0

    def known(self) -> set[Path]:
        """Return the files that are open, and those with unwritten draws."""
        return {*self._open, *self.unwritten}

    def write_now(self, record: Record, paths: Sequence[Path], now: float) -> bool:
        """Write a record to files that are open, without waiting for a lock.

        Args:
            record: the record.
            paths: the files.
            now: the time on the monotonic clock.

        Returns:
            Whether it was written. False if a file is not open, locked by another process, full, replaced, …
        """
        try:
            if now - self._checked_at > _CHECK_SECONDS:
                self._checked_at = now
                if not all(self._open[path].is_unchanged() for path in paths):
                    return False
            for path in paths:
                commit(self._open[path].connection, [record])
        except Exception:
            # `write` reports it.
            return False
        return True

    def replaces_damaged(self, record: Record, paths: Sequence[Path]) -> bool:
        """Return whether a record has draws of which a file holds a damaged copy."""
        return any((path, record.key, row[0]) in self.damaged for path in paths for row in record.rows)

    def write(self, batch: Sequence[WriteJob]) -> None:
        """Commit a batch to its files, one transaction a file; errors are set on the jobs."""
        broken: dict[Path, JournalError] = {}
        for path in dict.fromkeys(path for job in batch for path in job.paths):
            jobs = [job for job in batch if path in job.paths]
            if (error := self._commit(path, jobs)) is not None and path in self._written:
                broken[path] = error
        for path, error in broken.items():
            self._keep(path, error, [job for job in batch if path in job.failures])
            self._close_file(path)

    def close(self, path: Path) -> JournalError | None:
        """Close a file, and save its unwritten draws; return an error if draws are lost."""
        failure = None
        if path in self.unwritten:
            self._commit(path, [])
        if unwritten := self.unwritten.get(path):
            unwritten.save([path.parent])
            if unwritten.lost:
                failure = JournalError(f"the journal {path} cannot be written: {unwritten}")
        self._written.discard(path)
        self._close_file(path)
        return failure

    def _close_file(self, path: Path) -> None:
        self.ready.discard(path)
        if path in self._open:
            self._open.pop(path).close()

    def _commit(self, path: Path, jobs: Sequence[WriteJob]) -> JournalError | None:
        """Write to one file; if that fails, set the error on the jobs, and return it unless a value is the reason."""
        records = [job.record for job in jobs if job.record is not None]
        try:
            if path not in self._open:
                self._open[path] = OpenFile(path)
            file = self._open[path]
            file.check()
            with wait_for_lock(file.connection):
                if len(records) < len(jobs):
                    try_writing(file.connection)
                if path in self.unwritten:
                    with suppress(*_VALUE_ERRORS):
                        commit(file.connection, self.unwritten[path].records)
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
        self.unwritten.pop(path, None)
        if len(records) < len(jobs):
            self.ready.add(path)
        return None

    def _keep(self, path: Path, error: JournalError, jobs: Sequence[WriteJob]) -> None:
        """Keep the draws that a file did not take, and say in the errors where they are."""
        unwritten = self.unwritten.setdefault(path, UnwrittenDraws(path))
        replaced = isinstance(error, FileReplaced)
        elsewhere = {job: [other for other in job.paths if other not in job.failures and not replaced] for job in jobs}
        alone = [job for job in jobs if job.record is not None and not elsewhere[job]]
        folders = [other.parent for other in reversed((alone or jobs)[0].paths)] if jobs else [path.parent]
        if isinstance(error, FileReplaced) and path in self._open:
            file = self._open[path]
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
        delete_damaged(self._open[path].connection, damaged)


def _say_where(path: Path, other: Path, paths: Sequence[Path]) -> str:
    """Return where the draws are that a file does not have, and how it gets them."""
    where = f"no paid draw is lost: the journal {other} has what this one does not"
    if paths.index(other) < paths.index(path):
        return where
    command = shlex.join(["reasoning", "journal", "merge", str(other), "--journal", str(path)])
    return f"{where}: add it with `{command}`"
