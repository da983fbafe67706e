"""The data of the report's page, gzipped and in base64. The browser unpacks it when it is shown."""

from __future__ import annotations

import base64
import gzip
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from reasoning.benchmarks.report.pictures import Pictures
from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.errors import InputError
from reasoning.files import parse_json_object
from reasoning.pages.drawn_trace import draw_stage
from reasoning.problem import Problem
from reasoning.tables import pluralize

_GROUP = 1 << 18
"""The bytes of traces that are packed together. Similar prompts compress well together, and this amount
is unpacked in a few milliseconds."""
_STATES = {(True, "answered"): "r", (False, "answered"): "w", (False, "unparsed"): "u"}


def pack(data: Any) -> str:
    """Return data as gzipped JSON in base64."""
    return _squeezed(_json(data))


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _squeezed(text: bytes) -> str:
    return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode("ascii")


def embed_json(data: Any) -> str:
    """Return data as JSON for a script element, without text that ends the element or begins a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def state(result: Result) -> str:
    """Return the state of a result as one letter: r (right), w (wrong), u (unparsed) or f (failed)."""
    return _STATES.get((bool(result.correct), result.state), "f")


def states(data: ReportData, problems: Sequence[str]) -> list[str]:
    """Return for each problem one letter per repetition, with commas between the strategies."""
    cells: dict[tuple[str, str], str] = {}
    for result in data.comparison.results.of_problems(problems):
        key = result.problem, result.strategy
        cells[key] = cells.get(key, "") + state(result)
    return [",".join(cells.get((problem, spec), "") for spec in data.specs) for problem in problems]


def details(data: ReportData, problems: Sequence[str]) -> dict[str, Any]:
    """Return for each problem its question, its target, and all results in order.

    A result has the form of `result_fields`. Rules are indices of a list. A problem with images has their
    labels and data URLs, too.

    Args:
        data: the report.
        problems: the ids of the problems, in order.
    """
    number = {spec: index for index, spec in enumerate(data.specs)}
    rules: dict[str, int] = {}
    by_problem: dict[str, list[Any]] = {problem: [] for problem in problems}
    for result in data.comparison.results.of_problems(problems):
        by_problem[result.problem].append(result_fields(result, number[result.strategy], rules))
    examples = data.folder.examples
    pictures = Pictures(data.folder)
    rows = []
    for name in problems:
        problem = examples[name].problem
        row: list[Any] = [asked(problem), str(examples[name].target), by_problem[name]]
        rows.append([*row, pictures.of(problem)] if problem.images else row)
    pictures.close()
    return {"rules": list(rules), "problems": rows}


def asked(problem: Problem) -> str:
    """Return what a problem asks, with its context, table and options, and the number of documents to search in."""
    text, corpus = problem.values()["problem"], problem.corpus
    if corpus is None:
        return text
    return f"{text}\n\nTo search in: {corpus.name}, {pluralize(len(corpus.documents), 'document')}"


def result_fields(result: Result, number: int, rules: dict[str, int]) -> list[Any]:
    """Return a result as a list for the page, without unknown values at the end.

    The fields are: strategy, value, rule or reason, confidence, votes, calls, prompt tokens, completion
    tokens, seconds, dollars. A part of the usage that was not recorded is None.

    Args:
        result: the result.
        number: the number of its strategy.
        rules: the numbers of the rules and reasons; new ones are added.
    """
    rule = rules.setdefault(result.rule or result.reason, len(rules))
    usage, votes = result.usage, [list(vote) for vote in result.votes] or None
    usd = None if usage.usd is None else round(usage.usd, 6)
    fields = [number, result.value, rule, result.confidence, votes]
    unknown = result.unrecorded
    tokens = (None, None) if "tokens" in unknown else (usage.prompt_tokens, usage.completion_tokens)
    fields += [None if "calls" in unknown else usage.calls, *tokens]
    fields += [None if "seconds" in unknown else round(usage.seconds, 1), usd]
    while fields[-1] is None:
        fields.pop()
    return fields


@dataclass(frozen=True)
class Traces:
    """The traces of a results folder by key; of several with one key, the last counts.

    Attributes:
        folder: the results folder.
        locations: the line, the offset in bytes and the length in bytes of each trace in
            traces.jsonl; empty if the results are in memory.
    """

    folder: ResultsFolder
    locations: Mapping[ResultKey, tuple[int, int, int]]

    @classmethod
    def of(cls, folder: ResultsFolder, problems: Iterable[str]) -> Traces:
        """Return the traces of these problems of a folder. Only their keys are read."""
        wanted = set(problems)
        locations: dict[ResultKey, tuple[int, int, int]] = {}
        if folder.folder is not None:
            path, offset = folder.folder / "traces.jsonl", 0
            try:
                with path.open("rb") as file:
                    for number, line in enumerate(file, 1):
                        if line.endswith(b"\n") and (key := trace_key(path, number, line)).problem in wanted:
                            locations[key] = number, offset, len(line)
                        offset += len(line)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        return cls(folder, locations)

    def packs(self, data: ReportData, problems: Sequence[str]) -> Iterator[tuple[dict[int, list[Any]], str]]:
        """Yield groups of traces, each with its packed form. The next group is read while one is packed.

        A group has its traces by the index of their problem; a trace is [strategy, repetition, stage].

        Args:
            data: the report.
            problems: the ids of the problems, in order.
        """
        waiting: deque[tuple[dict[int, list[Any]], Future[str]]] = deque()
        with ThreadPoolExecutor(1) as thread:
            for group in self._groups(data, problems):
                waiting.append((group, thread.submit(_squeezed, _json(group))))
                if len(waiting) > 2:
                    done, future = waiting.popleft()
                    yield done, future.result()
            for done, future in waiting:
                yield done, future.result()

    def _groups(self, data: ReportData, problems: Sequence[str]) -> Iterator[dict[int, list[Any]]]:
        number = {spec: index for index, spec in enumerate(data.specs)}
        keys: dict[str, list[ResultKey]] = {}
        for key in data.comparison.results.of_problems(problems).iter_keys():
            keys.setdefault(key.problem, []).append(key)
        group: dict[int, list[Any]] = {}
        size = 0
        with self._open() as file:
            for index, problem in enumerate(problems):
                for key in keys.get(problem, []):
                    read, length = self._read(key, file)
                    if read is not None:
                        group.setdefault(index, []).append([number[key.strategy], key.epoch, read])
                        size += length
                if size > _GROUP:
                    yield group
                    group, size = {}, 0
        if group:
            yield group

    def _open(self) -> AbstractContextManager[IO[bytes] | None]:
        return self._path.open("rb") if self.folder.folder and self.locations else nullcontext()

    @cached_property
    def _path(self) -> Path:
        assert self.folder.folder is not None
        return self.folder.folder / "traces.jsonl"

    def _read(self, key: ResultKey, file: IO[bytes] | None) -> tuple[list[Any] | None, int]:
        """Return a trace and its approximate length in bytes; None without a trace."""
        if self.folder.folder is None:
            trace = self.folder.trace(*key)
            return (None, 0) if trace is None else (draw_stage(trace.to_json()), 1000)
        if file is None or key not in self.locations:
            return None, 0
        path = self._path
        line, offset, length = self.locations[key]
        file.seek(offset)
        data = parse_json_object(file.read(length), f"{path}:{line}")
        try:
            return draw_stage(data["trace"]), length
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}:{line}: damaged record: {error!r}") from None


def trace_key(path: Path, number: int, line: bytes) -> ResultKey:
    """Return the key of a trace's line. Only the beginning is parsed if the key is there.

    Raises:
        InputError: the line is damaged; the message begins with the path and the number.
    """
    head, separator, _ = line.partition(b',"trace":')
    data = parse_json_object(head + b"}" if separator else line, f"{path}:{number}")
    try:
        return ResultKey(data["problem"], data["strategy"], data.get("epoch", 0))
    except KeyError as error:
        raise InputError(f"{path}:{number}: damaged record: {error} is missing") from None
