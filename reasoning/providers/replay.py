"""Recorded samples as a model: what a model said once, said again, with no model at hand.

A recording is JSON lines (plain or `.gz`), one problem a line: `{"question": …, "samples": [texts]}`, with any other
fields. A request is answered from the problem whose question its last user's turns contain; draw `k` is sample `k`.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from copy import copy
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from reasoning.draw_stream import EPOCH_STRIDE
from reasoning.errors import CallFailed, InputError
from reasoning.messages import Completion, Request, Usage


def records(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of a JSON-lines file (plain or gzip) with their line numbers; blank lines are skipped.

    Raises:
        InputError: the file is missing or unreadable, or a line is not a JSON object; names file and line.
    """
    path = Path(path).expanduser()
    try:
        with _opened(path) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                yield number, record(path, number, line)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as JSON lines: {error}") from None


def record(path: Path, number: int, line: str | bytes) -> dict[str, Any]:
    """The JSON object on one line of a file; raises InputError with file and line where it is none."""
    try:
        found = json.loads(line)
    except ValueError as error:
        raise InputError(f"{path}:{number}: not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}:{number}: a JSON object is wanted, not {type(found).__name__}")
    return found


def _opened(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


class ReplayClient:
    """A model that says what a recording holds.

    Raises (from `complete`):
        InputError: the file is missing, or a line of it lacks `question` or `samples`.
        CallFailed: no recorded question is in the prompt, or it has fewer samples.
    """

    max_n = 1024
    concurrency: int | None = None
    endpoint: str | None = None
    free = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self.model = f"replay:{self.path.name}"
        if not self.path.is_file():
            raise InputError(
                f"{self.path}: {'a folder, no file' if self.path.is_dir() else 'no such file of recorded samples'}"
            )

    @cached_property
    def _samples(self) -> dict[str, list[str]]:
        """By question, the longest question first, so that one that contains another is found before it."""
        found: dict[str, list[str]] = {}
        for number, said in records(self.path):
            question, samples = said.get("question"), said.get("samples")
            if not isinstance(question, str) or not isinstance(samples, list):
                raise InputError(f"{self.path}:{number}: a recording needs 'question' (text) and 'samples' (list)")
            found[question.strip()] = [str(sample) for sample in samples]
        return dict(sorted(found.items(), key=lambda item: -len(item[0])))

    def named(self, model: str) -> ReplayClient | None:
        """The same recording, which speaks for every model but another recording."""
        if model.startswith("replay:"):
            return None
        made = copy(self)
        made.model = model
        return made

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        asked = "\n".join(turn.content for turn in request.messages if turn.role == "user")
        last = request.messages[-1].content
        samples = next((said for question, said in self._samples.items() if question in last), None)
        if samples is None:
            samples = next((said for question, said in self._samples.items() if question in asked), None)
        if samples is None:
            raise CallFailed(f"{self.path.name} has no recording of this question: {last[:80]!r}")
        if max(draws) >= len(samples):
            more = "a repetition of the run" if max(draws) >= EPOCH_STRIDE else "another"
            raise CallFailed(f"{self.path.name} has {len(samples)} of this question's samples, and {more} is asked for")
        return [Completion(samples[draw], usage=Usage(calls=1)) for draw in draws]

    async def close(self) -> None: ...
