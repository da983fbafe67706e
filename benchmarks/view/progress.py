"""The progress of a run, from the state of each result only, so that hundreds of runs are listed quickly."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.folder_lock import is_writing
from reasoning.benchmarks.results.jsonl_tail import JsonlTail
from reasoning.errors import InputError

RUNNING, DONE, STOPPED = "running", "done", "stopped"
_RECENT = 20
"""Seconds after the last write in which a run counts as running where locks cannot be read."""
_BETWEEN = 256
"""The lines that are read between two looks at the clock."""
_WINDOW = 60
"""Seconds over which the speed of a run is measured."""


@dataclass
class RunProgress:
    """The progress of one run.

    Attributes:
        folder: the results folder.
        head: its settings, strategies and metadata; None before the first look and if it is damaged.
        error: the reason why the folder cannot be read, or "".
        is_reading: the folder holds more than was read up to now, so the numbers are too small.
        damaged: the first damaged line of the results, or "".
        problems: a number for each problem by its id; equal numbers stand for equal problems.
        right, counted, failed: the number of results by strategy: right, answered or unparsed, and failed.
    """

    folder: Path
    head: ResultsFolder | None = None
    error: str = ""
    is_reading: bool = False
    damaged: str = ""
    problems: dict[str, int] = field(default_factory=dict, repr=False)
    right: dict[str, int] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    _states: dict[tuple[str, str, int], tuple[bool, bool]] = field(default_factory=dict, repr=False)
    _stamp: tuple[int, int, int] = (0, 0, 0)
    _speed: deque[tuple[float, int]] = field(default_factory=deque, repr=False)

    def __post_init__(self) -> None:
        self._results, self._problems = (JsonlTail(self.folder / f"{name}.jsonl") for name in ("results", "problems"))

    def refresh(self, deadline: float = math.inf) -> None:
        """Read what was added to the folder since the last look.

        Args:
            deadline: the time of `time.monotonic` after which the rest is left to the next call.
        """
        self.error = ""
        try:
            self._read_head()
            if self._results.is_replaced() or self._problems.is_replaced():
                self._forget()
            self.is_reading = not (
                self._read_lines(self._problems, deadline, lambda number, line: self._add_problem(line))
                and self._read_lines(self._results, deadline, self._count)
            )
        except InputError as error:
            self.error = str(error)
        if self.is_reading:
            return
        now = time.monotonic()
        self._speed.append((now, self.done))
        while now - self._speed[0][0] > _WINDOW:
            self._speed.popleft()

    @property
    def done(self) -> int:
        """The number of results that need not be made again."""
        return sum(self.counted.values())

    @property
    def total(self) -> int | None:
        """The number of results of a complete run; None if the folder does not say."""
        expected = self._expected()
        return max(sum(expected.values()), self.done) if expected else None

    @property
    def state(self) -> str:
        """`RUNNING` while a process fills the folder, else `DONE` if nothing is missing, or `STOPPED`."""
        writing = is_writing(self.folder)
        if writing is None:
            writing = time.time() - self.updated < _RECENT
        if writing:
            return RUNNING
        return DONE if self.total is None or self.done >= self.total else STOPPED

    @property
    def updated(self) -> float:
        """The time of the last write, in seconds since the epoch."""
        times = [0.0]
        for name in ("run.json", "results.jsonl"):
            try:
                times.append((self.folder / name).stat().st_mtime)
            except OSError:
                continue
        return max(times)

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the run is done at the speed of the last minute; None if that is unknown."""
        if not self._speed:
            return None
        (then, was), (now, done), total = self._speed[0], self._speed[-1], self.total
        if total is None or done <= was or now - then < 5:
            return None
        return (total - done) * (now - then) / (done - was)

    def _read_head(self) -> None:
        path = self.folder / "run.json"
        try:
            now = path.stat()
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        stamp = (now.st_ino, now.st_size, now.st_mtime_ns)
        if stamp != self._stamp or self.head is None:
            self.head = None
            self.head = ResultsFolder.read_run_file(self.folder)
            self._stamp = stamp

    def _read_lines(self, tail: JsonlTail, deadline: float, take: Callable[[int, bytes], None]) -> bool:
        """Read new lines, and return whether that are all."""
        for number, _, line in tail.read():
            take(number, line)
            if number % _BETWEEN == 0 and time.monotonic() > deadline:
                return False
        return True

    def _forget(self) -> None:
        self._results, self._problems = JsonlTail(self._results.path), JsonlTail(self._problems.path)
        self.damaged = ""
        for counts in (self.problems, self.right, self.counted, self.failed, self._states):
            counts.clear()

    def _count(self, number: int, line: bytes) -> None:
        try:
            record: dict[str, Any] = json.loads(line)
            key = str(record["problem"]), str(record["strategy"]), int(record.get("epoch", 0))
            now = record["state"] == "failed", record["correct"] is True
        except (ValueError, KeyError, TypeError, RecursionError):
            self.damaged = self.damaged or f"{self._results.path}:{number}: damaged record, left out"
            return
        if key in self._states:
            self._add(key[1], *self._states[key], by=-1)
        self._states[key] = now
        self._add(key[1], *now, by=1)

    def _add_problem(self, line: bytes) -> None:
        try:
            record = json.loads(line)
            parts = [record["question"], record["target"], record.get("context"), record.get("kind")]
            self.problems[str(record["id"])] = hash(json.dumps(parts))
        except (ValueError, KeyError, TypeError, RecursionError):
            self.damaged = self.damaged or f"{self._problems.path}:{self._problems.lines}: damaged record, left out"

    def _add(self, spec: str, is_failed: bool, is_right: bool, by: int) -> None:
        counts = self.failed if is_failed else self.counted
        counts[spec] = counts.get(spec, 0) + by
        if is_right:
            self.right[spec] = self.right.get(spec, 0) + by

    def _expected(self) -> dict[str, int]:
        """Return the number of results of each strategy that the commands of the run ask for."""
        expected: dict[str, int] = {}
        metadata = self.head.metadata if self.head else {}
        stopped = _mapping(_mapping(metadata.get("race")).get("stopped"))
        invocations = metadata.get("invocations")
        for one in invocations if isinstance(invocations, list) else []:
            try:
                finished = _mapping(metadata.get("completed_within")).get(str(one.get("time_limit")))
                limits = [limit for limit in (one.get("limit"), finished, self._problems.lines) if limit]
                count = min(limits, default=0) * int(one.get("epochs", 1))
                for spec in one["strategies"]:
                    done = self.counted.get(spec, 0)
                    expected[spec] = done if spec in stopped else max(expected.get(spec, 0), count)
            except (AttributeError, KeyError, TypeError, ValueError):
                continue
        return expected


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
