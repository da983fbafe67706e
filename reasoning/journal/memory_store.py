"""A journal's record in memory, for one process and as long as it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from reasoning.journal.codec import Record, Row


class MemoryStore:
    """What a `SqliteStore` is, without a file."""

    def __init__(self) -> None:
        self._requests: dict[str, tuple[str, str]] = {}
        self._rows: dict[tuple[str, int], Row] = {}

    def rows(self, key: str, draws: Sequence[int]) -> list[Row]:
        """Those of the draws that are recorded."""
        return [row for draw in draws if (row := self._rows.get((key, draw)))]

    def request(self, key: str) -> tuple[str, str] | None:
        """The model and the canonical JSON of a recorded request."""
        return self._requests.get(key)

    def count(self) -> int:
        """How many draws are recorded."""
        return len(self._rows)

    def highest_draw(self) -> int | None:
        """The highest index of a recorded draw."""
        return max((draw for _, draw in self._rows), default=None)

    def put(self, entry: Record) -> None:
        """Record an entry; a draw that is there already is left as it is."""
        key = entry.key.hex()
        self._requests.setdefault(key, (entry.model, entry.request))
        for row in entry.rows:
            self._rows.setdefault((key, row[0]), row)

    def close(self) -> None:
        """Nothing to close: what is recorded is kept."""
