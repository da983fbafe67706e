"""Programs of sub-questions: the complex question, its lines, and the questions of a line (Khot et al. 2022)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from reasoning.kinds import YesNo
from reasoning.strategies.decomposition.handlers import NoAnswer, NothingAsked, format_value

# "QS: [math] …", "**QS:** [math]: …", "2. QS2: (foreach) `[math]` …", "QS: [handler: math] …"
_LINE = re.compile(
    r"(?:\W{0,20}(?:\d{1,2}[.)]\s{0,3})?(?:QS|(?:next )?sub-?question)\s?\d{0,2}[*_]{0,3}[:：][*_`\s]*+)*+"
    r"[*_`\s]*+(?:\((\w+)\)[*_`\s]*+)?\[[*_\s]*(?:handler:\s?)?(\w+)[*_\s]*\](?:[*_]{1,3}|`)?[:：]?(?:[*_]{1,3}(?=\s))?\s*(.*)",
    re.IGNORECASE,
)
_END = re.compile(r"\W{0,20}(?:QS\s?\d{0,2}[*_]{0,3}[:：]\W{0,9})?EOQ\W{0,9}", re.IGNORECASE)
_BOLD = re.compile(r"(\*\*|`)(?=\S)([^*`\n]{1,400})\1|\*\*$")
_OPERATION = re.compile(r"(select|foreach|project_values|project_keys|filter)((?:_(?:flat|unique|merge|keys|values))*)")
_REFERENCE = re.compile(r"#(\d{1,3})(?!\d)")

DECOMPOSE = "decompose"
"""The handler that is the controller itself, with a nested program."""


@dataclass(frozen=True)
class SubQuestion:
    """One line of a program: a handler and the questions for it.

    Attributes:
        text: the line as the program shows it.
        handler: name of the handler that answers.
        questions: one question, or one for each item of a list.
        items: the list or object that is iterated over; None for a single question.
        operation: "select", "foreach", "filter", …
        after: operations on the list of answers: "flat", "unique", …
    """

    text: str
    handler: str
    questions: Sequence[str]
    items: Any = None
    operation: str = "select"
    after: Sequence[str] = ()

    def combine(self, answers: Sequence[Any]) -> Any:
        """Combine the answers to the line's questions into one value; iterating over an object keeps its keys."""
        if self.items is None:
            return answers[0]
        pairs = zip(_pairs(self.items).items(), answers, strict=True)
        if self.operation == "filter":
            selected = {key: item for (key, item), answer in pairs if YesNo().parse(format_value(answer))}
        else:
            selected = {key: answer for (key, _), answer in pairs}
        value = selected if isinstance(self.items, Mapping) else list(selected.values())
        for step in self.after:
            value = list(value) if step == "keys" else _as_list(value)
            if step in ("flat", "merge"):
                value = [element for part in value for element in _as_list(part)]
            if step in ("unique", "merge"):
                value = list({format_value(element): element for element in value}.values())
        return value


