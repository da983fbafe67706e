"""The rows of a file that `chain run --out` writes, JSON lines or CSV, also while it grows."""

from __future__ import annotations

import csv
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.folder_lock import is_locked
from reasoning.benchmarks.results.jsonl_tail import JsonlTail
from reasoning.benchmarks.view.progress import DONE, RUNNING, STOPPED
from reasoning.errors import InputError
from reasoning.files import max_bytes, parse_json_object

_WRITTEN = re.compile(r"\.(.+)\.part")
_RECENT = 20
"""Seconds after the last write in which a file counts as being written where locks cannot be read."""
_FIXED = ("id", "state", "value", "reason", "fallbacks")


class OutputFile:
    """The rows of one output.

    Args:
        path: the file.

    Attributes:
        path: the file.
        counts: the number of rows by state.
        warnings: the damaged lines, at most 20.
        version: a number that grows with every change.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.version = path, 0
        self._is_csv = (self._written_name or path.name).lower().endswith(".csv")
        self._start()

    def _start(self) -> None:
        self.counts: Counter[str] = Counter()
        self.warnings: list[str] = []
        self._tail = JsonlTail(self.path)
        self._rows: list[Any] = []
        """The offset and the length of each line; of a CSV file, the rows."""
        self._stamp: tuple[int, int, int] | None = None

    @property
    def _written_name(self) -> str:
        match = _WRITTEN.fullmatch(self.path.name)
        return match[1] if match else ""

    @property
    def title(self) -> str:
        """The name of the file that the command was told to write."""
        return self._written_name or self.path.name

    @property
    def state(self) -> str:
        """`RUNNING` while a process writes it, `DONE`, or `STOPPED` for the rows of a command that was stopped."""
        if not self._written_name:
            return STOPPED if self.path.stem.endswith(".part") else DONE
        locked = is_locked(self.path.with_name(f".{self._written_name}.spending.jsonl"))
        if locked is None:
            locked = time.time() - self.updated < _RECENT
        return RUNNING if locked else STOPPED

    @property
    def updated(self) -> float:
        """The time of the last write, in seconds since the epoch; 0 if the file is gone."""
        try:
            return self.path.stat().st_mtime
        except OSError:
            return 0.0

    def __len__(self) -> int:
        return len(self._rows)

    def refresh(self) -> None:
        """Read what was added since the last look.

        Raises:
            InputError: the file cannot be read.
        """
        if self._is_csv:
            self._read_csv()
            return
        if self._tail.is_replaced():
            self._start()
            self.version += 1
        for number, offset, line in self._tail.read():
            self.version += 1
            try:
                row = parse_json_object(line, f"{self.path}:{number}")
            except InputError as error:
                if len(self.warnings) < 20:
                    self.warnings.append(str(error))
                continue
            self.counts[str(row.get("state"))] += 1
            self._rows.append((offset, len(line)))

    def rows(self, numbers: list[int]) -> list[dict[str, Any]]:
        """Return rows by their numbers from 0: id, state, value or reason, and the values of the steps.

        Raises:
            InputError: the file cannot be read, or was replaced meanwhile.
        """
        if self._is_csv:
            return [self._rows[number] for number in numbers]
        try:
            with self.path.open("rb") as file:
                found = []
                for number in numbers:
                    offset, length = self._rows[number]
                    file.seek(offset)
                    found.append(parse_json_object(file.read(length), f"{self.path}: row {number + 1}"))
                return found
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from None

    def find(self, state: str, text: str) -> list[int]:
        """Return the numbers of the rows with a state ("" for any) and a text in them, in any case."""
        wanted = text.lower()
        if not state and not wanted:
            return list(range(len(self)))
        found = []
        for number in range(len(self)):
            [row] = self.rows([number])
            if (not state or row.get("state") == state) and (
                not wanted or wanted in json.dumps(row, ensure_ascii=False).lower()
            ):
                found.append(number)
        return found

    def _read_csv(self) -> None:
        try:
            now = self.path.stat()
            stamp = (now.st_ino, now.st_size, now.st_mtime_ns)
            if stamp == self._stamp:
                return
            self._start()
            self.version, self._stamp = self.version + 1, stamp
            csv.field_size_limit(max_bytes())
            with self.path.open(encoding="utf-8", errors="replace", newline="") as file:
                for row in csv.DictReader(file):
                    steps = {name: value for name, value in row.items() if name and name not in _FIXED}
                    kept = {name: row[name] for name in _FIXED if row.get(name)}
                    self._rows.append({**kept, "steps": steps})
                    self.counts[str(row.get("state"))] += 1
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read: {error.strerror}") from None
        except csv.Error as error:
            raise InputError(f"{self.path}: not CSV: {error}") from None
