"""A client that replays recorded samples instead of calling a model.

A recording is a file of JSON lines (plain or `.gz`), one problem a line: `{"question": …,
"samples": [texts]}`. Other fields are ignored. A request is answered from the problem whose question
its user turns contain. Draw `k` is sample `k`.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import cached_property
from pathlib import Path

from reasoning.data_files import read_jsonl
from reasoning.draw_stream import EPOCH_STRIDE
from reasoning.errors import CallFailed, InputError
from reasoning.messages import Completion, Request, Usage
from reasoning.providers.client import Client


class ReplayClient(Client):
    """A client of a recording.

    Args:
        path: the file of the recording.

    Raises:
        InputError: the file does not exist.
    """

    max_n = 1024
    free = True
    ignores_settings = True

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self.model = f"replay:{self.path.name}"
        if not self.path.is_file():
            problem = "is a folder" if self.path.is_dir() else "no such file"
            raise InputError(f"{self.path}: {problem}; a recording is a file of JSON lines")

    @cached_property
    def _samples(self) -> dict[str, list[str]]:
        """The samples by question, the longest question first: it may contain a shorter one."""
        by_question: dict[str, list[str]] = {}
        for number, row in read_jsonl(self.path):
            question, samples = row.get("question"), row.get("samples")
            if not isinstance(question, str) or not isinstance(samples, list):
                raise InputError(f"{self.path}:{number}: a recording needs 'question' (text) and 'samples' (list)")
            by_question[question.strip()] = [str(sample) for sample in samples]
        return dict(sorted(by_question.items(), key=lambda item: -len(item[0])))

    def sibling(self, model: str) -> ReplayClient | None:
        """Return the same recording under the name of another model; None for another recording."""
        if model.startswith("replay:"):
            return None
        client = copy(self)
        client.model = model
        return client

    async def complete(self, request: Request, draws: Sequence[int]) -> list[Completion]:
        """Return the recorded samples with the indices of the draws.

        Raises:
            InputError: a line of the file lacks `question` or `samples`.
            CallFailed: no recorded question is in the prompt, or it has too few samples.
        """
        user_text = "\n".join(turn.content for turn in request.messages if turn.role == "user")
        last = request.messages[-1].content
        samples = next((texts for question, texts in self._samples.items() if question in last), None)
        if samples is None:
            samples = next((texts for question, texts in self._samples.items() if question in user_text), None)
        if samples is None:
            raise CallFailed(f"{self.path.name} has no recording of this question: {last[:80]!r}")
        if max(draws) >= len(samples):
            request_kind = "a repetition of the run" if max(draws) >= EPOCH_STRIDE else "another one"
            raise CallFailed(
                f"{self.path.name} has {len(samples)} samples of this question, and {request_kind} was requested"
            )
        return [Completion(samples[draw], usage=Usage(calls=1)) for draw in draws]
