"""The record of draws: (request, draw index) → completion, in one append-only SQLite file.

From this one record follow the cache, the extension of a pool of samples, and resume after a kill: a draw is written
before anyone sees it, and a draw that is there is never bought again. A failed call is no record.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable
from pathlib import Path

from reasoning import folders
from reasoning.errors import JournalError
from reasoning.llm.request import Completion, Request, Token, Usage

_SCHEMA = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS requests (key TEXT PRIMARY KEY, request TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS draws (
    key TEXT NOT NULL, draw INTEGER NOT NULL,
    text TEXT NOT NULL, finish_reason TEXT NOT NULL, reasoning TEXT NOT NULL, logprob TEXT,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL,
    usd REAL, seconds REAL NOT NULL, at TEXT NOT NULL DEFAULT (datetime('now')),
    PRIMARY KEY (key, draw)
) WITHOUT ROWID;
"""
_COLUMNS = "text, finish_reason, reasoning, logprob, prompt_tokens, completion_tokens, cached_tokens, usd, seconds"


class Journal:
    """A record of draws in a file, or in memory when `path` is None.

    Opens on the first use; several processes and threads may use one file.

    Raises (from `read` and `write`):
        JournalError: the file is damaged, of a newer version, or cannot be written. What was there is kept.
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = None if path is None else Path(path).expanduser()
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def of_the_user(cls) -> Journal:
        """The one journal that every run of this user shares, so that money spent once serves every later run."""
        return cls(folders.data() / "journal.sqlite")

    def read(self, key: str, draws: Iterable[int]) -> dict[int, Completion]:
        """The recorded draws among those asked for; marked as not spent now."""
        wanted = list(draws)
        if self._connection is None and self.path is not None and not self.path.exists():
            return {}
        marks = ", ".join("?" * len(wanted))
        query = f"SELECT draw, {_COLUMNS} FROM draws WHERE key = ? AND draw IN ({marks})"
        with self._lock, self._saying("read"):
            rows = self._open().execute(query, (key, *wanted)).fetchall()
        return {row[0]: _completion(key, row) for row in rows}

    def write(self, request: Request, completions: Iterable[Completion]) -> None:
        """Record draws; one that is already there is left as it is."""
        asked = json.dumps(
            {"endpoint": request.endpoint, "model": request.model, "messages": request.messages, **request.sampling},
            ensure_ascii=False,
        )
        rows = [
            (
                *(
                    request.key,
                    one.draw,
                    _storable(one.text),
                    one.finish_reason,
                    _storable(one.reasoning),
                    json.dumps(one.tokens) if one.tokens else None,
                ),
                *(one.usage.prompt_tokens, one.usage.completion_tokens, one.usage.cached_tokens),
                *(one.usage.usd, one.usage.seconds),
            )
            for one in completions
        ]
        insert = f"INSERT OR IGNORE INTO draws (key, draw, {_COLUMNS}) VALUES ({', '.join('?' * 11)})"
        with self._lock, self._saying("written"):
            connection = self._open()
            with connection:  # one transaction
                connection.execute("INSERT OR IGNORE INTO requests VALUES (?, ?)", (request.key, _storable(asked)))
                connection.executemany(insert, rows)

    def __len__(self) -> int:
        """The number of recorded draws."""
        with self._lock, self._saying("read"):
            return int(self._open().execute("SELECT count(*) FROM draws").fetchone()[0])

    def close(self) -> None:
        """Close the file. The journal opens again on its next use."""
        with self._lock:
            if self._connection is not None and self.path is not None:  # a record in memory would be lost
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path or ":memory:", timeout=30, check_same_thread=False)
            try:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                if version > _SCHEMA:
                    raise JournalError(
                        f"{self.path} was written by a newer version of this library (format {version}, "
                        f"this one reads up to {_SCHEMA}): update it, or give another file with --journal"
                    )
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")  # survives a killed process, and most power cuts
                connection.executescript(_TABLES)
                connection.execute(f"PRAGMA user_version = {_SCHEMA}")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
            weakref.finalize(self, connection.close)
        return self._connection

    def _saying(self, done: str) -> _Saying:
        return _Saying(f"the journal {self.path or 'in memory'} cannot be {done}")


class _Saying:
    """Turns what SQLite and the file system say into an error for people."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, sqlite3.Error | OSError):
            raise JournalError(f"{self.what}: {error}; give another file with --journal, or none") from error


def _storable(text: str) -> str:
    """SQLite stores UTF-8: a lone surrogate, which broken servers send, becomes a replacement character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _completion(key: str, row: tuple[object, ...]) -> Completion:
    draw, text, finish_reason, reasoning, logprob, prompt, completion, cached, usd, seconds = row
    usage = Usage(1, prompt, completion, cached, usd, seconds)  # type: ignore[arg-type]  # the columns have types
    tokens = tuple(Token(one[0], one[1], tuple(map(tuple, one[2]))) for one in json.loads(logprob or "[]"))  # type: ignore[arg-type]
    return Completion(text, finish_reason, usage, reasoning, tokens, key=key, draw=draw, spent=False)  # type: ignore[arg-type]
