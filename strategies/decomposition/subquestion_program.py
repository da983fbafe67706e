"""A program of sub-questions: the complex question, the lines below it, and what a line asks (Khot et al. 2022, §3)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from reasoning.kinds import YesNo
from reasoning.strategies.decomposition.handlers import NoAnswer, format_value

_LINE = re.compile(r"(?:\W*QS:[*_\s]*+)*+(?:\((\w+)\)\s*+)?\[\s*(\w+)\s*\]\s*(.*)", re.IGNORECASE)
_OPERATION = re.compile(r"(select|foreach|project_values|project_keys|filter)((?:_(?:flat|unique|merge|keys|values))*)")
_REFERENCE = re.compile(r"#(\d{1,3})(?!\d)")

DECOMPOSE = "decompose"
"""The handler that is the controller itself, in a frame of its own."""


@dataclass(frozen=True)
class SubQuestion:
    """One line: for whom, and what is to be asked.

    Attributes:
        text: the line as the frame keeps it.
        handler: a name.
        questions: one, or one for each item of a list.
        items: the list or object that is gone through; None where one question is asked.
        operation: "select", "foreach", "filter", …
        after: what is done to the list of answers: "flat", "unique", …
    """

    text: str
    handler: str
    questions: Sequence[str]
    items: Any = None
    operation: str = "select"
    after: Sequence[str] = ()

    def combine(self, answers: Sequence[Any]) -> Any:
        """The answer of the line, from those of its questions. What goes through an object gives one with its keys."""
        if self.items is None:
            return answers[0]
        pairs = zip(_pairs(self.items).items(), answers, strict=True)
        if self.operation == "filter":
            found = {key: item for (key, item), answer in pairs if YesNo().parse(format_value(answer))}
        else:
            found = {key: answer for (key, _), answer in pairs}
        value = found if isinstance(self.items, Mapping) else list(found.values())
        for change in self.after:
            value = list(value) if change == "keys" else _listed(value)
            if change in ("flat", "merge"):
                value = [one for each in value for one in _listed(each)]
            if change in ("unique", "merge"):
                value = list({format_value(one): one for one in value}.values())
        return value


@dataclass
class SubProgram:
    """A question under decomposition.

    Attributes:
        question: the complex question.
        depth: how many frames are around it.
        left: how many more sub-questions it may ask, with those of the frames within.
        lines: what was asked so far and what was answered, as they are shown.
        answers: what was answered, as it is.
    """

    question: str
    depth: int
    left: int
    lines: list[tuple[str, str]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    @property
    def steps(self) -> dict[str, Any]:
        """The answers by their references."""
        return {f"#{number}": answer for number, answer in enumerate(self.answers, 1)}

    def add(self, line: SubQuestion, answer: Any) -> None:
        """A line and its answer."""
        self.lines.append((line.text, f"A: {format_value(answer)}"))
        self.answers.append(answer)

    def for_questions(self, questions: Sequence[str]) -> list[SubProgram]:
        """A frame for each question. They share what is left; what they leave is to be added to it again."""
        count = max(len(questions), 1)
        share = (self.left - count) // count
        self.left -= count + share * len(questions)
        return [SubProgram(question, self.depth + 1, share) for question in questions]

    def parse_next(self, reply: str, handlers: Collection[str]) -> SubQuestion | None:
        """The first line of the grammar that a reply holds; None for [EOQ], the end.

        Raises:
            NoAnswer: there is none, or it names what does not exist, in words that a model can act on.
        """
        match = next(filter(None, (_LINE.match(line.strip()) for line in reply.splitlines())), None)
        if match is None:
            raise NoAnswer("There is no line of the form QS: [handler] sub-question.")
        operation, name, question = match[1] or "select", match[2].lower(), match[3].strip()
        if name == "eoq":
            if not self.answers:
                raise NoAnswer("Nothing has been answered yet.")
            return None
        if name not in handlers:
            raise NoAnswer(f"There is no handler [{name}]: use {', '.join(f'[{one}]' for one in handlers)}.")
        if not (known := _OPERATION.fullmatch(operation.lower())):
            raise NoAnswer(f"There is no operation ({operation}): use (foreach), (filter) or none.")
        numbers = [int(one[1]) for one in _REFERENCE.finditer(question)]
        own = {int(one[1]) for one in _REFERENCE.finditer(self.question)}  # "#5" may be a word of the question itself
        if wrong := next((n for n in numbers if not self._has(n) and n not in own), None):
            raise NoAnswer(f"There is no answer #{wrong}.")
        text = f"QS: {f'({operation}) ' if match[1] else ''}[{name}] {question}"
        line = SubQuestion(text, name, [self._filled(question, {})])
        if known[1] != "select":
            line = self._through(line, question, numbers, known)
        if name == DECOMPOSE and any(len(one) >= len(self.question) for one in line.questions):
            raise NoAnswer(f"A question for [{DECOMPOSE}] must be shorter than the complex question.")
        return line

    def _through(
        self, line: SubQuestion, question: str, numbers: Sequence[int], operation: re.Match[str]
    ) -> SubQuestion:
        """The line that asks once for each item of the first list that it refers to, or of the first answer."""
        known = [number for number in numbers if self._has(number)]
        several = [number for number in known if isinstance(self.answers[number - 1], Mapping | list | tuple)]
        over = next(iter(several or known), None)
        if over is None:
            raise NoAnswer(f"({operation[0]}) needs the # of a list in its question.")
        items = self.answers[over - 1]
        each = _pairs(items).keys() if operation[1] == "project_keys" else _pairs(items).values()
        questions = [self._filled(question, {over: one}) for one in each]
        return replace(
            line, questions=questions, items=items, operation=operation[1], after=operation[2].split("_")[1:]
        )

    def _has(self, number: int) -> bool:
        return 1 <= number <= len(self.answers)

    def _filled(self, question: str, instead: Mapping[int, Any]) -> str:
        """The question with answers for its references; `instead` has others for some of them."""

        def value(match: re.Match[str]) -> str:
            number = int(match[1])
            if number in instead:
                return format_value(instead[number])
            return format_value(self.answers[number - 1]) if self._has(number) else match[0]

        return _REFERENCE.sub(value, question)

    def __str__(self) -> str:
        return "\n".join([f"QC: {self.question}", *chain.from_iterable(self.lines)])


def _listed(value: Any) -> list[Any]:
    """The values of an object, a list as it is, and all else as a list of one."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _pairs(items: Any) -> Mapping[Any, Any]:
    return items if isinstance(items, Mapping) else dict(enumerate(_listed(items)))
