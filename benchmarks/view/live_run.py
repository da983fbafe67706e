"""One run that is open: its results and the places of its traces, read incrementally while it grows."""

from __future__ import annotations

import math
import threading
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from reasoning.benchmarks.report import page_data
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.jsonl_tail import JsonlTail
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.benchmarks.results.result_table import ResultTable
from reasoning.errors import InputError
from reasoning.files import parse_json_object
from reasoning.pages.drawn_trace import draw_stage
from reasoning.text_safety import dump_json

_FILES = ("problems", "results")
_BETWEEN = 256
"""The lines that are read between two looks at the clock."""
_MAX_WARNINGS = 20


class LiveRun:
    """A results folder in memory that follows the files. A damaged line is left out and named.

    Args:
        folder: the results folder.

    Attributes:
        folder: the results folder.
        store: its settings, problems and results. They grow; use `snapshot` in another thread.
        answers: the results by problem, strategy and epoch.
        warnings: the damaged lines.
        is_reading: the folder holds more than was read up to now.
        version: a number that grows with every change.
        selected: the problems that were selected last, with the version and the query.
        lock: held while the run is read.

    Raises:
        InputError: `run.json` is damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.lock, self.version = folder, threading.RLock(), 0
        self.selected: tuple[Any, list[str]] | None = None
        self._start()

    def _start(self) -> None:
        self.store = ResultsFolder.read_run_file(self.folder)
        self.answers: dict[str, dict[str, dict[int, Result]]] = {}
        self.warnings: list[str] = []
        self.is_reading = True
        self._stamp = self._run_file_stamp()
        self._tails = {name: JsonlTail(self.folder / f"{name}.jsonl") for name in _FILES}
        self._traces = JsonlTail(self.folder / "traces.jsonl")
        self._places: dict[ResultKey, tuple[int, int, int]] = {}
        self._haystacks: dict[str, str] = {}

    def refresh(self, deadline: float = math.inf) -> None:
        """Read what was added since the last look; read everything again if a file was replaced.

        Args:
            deadline: the time of `time.monotonic` after which the rest is left to the next call.
        """
        with self.lock:
            if any(tail.is_replaced() for tail in (*self._tails.values(), self._traces)):
                self._start()
                self.version += 1
            before = [tail.offset for tail in self._tails.values()]
            if (stamp := self._run_file_stamp()) != self._stamp:
                now = ResultsFolder.read_run_file(self.folder)
                self.store.settings, self.store.metadata, self.store.specs = now.settings, now.metadata, now.specs
                self._stamp = stamp
                self.version += 1
            was_reading = self.is_reading
            self.is_reading = not all(self._read(name, tail, deadline) for name, tail in self._tails.items())
            self.version += was_reading != self.is_reading
            self.version += before != [tail.offset for tail in self._tails.values()]

    def snapshot(self) -> ResultsFolder:
        """Return a copy of the results that no longer grows, without results of unknown problems."""
        with self.lock:
            known = {key: result for key, result in self.store.results.items() if key.problem in self.store.examples}
            return replace(
                self.store,
                results=ResultTable.of(known),
                examples=dict(self.store.examples),
                specs=list(self.store.specs),
            )

    def states(self, problem: str) -> list[str]:
        """Return one letter per repetition of a problem for each strategy; see `page_data.state`."""
        by_spec = self.answers.get(problem, {})
        return ["".join(map(page_data.state, by_spec.get(spec, {}).values())) for spec in self.store.specs]

    def trace(self, key: ResultKey) -> list[Any] | None:
        """Return a trace in the form of `draw_stage`; None if none was recorded.

        Raises:
            InputError: the trace is damaged.
        """
        path = self._traces.path
        with self.lock:
            self._read("traces", self._traces)
            if key not in self._places:
                return None
            number, offset, length = self._places[key]
        try:
            with path.open("rb") as file:
                file.seek(offset)
                record = parse_json_object(file.read(length), f"{path}:{number}")
            return draw_stage(record["trace"])
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}:{number}: damaged record: {error!r}") from None

    def haystack(self, problem: str) -> str:
        """Return the text in which a problem is searched, in lower case."""
        if problem not in self._haystacks:
            example = self.store.examples[problem]
            parts = [problem, example.problem.values()["problem"], str(example.target)]
            for by_epoch in self.answers.get(problem, {}).values():
                parts += [f"{result.value or ''} {result.rule or result.reason}" for result in by_epoch.values()]
            self._haystacks[problem] = "\n".join(parts).lower()
        return self._haystacks[problem]

    def find_in_traces(self, text: str) -> set[str]:
        """Return the problems with a text, which is in lower case, in a prompt or a reply."""
        wanted = dump_json(text)[1:-1].encode("utf-8", "replace")
        found = set()
        with self.lock, suppress(FileNotFoundError), self._traces.path.open("rb") as file:
            self._read("traces", self._traces)
            for key, (_, offset, length) in self._places.items():
                if key.problem not in found:
                    file.seek(offset)
                    if wanted in file.read(length).decode("utf-8", "replace").lower().encode("utf-8", "replace"):
                        found.add(key.problem)
        return found

    def _read(self, name: str, tail: JsonlTail, deadline: float = math.inf) -> bool:
        """Read new lines, and return whether that are all."""
        lines = tail.read()
        while True:
            try:
                number, offset, line = next(lines)
            except StopIteration:
                return True
            except InputError as error:
                self._warn(error)
                return True
            try:
                self._take(name, tail.path, number, offset, line)
            except InputError as error:
                self._warn(error)
            if number % _BETWEEN == 0 and time.monotonic() > deadline:
                return False

    def _take(self, name: str, path: Path, number: int, offset: int, line: bytes) -> None:
        if name == "traces":
            key = page_data.trace_key(path, number, line)
            self._places[ResultKey(str(key.problem), str(key.strategy), key.epoch)] = number, offset, len(line)
            return
        record = parse_json_object(line, f"{path}:{number}")
        if name == "problems":
            self.store.load_problem(record, number)
            return
        result = self.store.load_result(record, number)
        self._haystacks.pop(result.problem, None)
        self.answers.setdefault(result.problem, {}).setdefault(result.strategy, {})[result.epoch] = result

    def _warn(self, error: InputError) -> None:
        warning = f"{error}; this line is left out"
        if len(self.warnings) < _MAX_WARNINGS and warning not in self.warnings:
            self.warnings.append(warning)

    def _run_file_stamp(self) -> tuple[int, int]:
        try:
            now = (self.folder / "run.json").stat()
        except OSError as error:
            raise InputError(f"{self.folder / 'run.json'}: cannot be read: {error.strerror}") from None
        return now.st_ino, now.st_mtime_ns
