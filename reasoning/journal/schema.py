"""The tables of a journal's file: made, brought to this version, written to.

Draws hang on the number of their request, not on its 32-byte key: the index over them is a quarter of the size and
grows at its end. With a million draws that made a miss twice as fast and writing a third cheaper than a table over
(key, draw); a table without row numbers was three times slower and twice as large.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from reasoning.journal.codec import COLUMNS, Record, Row, canonical, request_of, storable

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
# The older one may hold a mean log-probability (a number) where the newest of its time put the tokens (JSON).
_FROM_VERSION_1 = f"""
INSERT INTO draws (request, {", ".join(COLUMNS)})
SELECT id, draw, text, finish_reason, reasoning, CASE typeof(logprob) WHEN 'text' THEN logprob END,
    prompt_tokens, completion_tokens, cached_tokens, usd, seconds, 0, '', '', replace(at, ' ', 'T') || 'Z'
FROM draws_1 LEFT JOIN requests ON requests.key = as_bytes(draws_1.key)"""


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


def make(connection: sqlite3.Connection, version: int) -> None:
    """Make the tables of this version, out of those of an older one if there are any; within a transaction.

    Raises:
        sqlite3.Error: what is there cannot be read, or not be written anew.
    """
    if version == VERSION:
        return
    if version:
        for table in ("requests", "draws"):
            connection.execute(f"ALTER TABLE {table} RENAME TO {table}_1")
    connection.execute(_REQUESTS)
    connection.execute(_DRAWS)
    if version:
        _take_over(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _take_over(connection: sqlite3.Connection) -> None:
    """Fill the tables from those of version 1, whose requests had their settings beside the other fields."""
    for key, text in connection.execute("SELECT key, request FROM requests_1"):
        try:
            said = json.loads(text)
            sampling = {name: said[name] for name in said if name not in ("endpoint", "model", "messages")}
            request = request_of({**said, "sampling": sampling})
            row = (bytes.fromhex(key), storable(request.model), canonical(request))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise sqlite3.DatabaseError(f"the request {key} is damaged: {type(error).__name__}: {error}") from None
        _insert(connection, _REQUEST, [row])
    connection.create_function("as_bytes", 1, bytes.fromhex, deterministic=True)
    connection.execute(_FROM_VERSION_1)
    connection.execute("DROP TABLE requests_1")
    connection.execute("DROP TABLE draws_1")
