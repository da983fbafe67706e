"""The tables of a journal's file: made, brought to this version, written to.

Draws hang on the number of their request, not on its 32-byte key: the index over them is a quarter
of the size and grows at its end. With a million draws that made a miss twice as fast and writing a
third cheaper than a table over (key, draw); a table without row numbers was three times slower and
twice as large.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from reasoning.journal.codec import COLUMNS, Record, Row

VERSION = 2
_TOGETHER = 32
"""Rows in one statement: each statement is a switch between threads, and may hold 999 values on older SQLite."""

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
    PRIMARY KEY (request, draw)
)"""
_REQUEST = ("requests (key, model, request)", "(?, ?, ?)")
_DRAW = (
    f"draws (request, {', '.join(COLUMNS)})",
    f"((SELECT id FROM requests WHERE key = ?){', ?' * len(COLUMNS)})",
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its beginning: all of it happens, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def commit(connection: sqlite3.Connection, entries: Sequence[Record]) -> None:
    """Write entries in one transaction. A draw that is there already is left as it is."""
    requests = {entry.key: (entry.key, entry.model, entry.request) for entry in entries}
    draws = [(entry.key, *row) for entry in entries for row in entry.rows]
    with transaction(connection):
        _insert(connection, _REQUEST, list(requests.values()))
        _insert(connection, _DRAW, draws)


def _insert(connection: sqlite3.Connection, statement: tuple[str, str], rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER]
        connection.execute(_filled(*statement, len(some)), [value for row in some for value in row])


@lru_cache(4 * _TOGETHER)
def _filled(into: str, values: str, rows: int) -> str:
    return f"INSERT INTO {into} VALUES {', '.join([values] * rows)} ON CONFLICT DO NOTHING"


def create_tables(connection: sqlite3.Connection) -> None:
    """Create the tables in an empty file, within a transaction.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    connection.execute(_REQUESTS)
    connection.execute(_DRAWS)
    connection.execute(f"PRAGMA user_version = {VERSION}")
