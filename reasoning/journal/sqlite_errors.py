"""What SQLite and the file system say, as an error for people: what is wrong, and what to do next."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reasoning.errors import JournalError

_ELSEWHERE = "give another file with --journal, or none"
_SQLITE = {
    sqlite3.SQLITE_FULL: ("the disk is full", "free some space, then the same command goes on from what is recorded"),
    sqlite3.SQLITE_NOTADB: ("it is no SQLite database, or a damaged one", f"it is left as it is; {_ELSEWHERE}"),
    sqlite3.SQLITE_CORRUPT: (
        "it is damaged",
        f"it is left as it is; `sqlite3 FILE .recover` may save what is readable, or {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_BUSY: ("another process does not let go of it", "wait for that process, or end it"),
    sqlite3.SQLITE_READONLY: ("there is no permission to write to it", f"change that, or {_ELSEWHERE}"),
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened, or its folder cannot be written to",
        f"look at the permissions of both, or {_ELSEWHERE}",
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk does not work as it should",
        f"look for a quota, a size limit or a lost mount, or {_ELSEWHERE}",
    ),
}


STORAGE_ERRORS = (sqlite3.Error, OSError, OverflowError)


@contextmanager
def translate_errors(path: Path, done: str) -> Iterator[None]:
    """Turn what goes wrong inside into a JournalError; `done` says what cannot be: "read" or "written"."""
    try:
        yield
    except STORAGE_ERRORS as error:
        raise to_journal_error(path, done, error) from error


def to_journal_error(path: Path, done: str, error: Exception) -> JournalError:
    """The error for people."""
    if isinstance(error, JournalError):
        return error
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        code = sqlite3.SQLITE_FULL
    why, next_ = _SQLITE.get(code & 0xFF if code is not None else -1, ("", _ELSEWHERE))
    said = str(error) or type(error).__name__
    return JournalError(f"the journal {path} cannot be {done}: {f'{why} ({said})' if why else said}; {next_}")
