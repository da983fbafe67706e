"""The storage of a journal in a SQLite file: a connection to read, and access to the writer thread.

A connection must not survive a fork: both processes would believe that they hold the same locks,
and the first to close would delete the write-ahead log while the other uses it. So everything is
written and closed before a fork, and each process opens its own connections afterwards.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
import weakref
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from reasoning.journal.codec import COLUMNS, Row, checksum, decode_leniently, find_request_problem
from reasoning.journal.connection import open_for_reading
from reasoning.journal.sqlite_errors import STORAGE_ERRORS, to_journal_error
from reasoning.journal.stored_images import ImageRow, read_images
from reasoning.journal.writer import writer
from reasoning.logs import Log

_log = Log(__name__)
_DRAWS_PER_QUERY = 256
"""The maximum number of draws of one query."""


class SqliteStore:
    """The draws of a journal in a SQLite file.

    It opens on first use, and again after `close`. A missing file has no draws.

    A damaged draw is named in a warning and counts as missing: it is drawn anew and replaced. Its
    reply cannot be restored, and ending the run would not save the money that it cost.

    Args:
        path: the file.

    Raises:
        JournalError: from every method, if the file cannot be read; from `rows` and `close`, if an
            earlier record that no caller awaited was not written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        with _fork_lock:
            _stores.add(self)

    def rows(self, key: str, draws: Sequence[int]) -> list[Row]:
        """Return the rows of the recorded draws among these."""
        if writer.failures:
            self._raise_failure()
        request = bytes.fromhex(key)
        rows: list[Row] = []
        for start in range(0, len(draws), _DRAWS_PER_QUERY):
            batch = draws[start : start + _DRAWS_PER_QUERY]
            # Powers of two give few different statements, so that SQLite has compiled most of them already.
            size = 1 << (len(batch) - 1).bit_length()
            for row in self._query(_select_sql(size), (request, *batch, *[batch[0]] * (size - len(batch)))):
                if checksum(request, row[:-1]) == row[-1]:
                    rows.append(row[:-1])
                else:
                    self._report_damage(request, row)
        return rows

    def request(self, key: str) -> tuple[str, str] | None:
        """Return the model and the canonical JSON of a recorded request; None if unknown or damaged."""
        rows = self._query("SELECT model, request FROM requests WHERE key = ?", (bytes.fromhex(key),))
        if rows and (problem := find_request_problem(bytes.fromhex(key), *rows[0])):
            self._warn(f"the request {key} in the journal {self.path} is damaged ({problem})")
            return None
        return rows[0] if rows else None

    def images(self, keys: Sequence[bytes]) -> list[ImageRow]:
        """Return the recorded images with these hashes; damaged ones count as missing."""
        if not keys:
            return []
        with self._lock:
            try:
                if self._reader is None:
                    self._reader = open_for_reading(self.path)
                return [] if self._reader is None else read_images(self._reader, keys)
            except STORAGE_ERRORS as error:
                raise to_journal_error(self.path, "read", error) from error

    def count(self) -> int:
        """Return the number of recorded draws."""
        rows = self._query("SELECT count(*) FROM draws")
        return rows[0][0] if rows else 0

    def epochs(self, stride: int) -> set[int]:
        """Return the epochs of all recorded draws, each of `stride` draw indices."""
        return {epoch for (epoch,) in self._query("SELECT DISTINCT draw / ? FROM draws", (stride,))}

    def close(self) -> None:
        """Write pending records and close the file."""
        writer.close(self.path)
        with self._lock:
            self._close_reader()
        self._raise_failure()

    def close_soon(self) -> None:
        """Close without waiting, for the garbage collector."""
        writer.close_soon(self.path)
        self._close_reader()

    def pause(self) -> None:
        """Close the connection, and block reading until `resume`."""
        self._lock.acquire()
        self._close_reader()

    def resume(self) -> None:
        """Allow reading again."""
        self._lock.release()

    def _close_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _query(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._lock:
            try:
                if self._reader is None:
                    self._reader = open_for_reading(self.path)
                return [] if self._reader is None else _fetch(self._reader, query, values)
            except STORAGE_ERRORS as error:
                raise to_journal_error(self.path, "read", error) from error

    def _report_damage(self, request: bytes, row: Row) -> None:
        writer.files.damaged[self.path, request, row[0]] = row[-1]
        self._warn(
            f"the draw {row[0]} of request {request.hex()} in the journal {self.path} is damaged: it is not used, and "
            "is drawn anew if it is needed; `reasoning journal verify` lists all damage, and importing an export or "
            "merging another journal with the same draws repairs it"
        )

    def _warn(self, message: str) -> None:
        _log.notify(message)

    def _raise_failure(self) -> None:
        if failure := writer.failures.pop(self.path, None):
            raise failure


@lru_cache
def _select_sql(size: int) -> str:
    wanted = "= ?" if size == 1 else f"IN ({', '.join('?' * size)})"
    return (
        f"SELECT {', '.join(COLUMNS)}, checksum FROM draws "
        f"WHERE request = (SELECT id FROM requests WHERE key = ?) AND draw {wanted}"
    )


def _fetch(connection: sqlite3.Connection, query: str, values: Sequence[Any]) -> list[Row]:
    try:
        return connection.execute(query, values).fetchall()
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    # A damaged text is not UTF-8.
    try:
        connection.text_factory = decode_leniently
        return connection.execute(query, values).fetchall()
    finally:
        connection.text_factory = str


_fork_lock = threading.Lock()
"""Held while `_stores` changes, and from before a fork until after it."""
_stores: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_paused: list[SqliteStore] = []


def _close_readers(path: Path) -> None:
    with _fork_lock:
        stores = [store for store in _stores if store.path == path]
    for store in stores:
        with store._lock:
            store._close_reader()


writer.files.on_replaced = _close_readers


def _before_fork() -> None:
    writer.pause()
    _fork_lock.acquire()
    _paused.extend(_stores)
    for store in _paused:
        store.pause()


def _resume_stores() -> None:
    while _paused:
        _paused.pop().resume()
    _fork_lock.release()


def _after_in_parent() -> None:
    _resume_stores()
    writer.resume()


def _after_in_child() -> None:
    _resume_stores()
    writer.reset_after_fork()


def _at_exit() -> None:
    _before_fork()
    _after_in_parent()


# Registered at import, so that it runs after the exit hooks of modules that write.
atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
