"""Worked examples, and the files that contain them."""

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

from reasoning.data_files import read_jsonl
from reasoning.errors import InputError, UnknownName, UsageError
from reasoning.short_repr import format_repr

Sets = Mapping[str, tuple["WorkedExample", ...]]
"""Worked examples by the name of their set."""

_SHIPPED_FILES = ("shipped.toml", "contrastive.toml", "complex.toml", "spatial.toml", "incremental.toml")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class SolvedStep:
    """A sub-question with its answer in one sentence."""

    question: str
    answer: str


@dataclass(frozen=True)
class WorkedExample:
    """A problem with its answer and ways to solve it.

    Attributes:
        question: the question, without the options.
        answer: the answer in the form that its kind shows. In a file it may be a list of texts, for
            an answer of several items.
        rationale: the reasoning, in a few short sentences.
        options: the options of a choice.
        program: Python that ends with the answer in the variable `ans`.
        steps: sub-questions, simplest first; the last one is the question itself.
        symbols: the reasoning in symbols, for spatial questions.
        items: the items of the answer, if it is a list.
        wrong_rationale: reasoning that goes wrong and ends in `wrong_answer`, for contrastive chain of
            thought.
        wrong_answer: a wrong answer in the form of `answer`.
    """

    question: str
    answer: str
    rationale: str = ""
    options: tuple[str, ...] = ()
    program: str = ""
    steps: tuple[SolvedStep, ...] = ()
    symbols: str = ""
    items: tuple[str, ...] = ()
    wrong_rationale: str = ""
    wrong_answer: str = ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.default == () and isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
            elif not isinstance(value, tuple if field.default == () else str):
                wanted = "a list" if field.default == () else "a text"
                raise UsageError(f"{field.name} of a worked example must be {wanted}, got {value!r:.60}")

    def __repr__(self) -> str:
        """Return the fields that are set, as in a spec."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return format_repr("WorkedExample", {name: repr(value) for name, value in fields.items() if value})

    @property
    def lines(self) -> tuple[str, ...]:
        """The steps of the rationale: its lines, or the sentences of a single line."""
        lines = [line.strip() for line in self.rationale.splitlines() if line.strip()]
        return tuple(lines if len(lines) > 1 else _SENTENCE_END.split(self.rationale.strip()))

    @classmethod
    def from_record(cls, record: WorkedExample | Mapping[str, Any], where: str = "a worked example") -> WorkedExample:
        """Make a worked example from its fields; return a `WorkedExample` unchanged.

        Args:
            record: the fields, as in a record of a file.
            where: place of the record, for error messages.

        Raises:
            UnknownName: a field does not exist.
            InputError: the question or the answer is missing, or a field has the wrong type.
        """
        if isinstance(record, cls):
            return record
        if not isinstance(record, Mapping):
            raise InputError(f"{where}: must be an object with question and answer, got {record!r:.80}")
        record = {name: value for name, value in record.items() if value is not None}
        if isinstance(record.get("answer"), list | tuple) and "items" not in record:
            listed = [str(item).strip() for item in record["answer"]]
            record = {**record, "answer": ", ".join(listed), "items": listed}
        field_names = [part.name for part in dataclasses.fields(cls)]
        if unknown := next((name for name in record if name not in field_names), None):
            raise UnknownName("field", unknown, field_names, f"in {where}")
        if missing := next((name for name in ("question", "answer") if not str(record.get(name, "")).strip()), None):
            raise InputError(f"{where}: {missing!r} is missing")
        try:
            steps = tuple(SolvedStep(**step) for step in record.get("steps", ()))
            options = tuple(str(option) for option in record.get("options", ()))
            items = tuple(str(item) for item in record.get("items", ()))
        except TypeError as error:
            raise InputError(
                f"{where}: steps must be objects with question and answer, options must be texts: {error}"
            ) from None
        lists = not any(isinstance(record.get(name), str) for name in ("options", "items"))
        if not lists or not all(part.question and part.answer for part in steps):
            raise InputError(
                f"{where}: steps must be objects with question and answer, options must be a list of texts"
            )
        single = {name: value for name, value in record.items() if name not in ("steps", "options", "items")}
        if not_text := next(
            (name for name, value in single.items() if isinstance(value, list | tuple | Mapping)), None
        ):
            raise InputError(f"{where}: {not_text!r} must be a text, got {single[not_text]!r:.80}")
        if bool(single.get("wrong_rationale")) != bool(single.get("wrong_answer")):
            raise InputError(f"{where}: wrong_rationale and wrong_answer must be given together")
        texts = {name: str(text).strip() for name, text in single.items()}
        return cls(**texts, options=options, steps=steps, items=items)


@cache
def shipped_sets() -> Sets:
    """Return the worked examples that come with this package."""
    sets: dict[str, dict[str, WorkedExample]] = {}
    for file in _SHIPPED_FILES:
        for name, examples in _sets(tomllib.loads(files(__package__).joinpath(file).read_text("utf-8")), file).items():
            known = sets.setdefault(name, {})
            for example in examples:
                # A later file adds fields to an example that it names by its question.
                added = {field: value for field, value in vars(example).items() if value}
                known[example.question] = dataclasses.replace(known.get(example.question, example), **added)
    return {name: tuple(examples.values()) for name, examples in sets.items()}


def shipped_examples(name: str) -> tuple[WorkedExample, ...]:
    """Return one shipped set; empty for an unknown name.

    Args:
        name: name of a kind of answer, such as "number"; "spatial", "spatial_number",
            "spatial_choice" or "spatial_yesno"; "complex_number", …; "sentiment"; "last_letters"; or
            "scan".
    """
    return shipped_sets().get(name, ())


def read_examples(path: Path) -> Sets:
    """Read worked examples from a file.

    Args:
        path: TOML in the form of `shipped.toml`, or JSON lines, which form one set with an empty
            name.

    Raises:
        InputError: the file cannot be read, or a record is wrong; the message names file, record
            and fault.
        UnknownName: a record has an unknown field.
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
        raise InputError(f"{where}: {wrong!r} must be a list of worked examples: write [[{wrong}]] above each")
    return {
        name: tuple(
            WorkedExample.from_record(record, f"{where}: {name} {number}") for number, record in enumerate(records, 1)
        )
        for name, records in tables.items()
    }
