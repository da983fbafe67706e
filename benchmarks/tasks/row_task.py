"""Examples from rows with a question and an answer: the base class of tasks from files and from the hub."""

from __future__ import annotations

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from reasoning import kinds
from reasoning.benchmarks.tasks.field_mapping import Fields
from reasoning.benchmarks.tasks.math_scorer import default_scorer
from reasoning.benchmarks.tasks.task import BY_KIND
from reasoning.errors import InputError, UsageError, nearest
from reasoning.kinds import Cells, Choice, Date, Expression, Items, Kind, Number, Text, YesNo
from reasoning.problem import Example, Problem

Row = tuple[int, dict[str, Any]]
"""The number of a row, from 1, and its content."""

_TYPES: dict[str, tuple[type, ...]] = {
    "options": (list, tuple, dict),
    "kind": (str, dict),
    "context": (str,),
    "id": (str, int, float),
}
_WORDS: dict[type, str] = {str: "a text", int: "a number", list: "a list", dict: "an object"}
_YES_NO = re.compile(r"yes|no|true|false", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[$€£]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d+)?%?|-?\d+/\d+", re.IGNORECASE)
_DATES = ("%Y-%m-%d", "%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y")
_SINGLE = (Date, Expression, Number, Text, YesNo)
"""The kinds of one value."""
_WHOLE = re.compile(r"(-?[\d,]+)\.0+")


class RowTask(ABC):
    """A task of rows.

    A row has `question` and `answer` (or `target`); it may have `id`, `kind` ("number", "choice", …),
    `options`, `context` and `family`. If the columns have other names, `mapped` names them.

    The kind is inferred if it is missing: a choice if there are options; otherwise a number if all such
    answers are numbers, yes or no if all are that, a date if all are dates of one format only, else a
    text. In an answer in the format of GSM8K, the text after the last `####` counts.

    Raises (from `load`):
        InputError: names the row and what is missing.
    """

    answers: ClassVar[tuple[str, ...]] = ("answer", "target")

    @property
    @abstractmethod
    def name(self) -> str:
        """The task's name."""

    @property
    @abstractmethod
    def prefix(self) -> str:
        """The prefix of the ids of its problems."""

    @property
    @abstractmethod
    def mapped(self) -> Fields | None:
        """The columns; None if they have the standard names."""

    @property
    @abstractmethod
    def kind(self) -> str:
        """The kind of its answers, for display."""

    @property
    def scorer(self) -> str:
        """The description of how answers are scored."""
        by_value = ", or by its value" if Expression.name in self.kind else ""
        several = "; any of several right answers" if self.mapped and self.mapped.any_of else ""
        return f"{BY_KIND}{by_value}{several}"

    @abstractmethod
    def rows(self, limit: int, seed: int) -> Sequence[Row]:
        """Return the first rows, at least `limit` if there are enough."""

    @abstractmethod
    def location(self, number: int) -> str:
        """Return the location of a row, for display."""

    def load(self, limit: int, seed: int) -> list[Example]:
        lines = list(self._lines(self.rows(limit, seed)))
        if not lines:
            raise InputError(f"{self.name}: it holds no problems")
        for number, line in lines:
            self._check(number, line)
        return list(self._examples(lines))[:limit]

    def _lines(self, rows: Sequence[Row]) -> Iterator[Row]:
        for number, row in rows:
            try:
                if self.mapped is None:
                    yield number, row
                elif self.mapped.keeps(row):
                    yield number, self.mapped.normalize(row)
            except UsageError as error:
                raise self._error(number, str(error)) from None

    def _check(self, number: int, line: dict[str, Any]) -> None:
        wanted = " or ".join(map(repr, self.answers))
        if not isinstance(line.get("question"), str) or not line["question"].strip():
            raise self._error(number, f"'question' (a text) is missing{_describe_found(line, 'question')}")
        # Only a stated kind can have an empty list as an answer.
        empty: tuple[Any, ...] = (None, "") if line.get("kind") else (None, "", [])
        if all(line.get(name) in empty for name in self.answers):
            raise self._error(number, f"{wanted} is missing{_describe_found(line, self.answers[0])}")
        for name, types in _TYPES.items():
            if not isinstance(line.get(name), (*types, type(None))):
                names = " or ".join(_WORDS[one] for one in types if one in _WORDS)
                raise self._error(number, f"{name!r} is {names}, not {_abbreviate(line[name])}")
        options = line.get("options") or ()
        for option in options.values() if isinstance(options, dict) else options:
            if isinstance(option, list | dict):
                raise self._error(number, f"each of 'options' is a text or a number, not {_abbreviate(option)}")

    def _examples(self, lines: Sequence[Row]) -> Iterator[Example]:
        unnamed = [line for _, line in lines if not line.get("kind") and not line.get("options")]
        usual = _infer_kind([answer for line in unnamed for answer in self._right(line)])
        seen: dict[str, int] = {}
        for number, line in lines:
            name = str(line["id"]) if line.get("id") not in (None, "") else f"{self.prefix}-{number:04d}"
            if name in seen:
                raise self._error(number, f"the id {name!r} is already in line {seen[name]}")
            seen[name] = number
            try:
                yield self._example(line, name, usual)
            except UsageError as error:
                raise self._error(number, str(error)) from None

    def _example(self, line: dict[str, Any], name: str, usual: Kind) -> Example:
        kind = usual
        if line.get("kind") and line["kind"] != Choice.name:
            kind = kinds.from_json(line["kind"])
        elif line.get("options") or line.get("kind"):
            kind = Choice(line.get("options") or ())
        problem = Problem(line["question"].strip(), kind, context=line.get("context"), id=name)
        right = [
            str(answer) if isinstance(kind, Text) and not isinstance(answer, list | tuple | dict) else answer
            for answer in self._right(line)
        ]
        for target in right:
            _check_shape(target, kind)
            # This raises if the answer is not of this kind.
            kind.target(target)
        family = _short_family(str(line.get("family") or ""))
        if len(right) == 1:
            return Example(problem, right[0], default_scorer(kind, right[0]), family)
        scores = [default_scorer(kind, one) or partial(kind.score, target=one) for one in right]
        any_of = " or ".join(map(str, right))
        return Example(problem, any_of, lambda value: any(score(value) for score in scores), family)

    def _right(self, line: dict[str, Any]) -> list[Any]:
        """Return the right answers of a line: one, unless the mapping says that any of several is right."""
        answer = next(line[name] for name in self.answers if line.get(name) not in (None, ""))
        several = self.mapped is not None and self.mapped.any_of and isinstance(answer, list | tuple)
        right: list[Any] = []
        for one in map(_normalize_answer, answer if several else [answer]):
            if one not in right:
                right.append(one)
        return right

    def _error(self, number: int, message: str) -> InputError:
        return InputError(f"{self.location(number)}: {message}")


