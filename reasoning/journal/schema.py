"""The tables of a journal's file, and insertion into them.

Draws refer to the number of their request and not to its 32-byte key: the index over them is a
quarter of the size, and grows at its end. With a million draws, a lookup that finds nothing was
twice as fast and a write a third cheaper than with a table over (key, draw). A table without row
numbers was three times slower and twice as large.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from reasoning.journal.codec import COLUMNS, Record, Row, checksum
from reasoning.journal.stored_images import insert_images

VERSION = 5
_LATER = ("reasoning_tokens", "cache_write_tokens")
"""The columns that versions 4 and 5 added. The versions are otherwise the same."""
READABLE = (3, 4, VERSION)
"""The versions that can be read; older ones are migrated when they are opened for writing."""
_ROWS_PER_STATEMENT = 32
"""The maximum number of rows of one statement.

Each statement switches between threads, and older SQLite takes at most 999 values.
"""

_REQUESTS = """
CREATE TABLE requests (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, model TEXT NOT NULL, request TEXT NOT NULL
)"""
_DRAWS = """
CREATE TABLE draws (
    request INTEGER NOT NULL, draw INTEGER NOT NULL,
    text TEXT NOT NULL, finish_reason TEXT NOT NULL, reasoning TEXT NOT NULL, tokens TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    usd REAL, seconds REAL NOT NULL,
    retries INTEGER NOT NULL, request_id TEXT NOT NULL, prices TEXT NOT NULL, at TEXT NOT NULL,
    checksum INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (request, draw)
)"""
# A stored text that differs from that of the same key is damaged.
_REQUEST = (
    "requests (key, model, request)",
    "(?, ?, ?)",
    "(key) DO UPDATE SET model = excluded.model, request = excluded.request "
    "WHERE model <> excluded.model OR request <> excluded.request",
)
_DRAW = (
    f"draws (request, {', '.join(COLUMNS)}, checksum)",
    f"((SELECT id FROM requests WHERE key = ?){', ?' * len(COLUMNS)}, ?)",
    "DO NOTHING",
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Hold the write lock for a block; all of its changes are committed, or none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def try_writing(connection: sqlite3.Connection) -> None:
    """Write to the log and sync it to the disk, without a change of the contents."""
    connection.execute("PRAGMA synchronous = FULL")
    try:
        with transaction(connection):
            connection.execute(f"PRAGMA user_version = {VERSION}")
    finally:
        connection.execute("PRAGMA synchronous = NORMAL")


def commit(connection: sqlite3.Connection, records: Sequence[Record]) -> None:
    """Insert records in one transaction; draws that are recorded already stay as they are."""
    requests = {record.key: (record.key, record.model, record.request) for record in records if record.rows}
    images = dict.fromkeys(image for record in records for image in record.images)
    draws = [(record.key, *row, checksum(record.key, row)) for record in records for row in record.rows]
    with transaction(connection):
        insert_images(connection, list(images))
        _insert(connection, _REQUEST, list(requests.values()))
        _insert(connection, _DRAW, draws)


def delete_damaged(connection: sqlite3.Connection, damaged: Iterable[tuple[bytes, int, Any]]) -> None:
    """Delete damaged draws, so that new ones can take their places.

    Args:
        connection: the open journal.
        damaged: the key of the request, the index and the stored checksum of each draw; a draw with
            another checksum has been replaced already, and stays.
    """
    with transaction(connection):
        connection.executemany(
            "DELETE FROM draws WHERE request = (SELECT id FROM requests WHERE key = ?) AND draw = ? AND checksum IS ?",
            damaged,
        )


def _insert(connection: sqlite3.Connection, statement: tuple[str, str, str], rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), _ROWS_PER_STATEMENT):
        batch = rows[start : start + _ROWS_PER_STATEMENT]
        connection.execute(_insert_sql(*statement, len(batch)), [value for row in batch for value in row])


@lru_cache(4 * _ROWS_PER_STATEMENT)
def _insert_sql(into: str, values: str, on_conflict: str, rows: int) -> str:
    return f"INSERT INTO {into} VALUES {', '.join([values] * rows)} ON CONFLICT {on_conflict}"


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file, within a transaction.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    connection.execute(_REQUESTS)
    connection.execute(_DRAWS)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables of an older version up to date, within a transaction. No row is written anew.

    A process of the earlier library that has the file open can still read and write it.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    # A process of the earlier library may have set the version back.
    known = {column[1] for column in connection.execute("PRAGMA table_info(draws)")}
    for name in _LATER:
        if name not in known:
            connection.execute(f"ALTER TABLE draws ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
    connection.execute(f"PRAGMA user_version = {VERSION}")


def create_draws_view(connection: sqlite3.Connection, name: str, database: str) -> None:
    """Create a temporary view of draws that has every column, also if the file is of the older version.

    If another process migrates the file meanwhile, the view shows the new column: of two columns of one name,
    SQLite takes the first.

    Args:
        connection: an open journal.
        name: the name of the view.
        database: the database whose draws it shows: "main", or the name of an attached one.
    """
    connection.execute(
        f"CREATE TEMP VIEW {name} AS SELECT rowid AS rowid, *, {', '.join(f'0 AS {one}' for one in _LATER)} "
        f"FROM {database}.draws"
    )
