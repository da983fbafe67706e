"""Opening a journal's file: made where it is missing, brought to this version where it is older.

What is no journal, or a damaged one, is not touched: not by a byte of the file, nor of the log
beside it.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reasoning.errors import JournalError, UsageError
from reasoning.journal.schema import VERSION, create_tables, transaction

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""
_LONG_LOG = 1000
"""Pages of 4 kB."""
_SMALLEST = 512
"""Bytes that a database has at least."""
_NO_LOG = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_READONLY_CANTINIT)
"""What SQLite says where a log is wanted to read with, and cannot be made."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that may write to the file; it and its folder are made if need be.

    Raises:
        JournalError: the file is of a newer version, or no journal.
        sqlite3.Error, OSError: it cannot be opened.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _look(path)
    connection = _connect(path.absolute().as_uri())
    try:
        connection.execute("PRAGMA synchronous = NORMAL")  # survives a killed process, and most power cuts
        if not _version(connection, path):
            _begin_wal(connection)
            with transaction(connection):
                if not _version(connection, path):  # again: another process may have done it meanwhile
                    create_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def wait_for_lock(connection: sqlite3.Connection) -> Iterator[None]:
    """Wait for another process that writes, and bring a long log into the file; outside of this, neither is done."""
    connection.execute(f"PRAGMA busy_timeout = {1000 * LOCK_TIMEOUT:.0f}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LONG_LOG}")
    try:
        yield
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_autocheckpoint = 0")


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """A connection to read on, or None when there is no file. An older file is brought to this version.

    Raises: as `open_for_writing`.
    """
    place = readable_uri(path)
    if place is None:
        return None
    connection = _connect(place)
    connection.execute("PRAGMA query_only = ON")
    return connection


def open_existing(path: Path) -> sqlite3.Connection:
    """A connection to read on; raises UsageError when there is no file, and otherwise as `open_for_writing`."""
    connection = open_for_reading(path)
    if connection is None:
        raise UsageError(f"{path}: there is no journal here")
    return connection


def readable_uri(path: Path) -> str | None:
    """The URI under which the file, now of this version, can be read; None when there is none.

    A file in a folder that nobody here may write to is read without locks: nothing can change
    there.

    Raises: as `open_for_writing`.
    """
    version = _look(path)
    if version is None:
        return None
    if not version:
        open_for_writing(path).close()
    return _answering(path)[0]


def wal_path(path: Path) -> Path:
    """Where SQLite keeps what is committed and not yet in the file."""
    return path.with_name(f"{path.name}-wal")


def _connect(place: str) -> sqlite3.Connection:
    return sqlite3.connect(place, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False, uri=True)


def _look(path: Path) -> int | None:
    """The version of the file, or None when there is none.

    On a connection that cannot write, so that a damaged file stays as it is and its log is not
    brought into it.
    """
    waiting = _size(wal_path(path))  # before the file's own: where both are right, the file has been there first
    size = _size(path)
    if path.is_dir():
        raise JournalError(f"the journal {path} cannot be read: it is a folder; give a file in it with --journal")
    if not size and waiting:  # SQLite would delete it
        raise JournalError(
            f"the journal {path} cannot be read: it is {'empty' if path.exists() else 'gone'}, but draws wait in "
            f"{wal_path(path)}; put the file back, or move both away to begin anew"
        )
    if not size:
        return None
    if size < _SMALLEST:  # SQLite would take some such files for empty ones
        raise sqlite3.DatabaseError("file is not a database")
    return _answering(path, "?mode=ro")[1]


def _answering(path: Path, options: str = "") -> tuple[str, int]:
    """A URI of the file that can be read from, and the file's version."""
    place = path.absolute().as_uri() + options
    try:
        with closing(_connect(place)) as connection:
            return place, _version(connection, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NO_LOG or _size(wal_path(path)):
            raise
    place = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(_connect(place)) as connection:
        return place, _version(connection, path)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The version of an open file; 0 for an empty one."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if tables and not {"requests", "draws"} <= tables:
        raise JournalError(
            f"the journal {path} cannot be read: it is a database of something else (it has a table "
            f"{min(tables)!r}); it is left as it is; give another file with --journal, or none"
        )
    if not tables and not version:
        return 0
    if version != VERSION:
        raise JournalError(
            f"the journal {path} was written by another version of this library (format {version}, this one reads "
            f"{VERSION}): update the library, or give another file with --journal"
        )
    return version


def _begin_wal(connection: sqlite3.Connection) -> None:
    """Let readers and the writer not wait for each other. Where several begin at once, SQLite leaves waiting to us."""
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.005)
