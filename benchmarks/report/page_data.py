"""The data of a page: small, gzipped, as base64, and unpacked by the browser when it is looked at."""

from __future__ import annotations

import base64
import gzip
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from reasoning.benchmarks.report.report_data import ReportData
from reasoning.benchmarks.results.folder import ResultsFolder
from reasoning.benchmarks.results.result import Result, ResultKey
from reasoning.errors import InputError
from reasoning.files import parse_json_object

_GROUP = 1 << 18
"""Bytes of traces that are packed together: prompts are much alike, and so many are unpacked in some milliseconds."""
_STATES = {(True, "answered"): "r", (False, "answered"): "w", (False, "unparsed"): "u"}


def pack(data: Any) -> str:
    """Data as base64 of gzipped JSON."""
    return _squeezed(_json(data))


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _squeezed(text: bytes) -> str:
    return base64.b64encode(gzip.compress(text, 6, mtime=0)).decode("ascii")


def embed_json(data: Any) -> str:
    """Data as JSON that can stand in a script element: nothing in it ends the element or begins a comment."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def state(result: Result) -> str:
    """One letter: right, wrong, unparsed or failed."""
    return _STATES.get((bool(result.correct), result.state), "f")


def states(found: ReportData, problems: Sequence[str]) -> list[str]:
    """For each problem what each strategy got, one letter a repetition, with commas between the strategies."""
    cells: dict[tuple[str, str], str] = {}
    for result in found.results:
        at = result.problem, result.strategy
        cells[at] = cells.get(at, "") + state(result)
    return [",".join(cells.get((problem, spec), "") for spec in found.specs) for problem in problems]


def details(store: ResultsFolder, found: ReportData, problems: Sequence[str]) -> dict[str, Any]:
    """What was asked and answered: for each problem its text, its target, and every result in order.

    A result is [strategy, value, rule or reason, confidence, votes, tokens in, tokens out, dollars, seconds], with
    rules as places in a list, and without what is not known at its end.
    """
    number = {spec: place for place, spec in enumerate(found.specs)}
    rules: dict[str, int] = {}
    by_problem: dict[str, list[Any]] = {problem: [] for problem in problems}
    for one in found.results:
        rule = rules.setdefault(one.rule or one.reason, len(rules))
        usage = one.usage
        usd = None if usage.usd is None else round(usage.usd, 6)
        said = [number[one.strategy], one.value, rule, one.confidence, [[v, n] for v, n in one.votes] or None]
        said += [usage.calls, usage.prompt_tokens, usage.completion_tokens, round(usage.seconds, 1), usd]
        while said[-1] is None:
            said.pop()
        by_problem[one.problem].append(said)
    asked = [
        [store.examples[problem].problem.values()["problem"], str(store.examples[problem].target), by_problem[problem]]
        for problem in problems
    ]
    return {"rules": list(rules), "problems": asked}


@dataclass(frozen=True)
class Traces:
    """Where the traces of a store are, by key; the last of several counts.

    Attributes:
        store: whose they are.
        places: of each in traces.jsonl: line, first byte, length. Empty where the store is in memory.
    """

    store: ResultsFolder
    places: Mapping[ResultKey, tuple[int, int, int]]

    @classmethod
    def of(cls, store: ResultsFolder) -> Traces:
        """Find the traces; only their keys are read."""
        places: dict[ResultKey, tuple[int, int, int]] = {}
        if store.folder is not None:
            path, at = store.folder / "traces.jsonl", 0
            try:
                with path.open("rb") as file:
                    for number, line in enumerate(file, 1):
                        if line.endswith(b"\n"):
                            places[_key(path, number, line)] = number, at, len(line)
                        at += len(line)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        return cls(store, places)

    def packs(self, found: ReportData, problems: Sequence[str]) -> Iterator[tuple[dict[int, list[Any]], str]]:
        """Traces of some problems at a time, and the same packed. While one is packed, the next is read.

        The traces stand by the place of their problem; each is [strategy, repetition, stage].
        """
        waiting: deque[tuple[dict[int, list[Any]], Future[str]]] = deque()
        with ThreadPoolExecutor(1) as thread:
            for group in self._groups(found, problems):
                waiting.append((group, thread.submit(_squeezed, _json(group))))
                if len(waiting) > 2:
                    done, future = waiting.popleft()
                    yield done, future.result()
            for done, future in waiting:
                yield done, future.result()

    def _groups(self, found: ReportData, problems: Sequence[str]) -> Iterator[dict[int, list[Any]]]:
        number = {spec: place for place, spec in enumerate(found.specs)}
        keys: dict[str, list[ResultKey]] = {}
        for result in found.results:
            keys.setdefault(result.problem, []).append(result.key)
        group: dict[int, list[Any]] = {}
        size = 0
        with self._opened() as file:
            for place, problem in enumerate(problems):
                for key in keys.get(problem, []):
                    stage, length = self._read(key, file)
                    if stage is not None:
                        group.setdefault(place, []).append([number[key.strategy], key.epoch, stage])
                        size += length
                if size > _GROUP:
                    yield group
                    group, size = {}, 0
        if group:
            yield group

    def _opened(self) -> AbstractContextManager[IO[bytes] | None]:
        return self._path.open("rb") if self.store.folder and self.places else nullcontext()

    @cached_property
    def _path(self) -> Path:
        assert self.store.folder is not None
        return self.store.folder / "traces.jsonl"

    def _read(self, key: ResultKey, file: IO[bytes] | None) -> tuple[list[Any] | None, int]:
        """A trace and about how long it is; None where none was kept."""
        if self.store.folder is None:
            trace = self.store.trace(*key)
            return (None, 0) if trace is None else (_stage(trace.to_json()), 1000)
        if file is None or key not in self.places:
            return None, 0
        path = self._path
        line, at, length = self.places[key]
        file.seek(at)
        data = parse_json_object(file.read(length), f"{path}:{line}")
        try:
            return _stage(data["trace"]), length
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{path}:{line}: damaged record: {error!r}") from None


def _key(path: Path, number: int, line: bytes) -> ResultKey:
    """The key of a trace's line, of which only the beginning is read where it stands there, as it does."""
    head, found, _ = line.partition(b',"trace":')
    data = parse_json_object(head + b"}" if found else line, f"{path}:{number}")
    try:
        return ResultKey(data["problem"], data["strategy"], data.get("epoch", 0))
    except KeyError as error:
        raise InputError(f"{path}:{number}: damaged record: {error} is missing") from None


def _stage(data: Mapping[str, Any]) -> list[Any]:
    """A stage as [name, seconds, events]: a note is its text, a call has its turns, settings and replies."""
    return [data["stage"], data.get("seconds"), [_event(event) for event in data["events"]]]


def _event(data: Mapping[str, Any]) -> Any:
    if "stage" in data:
        return _stage(data)
    if "completions" not in data:
        return data["text"]
    settings = ", ".join(f"{name}={value}" for name, value in data["sampling"].items())
    return {"turns": data["messages"], "settings": settings, "said": [_reply(one) for one in data["completions"]]}


def _reply(data: Mapping[str, Any]) -> list[Any]:
    """[text, tokens out, seconds, remarks, reasoning]."""
    usage = data["usage"]
    remarks = []
    if data.get("finish_reason") == "length":
        remarks.append("cut off by max_tokens")
    if data.get("retries"):
        remarks.append(f"after {data['retries']} failed attempts")
    if not data.get("spent", True):
        remarks.append("from the journal")
    said = [data["text"], usage["completion_tokens"], round(usage["seconds"], 1), ", ".join(remarks)]
    return [*said, data["reasoning"]] if data.get("reasoning") else said
