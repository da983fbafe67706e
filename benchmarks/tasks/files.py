"""Problems from files of JSON lines: one's own, and recordings of models."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from reasoning import kinds
from reasoning.errors import InputError, UsageError, nearest
from reasoning.kinds import Choice, Kind, Number, Stated, Text, YesNo
from reasoning.llm.replay import records
from reasoning.problem import Example, Problem

Line = tuple[int, dict[str, Any]]

_TYPES: dict[str, tuple[type, ...]] = {"options": (list, dict), "kind": (str, dict), "context": (str,)}
_WORDS: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}
_YES_NO = re.compile(r"yes|no|true|false", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[$€£]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d+)?%?|-?\d+/\d+", re.IGNORECASE)


@dataclass(frozen=True)
class Jsonl:
    """A file of JSON lines (plain or `.gz`), taken in its order.

    A line has `question` and `answer` (or `target`); it may have `id`, `kind` ("number", "choice", …), `options` and
    `context`. Without a kind: a choice where there are options; else a number if all such answers of the file are
    numbers, yes or no if they all are that, and a text otherwise. Of an answer in the form of GSM8K, what follows the
    last `####` counts.

    Raises (from `load`):
        InputError: names file, line and what is missing.
    """

    path: str

    seeded = False
    licence = "the file's own"
    _form = "jsonl"
    _answers: ClassVar[tuple[str, ...]] = ("answer", "target")

    def __post_init__(self) -> None:
        if not self.file.is_file():
            raise InputError(f"{self.file}: no such file")

    @property
    def file(self) -> Path:
        return Path(self.path).expanduser()

    @property
    def name(self) -> str:
        return f"{self._form}:{self.file.name}"

    @property
    def source(self) -> str:
        return self.file.name

    def version(self) -> str:
        try:
            return f"sha256 {hashlib.sha256(self.file.read_bytes()).hexdigest()[:16]}"
        except OSError as error:
            raise InputError(f"{self.file}: cannot be read: {error.strerror}") from None

    def load(self, limit: int, seed: int) -> list[Example]:
        return self._examples[:limit]

    @cached_property
    def _examples(self) -> list[Example]:
        lines = list(records(self.file))
        if not lines:
            raise InputError(f"{self.file}: the file holds no problem")
        for number, line in lines:
            self._check(number, line)
        return list(self._made(lines))

    def _check(self, number: int, line: dict[str, Any]) -> None:
        wanted = " or ".join(map(repr, self._answers))
        if not isinstance(line.get("question"), str) or not line["question"].strip():
            raise self._wrong(number, f"'question' (a text) is missing{_instead(line, 'question')}")
        if all(line.get(name) in (None, "") for name in self._answers):
            raise self._wrong(number, f"{wanted} is missing{_instead(line, self._answers[0])}")
        for name, types in _TYPES.items():
            if not isinstance(line.get(name), (*types, type(None))):
                names = " or ".join(_WORDS[one] for one in types)
                raise self._wrong(number, f"{name!r} is {names}, not {json.dumps(line[name])[:80]}")

    def _made(self, lines: Sequence[Line]) -> Iterator[Example]:
        usual = _usual([self._answer(line) for _, line in lines if not line.get("kind") and not line.get("options")])
        seen: dict[str, int] = {}
        for number, line in lines:
            name = (
                str(line["id"]) if line.get("id") not in (None, "") else f"{self.file.name.split('.')[0]}-{number:04d}"
            )
            if name in seen:
                raise self._wrong(number, f"the id {name!r} stands in line {seen[name]} already")
            seen[name] = number
            try:
                yield self._example(line, name, usual)
            except UsageError as error:
                raise self._wrong(number, str(error)) from None

    def _example(self, line: dict[str, Any], name: str, usual: Kind) -> Example:
        kind = usual
        if line.get("kind") and line["kind"] != Choice.name:
            kind = kinds.from_json(line["kind"])
        elif line.get("options") or line.get("kind"):
            kind = Choice(line.get("options") or ())
        problem = Problem(line["question"].strip(), kind, context=line.get("context"), id=name)
        target = self._answer(line)
        if isinstance(kind, Text):
            target = str(target)
        if isinstance(kind, Stated):
            kind.target(target)  # raises where the answer is not of this kind
        return Example(problem, target)

    def _answer(self, line: dict[str, Any]) -> Any:
        answer = next(line[name] for name in self._answers if line.get(name) not in (None, ""))
        return answer.rpartition("####")[2].strip() if isinstance(answer, str) else answer

    def _wrong(self, number: int, what: str) -> InputError:
        return InputError(f"{self.file}:{number}: {what}")


@dataclass(frozen=True)
class Recorded(Jsonl):
    """The problems of a recording (see `reasoning.llm.replay`), whose right answers are in `reference`."""

    _form = "replay"
    _answers = ("reference", "answer", "target")


def _instead(line: dict[str, Any], name: str) -> str:
    """What a line has where a field is missing."""
    like = nearest(name, line)
    if like == name:
        return ": it is empty"
    return f"; the line has {like!r}" if like else f"; the line has {', '.join(map(repr, line)) or 'nothing'}"[:200]


def _usual(answers: Sequence[Any]) -> Kind:
    """The kind of the answers of a file that does not say."""
    texts = [str(answer).strip() for answer in answers]
    if all(map(_YES_NO.fullmatch, texts)):
        return YesNo()
    return Number() if all(text and _NUMBER.fullmatch(text) for text in texts) else Text()