def _check_shape(answer: Any, kind: Kind) -> None:
    """Check that a list is the answer of a kind that has several values, and an object that of JSON.

    Raises:
        UsageError: the answer has another shape.
    """
    is_list, structured = isinstance(answer, list | tuple), isinstance(answer, list | tuple | dict)
    if structured and isinstance(kind, _SINGLE):
        raise UsageError(
            f"the answer must be a text or a number, got {_abbreviate(answer)}; "
            'a list of items needs "kind": "items", JSON needs "kind": "json", '
            "and several right answers need any_of=yes in --fields"
        )
    if isinstance(kind, Items | Cells) and (
        isinstance(answer, dict) or (is_list and not all(isinstance(one, str | int | float) for one in answer))
    ):
        raise UsageError(f"the answer must be a list of texts and numbers, got {_abbreviate(answer)}")


def _abbreviate(value: Any) -> str:
    return json.dumps(value, default=str)[:80]


def _short_family(family: str) -> str:
    """Return a short name, since each result stores it."""
    return family if len(family) <= 40 else hashlib.sha256(family.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _normalize_answer(answer: Any) -> Any:
    if not isinstance(answer, str):
        return int(answer) if isinstance(answer, float) and answer.is_integer() else answer
    answer = answer.rpartition("####")[2].strip()
    # Data frames write the whole number 9 as "9.0".
    whole = _WHOLE.fullmatch(answer)
    return whole[1] if whole else answer


def _describe_found(line: dict[str, Any], name: str) -> str:
    """Return the part of an error that says what a line has instead of a missing field."""
    similar = nearest(name, line)
    if similar == name:
        return ": it is empty"
    if similar:
        return f"; the line has {similar!r}"
    return f"; the line has {', '.join(map(repr, line)) or 'nothing'}"[:200]


def _infer_kind(answers: Sequence[Any]) -> Kind:
    """Return the kind inferred from the answers of a task."""
    texts = [str(answer).strip() for answer in answers]
    if all(map(_YES_NO.fullmatch, texts)):
        return YesNo()
    if all(text and _NUMBER.fullmatch(text) for text in texts):
        return Number()
    formats = [form for form in _DATES if all(_is_date(text, form) for text in texts)]
    # 01/02/2003 alone may be in January or February.
    return Date(formats[0]) if len(formats) == 1 else Text()


def _is_date(text: str, form: str) -> bool:
    try:
        return bool(datetime.strptime(text, form))
    except ValueError:
        return False
