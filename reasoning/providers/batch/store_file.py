"""The SQLite file of a journal's batches: its tables, transactions, and the lock of the process that submits."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

from reasoning.errors import JournalError

_TABLES = """
CREATE TABLE batches(
    id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT UNIQUE NOT NULL, api TEXT NOT NULL, model TEXT NOT NULL,
    endpoint TEXT NOT NULL, state TEXT NOT NULL, remote TEXT NOT NULL DEFAULT '', is_found INTEGER NOT NULL DEFAULT 0,
    not_ours TEXT NOT NULL DEFAULT '[]', lines INTEGER NOT NULL, tokens INTEGER NOT NULL, created REAL NOT NULL,
    note TEXT NOT NULL DEFAULT '');
CREATE TABLE lines(
    custom_id TEXT PRIMARY KEY, batch INTEGER NOT NULL, key TEXT NOT NULL, draw INTEGER NOT NULL, n INTEGER NOT NULL,
    attempt INTEGER NOT NULL, tools INTEGER NOT NULL, state TEXT NOT NULL, reply TEXT,
    collected INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX lines_key ON lines(key, draw);
CREATE INDEX lines_batch ON lines(batch);
CREATE TABLE store(id TEXT NOT NULL);
"""
_LOCK_SECONDS = 30.0
_LOCK_PAUSE = 0.2
"""Seconds between two attempts to become the process that submits."""


class StoreFile:
    """The file of the batches of one journal.

    Args:
        path: the file; it is created if it is missing.

    Attributes:
        id: the identity of this file, which another file at its place would not have.
        is_closed: whether it was closed.

    Raises:
        JournalError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = 0
        self.is_closed = False
        self._open()

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit, since `write` begins and ends each transaction.
            self._file = sqlite3.connect(
                self.path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._file.row_factory = sqlite3.Row
            self._file.execute("PRAGMA journal_mode = WAL")
            # An intent must be on the disk before the batch is sent, also after a power cut.
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("BEGIN IMMEDIATE")
            if not self._file.execute("SELECT 1 FROM sqlite_master WHERE name = 'store'").fetchone():
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._file.execute(statement)
                self._file.execute("INSERT INTO store VALUES (?)", (uuid.uuid4().hex[:12],))
            self._file.execute("COMMIT")
            self.id = str(self._file.execute("SELECT id FROM store").fetchone()[0])
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None
        self._process = os.getpid()

    @property
    def db(self) -> sqlite3.Connection:
        # SQLite forbids the use of a connection in the child of a fork, even to close it.
        if self._process != os.getpid():
            self._kept = self._file
            self._open()
        return self._file

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Enter a transaction, which is committed when the block ends without an error."""
        try:
            db = self.db
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _error(self, error: Exception) -> JournalError:
        reason = getattr(error, "strerror", None) or error
        hint = ""
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            hint = ". If it is damaged, move it away; batches that are under way are then sent, and paid, again"
        return JournalError(
            f"{self.path}: the file of batches cannot be used: {reason}; no batch is sent that is not recorded{hint}"
        )

    @asynccontextmanager
    async def submitting(self) -> AsyncIterator[None]:
        """Wait until no other process submits a batch of this store, and keep the others from it until the block ends.

        The operating system releases the lock when the process ends, however it ends.
        """
        with self.path.with_name(f"{self.path.name}.lock").open("a+b") as lock:
            # A wait for a file lock would need a thread.
            while not _try_lock(lock):  # noqa: ASYNC110
                await asyncio.sleep(_LOCK_PAUSE)
            yield

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._process == os.getpid():
            self._file.close()
        self.is_closed = True


def _try_lock(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
