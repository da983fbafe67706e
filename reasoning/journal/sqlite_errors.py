"""Errors of SQLite and the file system as JournalErrors that say what to do next."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reasoning.errors import JournalError

_ELSEWHERE = "choose another file with --journal FILE, or none with --no-journal"
_NO_LOCKS = ("its file system does not support locks", "choose a file on a local disk with --journal FILE")
_LOCK_ERRORS = (
    *(sqlite3.SQLITE_IOERR_LOCK, sqlite3.SQLITE_IOERR_UNLOCK, sqlite3.SQLITE_IOERR_RDLOCK),
    *(sqlite3.SQLITE_IOERR_CHECKRESERVEDLOCK, sqlite3.SQLITE_IOERR_SHMLOCK),
)
_SQLITE = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space; the same command then continues from what is recorded"),
    sqlite3.SQLITE_NOTADB: ("it is not a SQLite database, or a damaged one", f"it was not changed; {_ELSEWHERE}"),
    sqlite3.SQLITE_CORRUPT: (
        "it is damaged",
        f"it was not changed; `sqlite3 FILE .recover` may save what is readable, or {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_BUSY: (
        "another process keeps it locked, or its file system has no locks",
        "wait for that process or end it, or choose a file on a local disk with --journal FILE",
    ),
    sqlite3.SQLITE_PROTOCOL: _NO_LOCKS,
    sqlite3.SQLITE_READONLY: ("there is no permission to write to it", f"change its permissions, or {_ELSEWHERE}"),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened, or its folder cannot be written to",
        f"check the permissions of both, or {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk reports an error",
        f"check for a quota, a size limit or a lost mount, or {_ELSEWHERE}",
    ),
}

STORAGE_ERRORS = (sqlite3.Error, OSError, OverflowError)
"""The errors that reading and writing a journal may raise."""


@contextmanager
def translate_errors(path: Path, done: str) -> Iterator[None]:
    """Raise the errors of a block as JournalError.

    Args:
        path: the journal.
        done: the failed operation, "read" or "written".
    """
    try:
        yield
    except STORAGE_ERRORS as error:
        raise to_journal_error(path, done, error) from error


def to_journal_error(path: Path, done: str, error: Exception) -> JournalError:
    """Return the error as a JournalError, with its cause and what to do next."""
    if isinstance(error, JournalError):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        code = sqlite3.SQLITE_FULL
    cause, advice = _SQLITE.get(code & 0xFF if code is not None else -1, ("", _ELSEWHERE))
    if code in _LOCK_ERRORS:
        cause, advice = _NO_LOCKS
    message = str(error) or type(error).__name__
    return JournalError(
        f"the journal {path} cannot be {done}: {f'{cause} ({message})' if cause else message}; {advice}"
    )
