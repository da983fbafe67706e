"""A journal's file: a connection to read on, and a way to the thread that writes.

A connection must not be carried over a fork: parent and child would take themselves for one
process, and the one that closes first would take the log away under the other. So everything is
written and closed before a fork, and opened again by whoever goes on.
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

from reasoning.journal.codec import COLUMNS, Row
from reasoning.journal.connection import open_for_reading
from reasoning.journal.sqlite_errors import STORAGE_ERRORS, to_journal_error
from reasoning.journal.writer import writer

_AT_ONCE = 256
"""Draws of one query."""


class SqliteStore:
    """The record at `path`. Opens on its first use, and again after `close`; a file that is missing has no draws.

    Raises:
        JournalError: the file cannot be read; or, from `rows` and `close`, what nobody waited for
            was not written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._reader: sqlite3.Connection | None = None
        with _forking:
            _files.add(self)

    def rows(self, key: str, draws: Sequence[int]) -> list[Row]:
        """Those of the draws that are recorded."""
        if writer.failures:
            self._say_failure()
        asked = bytes.fromhex(key)
        found: list[Row] = []
        for start in range(0, len(draws), _AT_ONCE):
            some = draws[start : start + _AT_ONCE]
            places = 1 << (len(some) - 1).bit_length()  # few different statements, which SQLite then knows already
            found += self._ask(_query(places), (asked, *some, *[some[0]] * (places - len(some))))
        return found

    def request(self, key: str) -> tuple[str, str] | None:
        """The model and the canonical JSON of a recorded request."""
        found = self._ask("SELECT model, request FROM requests WHERE key = ?", (bytes.fromhex(key),))
        return found[0] if found else None

    def count(self) -> int:
        """How many draws are recorded."""
        found = self._ask("SELECT count(*) FROM draws")
        return found[0][0] if found else 0

    def highest_draw(self) -> int | None:
        """The highest index of a recorded draw."""
        found = self._ask("SELECT max(draw) FROM draws")
        return found[0][0] if found else None

    def close(self) -> None:
        """Write what is waiting and close the file."""
        writer.close(self.path)
        with self._lock:
            self._shut()
        self._say_failure()

    def close_soon(self) -> None:
        """The same for the collector, which must not wait: nobody uses this any more."""
        writer.close_soon(self.path)
        self._shut()

    def pause(self) -> None:
        """Close for reading, and keep everyone from opening again until `let_go`."""
        self._lock.acquire()
        self._shut()

    def resume(self) -> None:
        """Go on."""
        self._lock.release()

    def _shut(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _ask(self, query: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._lock:
            try:
                if self._reader is None:
                    self._reader = open_for_reading(self.path)
                return [] if self._reader is None else self._reader.execute(query, values).fetchall()
            except STORAGE_ERRORS as error:
                raise to_journal_error(self.path, "read", error) from error

    def _say_failure(self) -> None:
        if failure := writer.failures.pop(self.path, None):
            raise failure


@lru_cache
def _query(places: int) -> str:
    wanted = "= ?" if places == 1 else f"IN ({', '.join('?' * places)})"
    return (
        f"SELECT {', '.join(COLUMNS)} FROM draws "
        f"WHERE request = (SELECT id FROM requests WHERE key = ?) AND draw {wanted}"
    )


_forking = threading.Lock()
"""Held while `_files` changes, and from before a fork until after it."""
_files: weakref.WeakSet[SqliteStore] = weakref.WeakSet()
_held: list[SqliteStore] = []


def _hold() -> None:
    writer.pause()
    _forking.acquire()
    _held.extend(_files)
    for file in _held:
        file.pause()


def _let_go() -> None:
    while _held:
        _held.pop().resume()
    _forking.release()


def _in_parent() -> None:
    _let_go()
    writer.resume()


def _in_child() -> None:
    _let_go()
    writer.reset_after_fork()


def _at_exit() -> None:
    _hold()
    _in_parent()


atexit.register(_at_exit)  # now, so that it runs after the exit hooks of those who will write
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold, after_in_parent=_in_parent, after_in_child=_in_child)
