"""Recorded samples as a model: what a model said once, said again, with no model at hand.

A recording is JSON lines (plain or `.gz`), one problem a line: `{"question": …, "samples": [texts]}`, with any other
fields. A request is answered from the problem whose question its last user's turns contain; draw `k` is sample `k`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from pathlib import Path

from reasoning.draw_stream import EPOCH_STRIDE
from reasoning.errors import CallFailed, InputError
from reasoning.files import read_jsonl
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client


class ReplayClient(Client):
    """A model that says what a recording holds.

    Raises (from `complete`):
        InputError: the file is missing, or a line of it lacks `question` or `samples`.
        CallFailed: no recorded question is in the prompt, or it has fewer samples.
    """

    max_n = 1024
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
        for number, said in read_jsonl(self.path):
            question, samples = said.get("question"), said.get("samples")
            if not isinstance(question, str) or not isinstance(samples, list):
                raise InputError(f"{self.path}:{number}: a recording needs 'question' (text) and 'samples' (list)")
            found[question.strip()] = [str(sample) for sample in samples]
        return dict(sorted(found.items(), key=lambda item: -len(item[0])))

    def sibling(self, model: str) -> ReplayClient | None:
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
