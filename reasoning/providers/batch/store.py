"""The batches of a journal, in a SQLite file next to it: what was submitted, and what has come back.

A line of a batch is in one of three states: "sent" (it is in a batch that is being submitted, or was), "done" (its
reply is here) and "failed". The file is written before anything is sent, so that a killed process leaves no line that
is paid for and not known.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path

from reasoning.providers.batch.store_file import StoreFile
from reasoning.providers.batch.stored import StoredBatch, StoredLine, to_batch, to_line

_KEPT_DAYS = 30
"""Days after which a batch is forgotten: providers delete results after 29 or 30 days."""
_CUSTOM_ID_KEY = 40
"""Digits of a key in a line's id, which may have 64 characters."""


class BatchStore(StoreFile):
    """The batches of one journal; see `StoreFile`."""

    @classmethod
    def next_to(cls, journal: Path) -> BatchStore:
        """Return the store of a journal's file."""
        return cls(store_path(journal))

    def find(self, key: str, draw: int) -> StoredLine | None:
        """Return the line that has a draw or will have it; None if the draw must be submitted."""
        query = "SELECT * FROM lines WHERE key = ? AND draw <= ? AND draw + n > ? AND state != 'failed' LIMIT 1"
        row = self.db.execute(query, (key, draw, draw)).fetchone()
        return None if row is None else to_line(row)

    def next_line(self, key: str, draw: int, n: int, *, tools: bool) -> StoredLine:
        """Return a new line, whose id differs from those of earlier attempts."""
        query = "SELECT MAX(attempt) FROM lines WHERE key = ? AND draw = ?"
        last = self.db.execute(query, (key, draw)).fetchone()[0]
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
        with self.write() as db:
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
        with self.write() as db:
            db.execute(
                "UPDATE batches SET state = 'sent', remote = ?, is_found = ? WHERE id = ?", (remote, is_found, batch)
            )

    def withdraw(self, batch: int) -> None:
        """Forget a batch that the provider does not have, so that its lines can be submitted again."""
        with self.write() as db:
            db.execute("DELETE FROM lines WHERE batch = ?", (batch,))
            db.execute("DELETE FROM batches WHERE id = ?", (batch,))

    def reject(self, batch: int, remote: str) -> None:
        """Record that a batch which was found in the provider's list is of another program."""
        known = [*self.batch(batch).not_ours, remote]
        with self.write() as db:
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
        with self.write() as db:
            for custom_id, n, reply in results:
                state = "failed" if reply is None else "done"
                db.execute(
                    "UPDATE lines SET state = ?, n = ?, reply = ? WHERE custom_id = ? AND state = 'sent'",
                    (state, n, reply, custom_id),
                )

    def end(self, batch: int, state: str = "ended", note: str = "") -> None:
        """Record that all results of a batch are here; the lines without one have failed."""
        with self.write() as db:
            db.execute("UPDATE lines SET state = 'failed' WHERE batch = ? AND state = 'sent'", (batch,))
            db.execute("UPDATE batches SET state = ?, note = ? WHERE id = ?", (state, note, batch))

    def collected(self, draws: Iterable[tuple[str, int]]) -> None:
        """Forget the replies of draws that the journal has committed."""
        with self.write() as db:
            for key, draw in draws:
                db.execute(
                    "UPDATE lines SET collected = collected + 1 "
                    "WHERE key = ? AND draw <= ? AND draw + n > ? AND state = 'done'",
                    (key, draw, draw),
                )
                db.execute("DELETE FROM lines WHERE key = ? AND state = 'done' AND collected >= n", (key,))

    def batch(self, number: int) -> StoredBatch:
        """Return a batch by its number here."""
        return to_batch(self.db.execute("SELECT * FROM batches WHERE id = ?", (number,)).fetchone())

    def batches(self, *states: str) -> list[StoredBatch]:
        """Return the batches in these states, or all, in the order of their submission."""
        rows = self.db.execute("SELECT * FROM batches ORDER BY id")
        return [batch for batch in map(to_batch, rows) if not states or batch.state in states]

    def lines(self, batch: int) -> list[StoredLine]:
        """Return the lines of a batch that are here, in the order of their ids."""
        return [to_line(row) for row in self.db.execute("SELECT * FROM lines WHERE batch = ?", (batch,))]

    def counts(self, batch: int) -> dict[str, int]:
        """Return the number of lines of a batch that are here, by state."""
        query = "SELECT state, COUNT(*) FROM lines WHERE batch = ? GROUP BY state"
        return {str(state): int(count) for state, count in self.db.execute(query, (batch,))}

    def forget_old(self) -> None:
        """Forget ended batches, and what is left of their lines, after the time for which providers keep results."""
        before = time.time() - _KEPT_DAYS * 86_400
        query = "SELECT id FROM batches WHERE state IN ('ended', 'cancelled') AND created < ?"
        old = [number for (number,) in self.db.execute(query, (before,))]
        for number in old:
            self.withdraw(number)


def store_path(journal: Path) -> Path:
    """Return the path of the file of batches of a journal."""
    return journal.with_name(f"{journal.name}.batches")