@dataclass
class SubProgram:
    """The decomposition of one complex question.

    Attributes:
        question: the complex question.
        depth: number of enclosing programs.
        left: number of sub-questions that it and its nested programs may still ask.
        lines: sub-questions so far with their answers, as text.
        answers: the answers as values.
    """

    question: str
    depth: int
    left: int
    lines: list[tuple[str, str]] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    @property
    def steps(self) -> dict[str, Any]:
        """The answers by their references, such as `#1`."""
        return {f"#{number}": answer for number, answer in enumerate(self.answers, 1)}

    def add(self, line: SubQuestion, answer: Any) -> None:
        """Append a line and its answer."""
        self.lines.append((line.text, f"A: {format_value(answer)}"))
        self.answers.append(answer)

    def for_questions(self, questions: Sequence[str]) -> list[SubProgram]:
        """Return a nested program for each question.

        The nested programs share the remaining sub-questions equally. The caller adds back those
        that they do not use.
        """
        count = max(len(questions), 1)
        share = (self.left - count) // count
        self.left -= count + share * len(questions)
        return [SubProgram(question, self.depth + 1, share) for question in questions]

    def parse_next(self, reply: str, handlers: Collection[str]) -> SubQuestion | None:
        """Parse the first line of a reply that follows the grammar.

        Args:
            reply: the controller's reply.
            handlers: names of the handlers, in lower case.

        Returns:
            The sub-question, or None for [EOQ].

        Raises:
            NoAnswer: no line follows the grammar, or a line names something that does not exist.
                The message is sent to the model, which can act on it.
        """
        lines = [line.strip() for line in reply.splitlines() if line.strip()]
        match = next((match for line in lines if (match := _END.fullmatch(line) or _LINE.match(line))), None)
        if match is None:
            raise NoAnswer("There is no line of the form QS: [handler] sub-question.")
        if match.re is _END or match[2].lower() == "eoq":
            if not self.answers:
                raise NothingAsked("Nothing has been answered yet.")
            return None
        operation, name, question = match[1] or "select", match[2].lower(), _plain(match[3])
        if name not in handlers:
            raise NoAnswer(f"There is no handler [{name}]: use {', '.join(f'[{handler}]' for handler in handlers)}.")
        if not (parsed := _OPERATION.fullmatch(operation.lower())):
            raise NoAnswer(f"There is no operation ({operation}): use (foreach), (filter) or none.")
        numbers = [int(reference[1]) for reference in _REFERENCE.finditer(question)]
        # "#5" may be part of the question's own text.
        in_question = {int(reference[1]) for reference in _REFERENCE.finditer(self.question)}
        if missing := next((n for n in numbers if not self._has(n) and n not in in_question), None):
            raise NoAnswer(f"There is no answer #{missing}.")
        text = f"QS: {f'({operation}) ' if match[1] else ''}[{name}] {question}"
        sub_question = SubQuestion(text, name, [self._fill(question, {})])
        if parsed[1] != "select":
            sub_question = self._for_each(sub_question, question, numbers, parsed)
        if name == DECOMPOSE and any(len(asked) >= len(self.question) for asked in sub_question.questions):
            raise NoAnswer(f"A question for [{DECOMPOSE}] must be shorter than the complex question.")
        return sub_question

    def _for_each(
        self, sub_question: SubQuestion, question: str, numbers: Sequence[int], operation: re.Match[str]
    ) -> SubQuestion:
        """Return the line that asks once for each item of the first list it refers to, or of the first answer."""
        known = [number for number in numbers if self._has(number)]
        lists = [number for number in known if isinstance(self.answers[number - 1], Mapping | list | tuple)]
        list_number = next(iter(lists or known), None)
        if list_number is None:
            raise NoAnswer(f"({operation[0]}) needs the # of a list in its question.")
        items = self.answers[list_number - 1]
        elements = _pairs(items).keys() if operation[1] == "project_keys" else _pairs(items).values()
        questions = [self._fill(question, {list_number: element}) for element in elements]
        return replace(
            sub_question, questions=questions, items=items, operation=operation[1], after=operation[2].split("_")[1:]
        )

    def _has(self, number: int) -> bool:
        return 1 <= number <= len(self.answers)

    def _fill(self, question: str, overrides: Mapping[int, Any]) -> str:
        """Replace references by answers; `overrides` has other values for some of them."""

        def value(match: re.Match[str]) -> str:
            number = int(match[1])
            if number in overrides:
                return format_value(overrides[number])
            return format_value(self.answers[number - 1]) if self._has(number) else match[0]

        return _REFERENCE.sub(value, question)

    def __str__(self) -> str:
        return "\n".join([f"QC: {self.question}", *chain.from_iterable(self.lines)])


def _plain(question: str) -> str:
    """Return a question without bold type and code marks; a mark that is its whole text is kept."""
    return _BOLD.sub(r"\2", question.strip()).rstrip("`") or question.strip()


def _as_list(value: Any) -> list[Any]:
    """Return the values of an object, a list as it is, and any other value as a list of one."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [value]


def _pairs(items: Any) -> Mapping[Any, Any]:
    return items if isinstance(items, Mapping) else dict(enumerate(_as_list(items)))
