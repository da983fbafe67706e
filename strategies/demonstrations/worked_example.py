"""Worked problems, and the files that hold them."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from reasoning.errors import InputError, UnknownName
from reasoning.files import read_jsonl

Sets = Mapping[str, tuple["WorkedExample", ...]]
"""Worked problems by the name of their set."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class SolvedStep:
    """A sub-question and its answer, in a sentence."""

    question: str
    answer: str


@dataclass(frozen=True)
class WorkedExample:
    """A problem with its answer and the ways that lead there.

    Attributes:
        question: the question, without the options.
        answer: the answer as its kind shows it.
        rationale: the reasoning, in a few short sentences.
        options: what there is to choose from, where the kind is a choice.
        program: Python that ends with the answer in the variable `ans`.
        steps: sub-questions, simplest first; the last is the question itself.
        symbols: the reasoning in symbols, where things lie in space.
    """

    question: str
    answer: str
    rationale: str = ""
    options: tuple[str, ...] = ()
    program: str = ""
    steps: tuple[SolvedStep, ...] = ()
    symbols: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """The steps of the rationale: its lines, or the sentences of its only line."""
        lines = [line.strip() for line in self.rationale.splitlines() if line.strip()]
        return tuple(lines if len(lines) > 1 else _SENTENCE_END.split(self.rationale.strip()))

    @classmethod
    def from_record(cls, given: WorkedExample | Mapping[str, Any], where: str = "a worked problem") -> WorkedExample:
        """A worked problem from its fields, such as a record of a file has them.

        Raises:
            UnknownName: a field that does not exist.
            InputError: the question or the answer is missing, or a field is no text.
        """
        if isinstance(given, cls):
            return given
        if not isinstance(given, Mapping):
            raise InputError(f"{where}: wants an object with question and answer, got {given!r:.80}")
        given = {name: value for name, value in given.items() if value is not None}
        known = [one.name for one in dataclasses.fields(cls)]
        if strange := next((name for name in given if name not in known), None):
            raise UnknownName("field", strange, known, f"in {where}")
        if missing := next((name for name in ("question", "answer") if not str(given.get(name, "")).strip()), None):
            raise InputError(f"{where}: {missing!r} is missing")
        try:
            steps = tuple(SolvedStep(**step) for step in given.get("steps", ()))
            options = tuple(str(option) for option in given.get("options", ()))
        except TypeError as error:
            raise InputError(f"{where}: steps are objects with question and answer, options texts: {error}") from None
        if isinstance(given.get("options"), str) or not all(one.question and one.answer for one in steps):
            raise InputError(f"{where}: steps are objects with question and answer, options are a list of texts")
        single = {name: value for name, value in given.items() if name not in ("steps", "options")}
        if wrong := next((name for name, value in single.items() if isinstance(value, list | tuple | Mapping)), None):
            raise InputError(f"{where}: {wrong!r} is a text, not {single[wrong]!r:.80}")
        texts = {name: str(text).strip() for name, text in single.items()}
        return cls(**texts, options=options, steps=steps)


@cache
def shipped_sets() -> Sets:
    """The worked problems that come with this package."""
    text = files(__package__).joinpath("shipped.toml").read_text("utf-8")
    return _sets(tomllib.loads(text), "shipped.toml")


def shipped_examples(name: str) -> tuple[WorkedExample, ...]:
    """Those of one set, by its name (that of a kind of answer, "spatial" or "sentiment"); none for some kinds."""
    return shipped_sets().get(name, ())


def read_examples(path: Path) -> Sets:
    """The worked problems of a file of one's own.

    Args:
        path: TOML in the form of `shipped.toml`, or JSON lines, which are one set without a name.

    Raises:
        InputError, UnknownName: names the file, the record and what is wrong.
    """
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


@lru_cache(maxsize=32)
def _read(path: Path, changed: int) -> Sets:
    if path.suffix == ".toml":
        try:
            return _sets(tomllib.loads(path.read_text("utf-8")), str(path))
        except tomllib.TOMLDecodeError as error:
            raise InputError(f"{path}: {error}") from None
    return {"": tuple(WorkedExample.from_record(record, f"{path}:{number}") for number, record in read_jsonl(path))}


def _sets(tables: Mapping[str, Any], where: str) -> Sets:
    if wrong := next((name for name, records in tables.items() if not isinstance(records, list)), None):
        raise InputError(f"{where}: {wrong!r} is no list of worked problems: write [[{wrong}]] above each")
    return {
        name: tuple(
            WorkedExample.from_record(record, f"{where}: {name} {place}") for place, record in enumerate(records, 1)
        )
        for name, records in tables.items()
    }
