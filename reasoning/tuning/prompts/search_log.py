"""The log of a search, one JSON object a line. A search that continues repeats its steps without a second entry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.jsonl_file import JsonlFile
from reasoning.messages import Usage

_IDENTITY = ("event", "key", "text", "number")


class SearchLog:
    """The events of a search, in order.

    A search that continues makes the same steps again from the journal. Its events are those of the file until a new
    one happens.

    Args:
        path: the file; None keeps the events in memory only.

    Attributes:
        events: the events so far.
    """

    def __init__(self, path: Path | None) -> None:
        self._file = None if path is None else JsonlFile(path)
        self._stored = list(self._file.read()) if self._file else []
        self.events: list[dict[str, Any]] = []

    def add(self, event: dict[str, Any], used: Usage) -> None:
        """Add an event with what the steps before it cost without the journal, unless the file has it already."""
        number = len(self.events)
        stored = self._stored[number] if number < len(self._stored) else None
        if stored is not None and all(stored.get(name) == event.get(name) for name in _IDENTITY):
            self.events.append(stored)
            return
        tokens = used.prompt_tokens + used.completion_tokens
        entry = {**event, "tokens": tokens, "calls": used.calls, "usd": used.usd}
        self.events.append(entry)
        if self._file is None:
            return
        if stored is not None:
            # A call that had failed succeeded this time: what followed was another search.
            self._rewrite()
        self._file.append(entry)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _rewrite(self) -> None:
        assert self._file is not None
        from reasoning.files import atomic_write
        from reasoning.text_safety import dump_json

        self._file.close()
        self._stored = []
        atomic_write(self._file.path, "".join(f"{dump_json(event, compact=True)}\n" for event in self.events[:-1]))
