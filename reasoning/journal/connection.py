"""Connections to a journal's file, which is created if it is missing.

A file that is not a journal, or a damaged one, is not changed: neither the file nor the write-ahead
log next to it.
"""

from __future__ import annotations

import os
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reasoning.errors import JournalError, UsageError
from reasoning.journal.schema import READABLE, VERSION, create_draws_view, create_tables, migrate, transaction

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes."""
_CHECKPOINT_PAGES = 1000
"""The length of the write-ahead log, in pages of 4 kB, above which it is copied into the file."""
_MIN_BYTES = 512
"""The minimum size of a SQLite database."""
_WAL_UNAVAILABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY_DIRECTORY, sqlite3.SQLITE_READONLY_CANTINIT)
"""The errors of SQLite when reading needs a write-ahead log that cannot be created."""


def open_for_writing(path: Path, *, create_folder: bool = True) -> sqlite3.Connection:
    """Return a connection that may write; the file is created if it is missing.

    Args:
        path: the file.
        create_folder: whether to create its folder, too. Not for a temporary one, which an interrupt removes
            while this runs.

    Raises:
        JournalError: the file is of another version, or not a journal.
        sqlite3.Error, OSError: it cannot be opened.
    """
    if create_folder:
        path.parent.mkdir(parents=True, exist_ok=True)
    _check_file(path)
    connection = _connect(path.absolute().as_uri())
    try:
        # Committed draws survive a killed process, and most power cuts.
        connection.execute("PRAGMA synchronous = NORMAL")
        if (version := _version(connection, path)) != VERSION:
            if not version:
                _enable_wal(connection)
            with transaction(connection):
                # Another process may have created the tables meanwhile.
                if not (version := _version(connection, path)):
                    create_tables(connection)
                elif version != VERSION:
                    migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def wait_for_lock(connection: sqlite3.Connection) -> Iterator[None]:
    """Wait for other processes that write, and copy a long write-ahead log into the file.

    Outside of this block neither is done.
    """
    connection.execute(f"PRAGMA busy_timeout = {1000 * LOCK_TIMEOUT:.0f}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    try:
        yield
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_autocheckpoint = 0")


def open_for_reading(path: Path) -> sqlite3.Connection | None:
    """Return a connection that can only read; None if there is no file.

    Raises:
        JournalError: the file is of another version, or not a journal.
        sqlite3.Error, OSError: it cannot be opened.
    """
    uri = readable_uri(path)
    if uri is None:
        return None
    connection = _connect(uri)
    try:
        if _version(connection, path) != VERSION:
            # Reading changes no file.
            create_draws_view(connection, "draws", "main")
        connection.execute("PRAGMA query_only = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def open_existing(path: Path) -> sqlite3.Connection:
    """Return a connection that can only read, to a file that must exist.

    Raises:
        UsageError: there is no file.
        JournalError: the file is of another version, or not a journal.
        sqlite3.Error, OSError: it cannot be opened.
    """
    connection = open_for_reading(path)
    if connection is None:
        raise UsageError(f"{path}: no such journal")
    return connection


def readable_uri(path: Path) -> str | None:
    """Return the URI by which the file can be read; None if there is no file.

    A file in a folder that this process may not write to is read without locks, since nothing can
    change there.

    Raises:
        JournalError: the file is of another version, or not a journal.
        sqlite3.Error, OSError: it cannot be opened.
    """
    version = _check_file(path)
    if version is None:
        return None
    if not version:
        open_for_writing(path).close()
    return _find_readable_uri(path)[0]


def wal_path(path: Path) -> Path:
    """Return the path of the write-ahead log, which holds commits that are not in the file."""
    return path.with_name(f"{path.name}-wal")


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, timeout=LOCK_TIMEOUT, isolation_level=None, check_same_thread=False, uri=True)


def _check_file(path: Path) -> int | None:
    """Return the version of the file, or None if it is missing or empty."""
    check_is_no_folder(path)
    # The log is measured before the file, since the file of a sound pair is created first.
    wal_size = _size(wal_path(path))
    size = _size(path)
    # SQLite would delete the log of a missing or empty file.
    if not size and wal_size:
        raise JournalError(
            f"the journal {path} cannot be read: it is {'empty' if path.exists() else 'missing'}, but {wal_path(path)} "
            "holds draws; put the file back, or move both away to start a new journal"
        )
    if not size:
        return None
    # SQLite would read some such files as empty databases.
    if size < _MIN_BYTES:
        error = sqlite3.DatabaseError("file is not a database")
        error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
        raise error
    # Read-only, so that a damaged file stays as it is and its log is not copied into it.
    return _find_readable_uri(path, "?mode=ro")[1]


def _find_readable_uri(path: Path, options: str = "") -> tuple[str, int]:
    """Return a URI by which the file can be read, and the file's version."""
    uri = path.absolute().as_uri() + options
    try:
        with closing(_connect(uri)) as connection:
            return uri, _version(connection, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _WAL_UNAVAILABLE or _size(wal_path(path)):
            raise
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with closing(_connect(uri)) as connection:
        return uri, _version(connection, path)


def check_is_no_folder(path: Path) -> None:
    """Raise JournalError for a folder. Such a path may have no name to which that of the log could be added: "."."""
    if path.is_dir():
        raise JournalError(f"the journal {path} cannot be read: it is a folder; choose a file with --journal FILE")


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return 0


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the version of an open file; 0 for an empty one."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if tables and not {"requests", "draws"} <= tables:
        raise JournalError(
            f"the journal {path} cannot be read: it is another kind of database (it has a table "
            f"{min(tables)!r}); it was not changed; choose another file with --journal FILE, or none with --no-journal"
        )
    if not tables and not version:
        return 0
    if version not in READABLE:
        advice = "update the library"
        if version < VERSION:
            journal = f"draws.jsonl.gz --journal {shlex.quote(str(path))}"
            advice = (
                f"export it with the version that wrote it (`reasoning journal export {journal}`), move it away, and "
                f"import its draws with this version (`reasoning journal import {journal}`)"
            )
        raise JournalError(
            f"the journal {path} was written by another version of this library (format {version}, this one reads "
            f"{VERSION}): {advice}, or choose another file with --journal FILE"
        )
    return version


def _enable_wal(connection: sqlite3.Connection) -> None:
    """Enable the write-ahead log, so that readers and the writer do not wait for each other."""
    # SQLite does not wait by itself if several processes enable it at once.
    until = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.005)
