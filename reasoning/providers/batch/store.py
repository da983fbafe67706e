"""The batches of a journal, in a SQLite file next to it: what was submitted, and what has come back.

A line of a batch is in one of three states: "sent" (it is in a batch that is being submitted, or was), "done" (its
reply is here) and "failed". The file is written before anything is sent, so that a killed process leaves no line that
is paid for and not known.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reasoning.errors import JournalError

_TABLES = """
CREATE TABLE batches(
    id INTEGER PRIMARY KEY AUTOINCREMENT, label TEXT UNIQUE NOT NULL, api TEXT NOT NULL, model TEXT NOT NULL,
    endpoint TEXT NOT NULL, state TEXT NOT NULL, remote TEXT NOT NULL DEFAULT '', is_found INTEGER NOT NULL DEFAULT 0,
    not_ours TEXT NOT NULL DEFAULT '[]', lines INTEGER NOT NULL, tokens INTEGER NOT NULL, created REAL NOT NULL,
    note TEXT NOT NULL DEFAULT '');
CREATE TABLE lines(
    custom_id TEXT PRIMARY KEY, batch INTEGER NOT NULL, key TEXT NOT NULL, draw INTEGER NOT NULL, n INTEGER NOT NULL,
    attempt INTEGER NOT NULL, tools INTEGER NOT NULL, state TEXT NOT NULL, reply TEXT,
    collected INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX lines_key ON lines(key, draw);
CREATE INDEX lines_batch ON lines(batch);
CREATE TABLE store(id TEXT NOT NULL);
"""
_LOCK_SECONDS = 30.0
_LOCK_PAUSE = 0.2
"""Seconds between two attempts to become the process that submits."""
_KEPT_DAYS = 30
"""Days after which a batch is forgotten: providers delete results after 29 or 30 days."""
_CUSTOM_ID_KEY = 40
"""Digits of a key in a line's id, which may have 64 characters."""


@dataclass(frozen=True)
class StoredBatch:
    """A batch.

    Attributes:
        id: its number here.
        label: the label by which the provider's list knows it.
        api, model, endpoint: the API, the model and the endpoint, empty for the provider's own.
        state: "intended" (perhaps submitted), "sent", "ended", or "cancelled".
        remote: the provider's id; empty until it is known.
        is_found: whether the id was found in the provider's list, which does not say that it is ours.
        not_ours: ids that were found, and turned out to be of another program.
        lines, tokens: the number of lines, and the estimated tokens of their prompts.
        created: the time of the submission, in seconds since 1970.
    """

    id: int
    label: str
    api: str
    model: str
    endpoint: str
    state: str
    remote: str
    is_found: bool
    not_ours: tuple[str, ...]
    lines: int
    tokens: int
    created: float


@dataclass(frozen=True)
class StoredLine:
    """A line of a batch: the draws `draw` to `draw + n - 1` of one request.

    Attributes:
        custom_id: its id.
        batch: the number of its batch.
        key: the key of the request.
        draw, n: the index of the first draw, and the number of draws.
        attempt: the number of earlier lines for these draws, which failed.
        tools: whether the request had tools.
        state: "sent", "done" or "failed".
        reply: the response as JSON; None until it is done.
    """

    custom_id: str
    batch: int
    key: str
    draw: int
    n: int
    attempt: int
    tools: bool
    state: str
    reply: str | None


class BatchStore:
    """The batches of one journal.

    Args:
        path: the file; it is created if it is missing.

    Attributes:
        id: the identity of this file, which another file at its place would not have.
        is_closed: whether it was closed.

    Raises:
        JournalError: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._process = 0
        self.is_closed = False
        self._open()

    @classmethod
    def next_to(cls, journal: Path) -> BatchStore:
        """Return the store of a journal's file."""
        return cls(store_path(journal))

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Autocommit, since `_write` begins and ends each transaction.
            self._file = sqlite3.connect(
                self.path, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._file.row_factory = sqlite3.Row
            self._file.execute("PRAGMA journal_mode = WAL")
            # An intent must be on the disk before the batch is sent, also after a power cut.
            self._file.execute("PRAGMA synchronous = FULL")
            self._file.execute("BEGIN IMMEDIATE")
            if not self._file.execute("SELECT 1 FROM sqlite_master WHERE name = 'store'").fetchone():
                for statement in filter(str.strip, _TABLES.split(";")):
                    self._file.execute(statement)
                self._file.execute("INSERT INTO store VALUES (?)", (uuid.uuid4().hex[:12],))
            self._file.execute("COMMIT")
            self.id = str(self._file.execute("SELECT id FROM store").fetchone()[0])
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None
        self._process = os.getpid()

    @property
    def _db(self) -> sqlite3.Connection:
        # SQLite forbids the use of a connection in the child of a fork, even to close it.
        if self._process != os.getpid():
            self._kept = self._file
            self._open()
        return self._file

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Enter a transaction, which is committed when the block ends without an error."""
        try:
            db = self._db
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise self._error(error) from None

    def _error(self, error: Exception) -> JournalError:
        reason = getattr(error, "strerror", None) or error
        return JournalError(
            f"{self.path}: the file of batches cannot be used: {reason}; no batch is sent that is not recorded"
        )

    def find(self, key: str, draw: int) -> StoredLine | None:
        """Return the line that has a draw or will have it; None if the draw must be submitted."""
        query = "SELECT * FROM lines WHERE key = ? AND draw <= ? AND draw + n > ? AND state != 'failed' LIMIT 1"
        row = self._db.execute(query, (key, draw, draw)).fetchone()
        return None if row is None else _line(row)

    def next_line(self, key: str, draw: int, n: int, *, tools: bool) -> StoredLine:
        """Return a new line, whose id differs from those of earlier attempts."""
        query = "SELECT MAX(attempt) FROM lines WHERE key = ? AND draw = ?"
        last = self._db.execute(query, (key, draw)).fetchone()[0]
        attempt = 0 if last is None else int(last) + 1
        return StoredLine(f"{key[:_CUSTOM_ID_KEY]}-{draw}x{n}-{attempt}", 0, key, draw, n, attempt, tools, "sent", None)

    def intend(self, api: str, model: str, endpoint: str, tokens: int, lines: Sequence[StoredLine]) -> StoredBatch:
        """Record that a batch will be submitted.

        Args:
            api: the API.
            model: the model.
            endpoint: the endpoint; empty for the provider's own.
            tokens: the estimated tokens of the prompts.
            lines: its lines.
        """
        label = f"reasoning-{uuid.uuid4().hex}"
        with self._write() as db:
            values = (label, api, model, endpoint, "intended", len(lines), tokens, time.time())
            number = db.execute(
                "INSERT INTO batches(label, api, model, endpoint, state, lines, tokens, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            ).lastrowid
            db.executemany(
                "INSERT INTO lines(custom_id, batch, key, draw, n, attempt, tools, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, 'sent')",
                [(one.custom_id, number, one.key, one.draw, one.n, one.attempt, one.tools) for one in lines],
            )
        return self.batch(int(number or 0))

    def sent(self, batch: int, remote: str, *, is_found: bool = False) -> None:
        """Record the provider's id of a batch."""
        with self._write() as db:
            db.execute(
                "UPDATE batches SET state = 'sent', remote = ?, is_found = ? WHERE id = ?", (remote, is_found, batch)
            )

    def withdraw(self, batch: int) -> None:
        """Forget a batch that the provider does not have, so that its lines can be submitted again."""
        with self._write() as db:
            db.execute("DELETE FROM lines WHERE batch = ?", (batch,))
            db.execute("DELETE FROM batches WHERE id = ?", (batch,))

    def reject(self, batch: int, remote: str) -> None:
        """Record that a batch which was found in the provider's list is of another program."""
        known = [*self.batch(batch).not_ours, remote]
        with self._write() as db:
            db.execute(
                "UPDATE batches SET state = 'intended', remote = '', not_ours = ? WHERE id = ?",
                (json.dumps(known), batch),
            )

    def save(self, results: Iterable[tuple[str, int, str | None]]) -> None:
        """Record results.

        Args:
            results: the id of each line, the number of its draws, and its response as JSON; None for a failed line,
                whose draws may then be submitted again.
        """
        with self._write() as db:
            for custom_id, n, reply in results:
                state = "failed" if reply is None else "done"
                db.execute(
                    "UPDATE lines SET state = ?, n = ?, reply = ? WHERE custom_id = ? AND state = 'sent'",
                    (state, n, reply, custom_id),
                )

    def end(self, batch: int, state: str = "ended", note: str = "") -> None:
        """Record that all results of a batch are here; the lines without one have failed."""
        with self._write() as db:
            db.execute("UPDATE lines SET state = 'failed' WHERE batch = ? AND state = 'sent'", (batch,))
            db.execute("UPDATE batches SET state = ?, note = ? WHERE id = ?", (state, note, batch))

    def collected(self, draws: Iterable[tuple[str, int]]) -> None:
        """Forget the replies of draws that the journal has committed."""
        with self._write() as db:
            for key, draw in draws:
                db.execute(
                    "UPDATE lines SET collected = collected + 1 "
                    "WHERE key = ? AND draw <= ? AND draw + n > ? AND state = 'done'",
                    (key, draw, draw),
                )
                db.execute("DELETE FROM lines WHERE key = ? AND state = 'done' AND collected >= n", (key,))

    def batch(self, number: int) -> StoredBatch:
        """Return a batch by its number here."""
        return _batch(self._db.execute("SELECT * FROM batches WHERE id = ?", (number,)).fetchone())

    def batches(self, *states: str) -> list[StoredBatch]:
        """Return the batches in these states, or all, in the order of their submission."""
        rows = self._db.execute("SELECT * FROM batches ORDER BY id")
        return [batch for batch in map(_batch, rows) if not states or batch.state in states]

    def lines(self, batch: int) -> list[StoredLine]:
        """Return the lines of a batch that are here, in the order of their ids."""
        return [_line(row) for row in self._db.execute("SELECT * FROM lines WHERE batch = ?", (batch,))]

    def counts(self, batch: int) -> dict[str, int]:
        """Return the number of lines of a batch that are here, by state."""
        query = "SELECT state, COUNT(*) FROM lines WHERE batch = ? GROUP BY state"
        return {str(state): int(count) for state, count in self._db.execute(query, (batch,))}

    def forget_old(self) -> None:
        """Forget ended batches, and what is left of their lines, after the time for which providers keep results."""
        before = time.time() - _KEPT_DAYS * 86_400
        query = "SELECT id FROM batches WHERE state IN ('ended', 'cancelled') AND created < ?"
        old = [number for (number,) in self._db.execute(query, (before,))]
        for number in old:
            self.withdraw(number)

    @asynccontextmanager
    async def submitting(self) -> AsyncIterator[None]:
        """Wait until no other process submits a batch of this store, and keep the others from it until the block ends.

        The operating system releases the lock when the process ends, however it ends.
        """
        with self.path.with_name(f"{self.path.name}.lock").open("a+b") as lock:
            # A wait for a file lock would need a thread.
            while not _try_lock(lock):  # noqa: ASYNC110
                await asyncio.sleep(_LOCK_PAUSE)
            yield

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._process == os.getpid():
            self._file.close()
        self.is_closed = True


def store_path(journal: Path) -> Path:
    """Return the path of the file of batches of a journal."""
    return journal.with_name(f"{journal.name}.batches")


def _try_lock(file: IO[bytes]) -> bool:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _batch(row: sqlite3.Row) -> StoredBatch:
    return StoredBatch(
        row["id"],
        row["label"],
        row["api"],
        row["model"],
        row["endpoint"],
        row["state"],
        row["remote"],
        bool(row["is_found"]),
        tuple(json.loads(row["not_ours"])),
        row["lines"],
        row["tokens"],
        row["created"],
    )


def _line(row: sqlite3.Row) -> StoredLine:
    custom_id, batch, key, draw, n = (row[name] for name in ("custom_id", "batch", "key", "draw", "n"))
    return StoredLine(custom_id, batch, key, draw, n, row["attempt"], bool(row["tools"]), row["state"], row["reply"])
