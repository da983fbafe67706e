"""The rules that all kinds share for finding an answer in a reply: the stated answer wins.

The search looks after the last trigger ("The answer is", "Answer:", "####"), then in the last
`\\boxed{}`, then at a final line that contains only an answer, or at such a first line with an
empty line below it, and last, if that is allowed, at the last candidate. A box at the end of the
reply comes before the trigger. Text in reasoning tags or after the reply's end is ignored. A stated
answer that is not of the kind (a refusal, a range instead of a number, two options instead of one)
ends the search: the reply has no answer, and the parser does not guess one.
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_span import cut_next_question, has_next_question, strip_reasoning_fields, visible_text
from reasoning.kinds.boxes import Box, find_last_box, is_final_box
from reasoning.kinds.kind import ParseResult, Region, Rejected, abbreviate
from reasoning.kinds.phrasing import (
    DESCRIPTION,
    ECHO,
    INSTRUCTION_PREFIX,
    begins_with_refusal,
    first_sentence,
    main_clause,
    strip_echo,
)
from reasoning.kinds.reply_format import ANSWER, STEPS, answer_object
from reasoning.kinds.reply_lines import final_lines, first_line
from reasoning.kinds.statements import Statement, concludes, find_statements
from reasoning.kinds.triggers import first_trigger_end

_MAX_STATEMENT_CHARS = 8_000
"""The characters of statements that are examined, from the last statement backwards."""

_NEGATION = Rejected("a negation")
_NOT = re.compile(r"\b(?:not|never)\b|n['’]t\b", re.IGNORECASE)

TAIL_CHARS = 4_000
"""The characters at the end of a text in which a last candidate is searched."""


@dataclass(frozen=True)
class BaseKind(ABC):
    """The shared part of all kinds, and the base class of custom kinds.

    A subclass implements hooks that find an answer in a statement, on a line and in a whole text. A
    hook returns a value, None for nothing, or `Rejected` for an answer that is not of the kind and
    ends the search.

    Attributes:
        stated_only: accept only stated answers, and never fall back on the last candidate.
    """

    name: ClassVar[str]
    # Whether the answers are a fixed set. Then a conclusion outside of the set replaces what was said before it,
    # and is not taken for the beginning of the reasoning.
    _is_closed: ClassVar[bool] = False
    stated_only: bool = field(default=False, kw_only=True)

    @abstractmethod
    def instruction(self) -> str:
        """Return how to state the final answer; see `Kind.instruction`."""

    def direct_instruction(self) -> str:
        """Return how to answer without reasoning; see `Kind.direct_instruction`."""
        return "Reply with the answer alone: no reasoning, no other words."

    def trigger(self) -> str:
        """Return the beginning of a sentence that the model completes; see `Kind.trigger`."""
        return "Therefore, the answer is"

    def answer_schema(self) -> Mapping[str, Any] | None:
        """Return the JSON schema of an answer as a field of a reply (a hook); None for a kind without one.

        `parse_reply` must read the answer from an object with the field "answer".
        """
        return None

    def reply_schema(self, *, steps: bool = False) -> Mapping[str, Any] | None:
        """Return the JSON schema of a whole reply; see `Kind.reply_schema`."""
        answer = self.answer_schema()
        return None if answer is None else answer_object(answer, steps=steps)

    def structured_instruction(self, *, steps: bool = False) -> str:
        """Return how to state the answer in a structured reply; see `Kind.structured_instruction`."""
        if steps:
            return (
                f'Reply with a JSON object: write your steps in the field "{STEPS}", then in the field "{ANSWER}" '
                f"{self.answer_words}."
            )
        return f'Reply with a JSON object whose field "{ANSWER}" holds {self.answer_words}: no other words.'

    @property
    def answer_words(self) -> str:
        """The description of an answer in the instruction of a structured reply."""
        return self.instruction().removeprefix(INSTRUCTION_PREFIX).removesuffix(".")

    def parse_statement(self, text: str, *, continues: bool = False) -> Any | Rejected | None:
        """Find the answer in a statement (a hook); by default as in a line.

        Args:
            text: the text after a trigger, or the content of a box; at most one line.
            continues: whether more text follows the statement; see `Statement`.

        Returns:
            A value, None for nothing, or `Rejected`.
        """
        return self.parse_line(text, "")

    def parse_line(self, line: str, before: str) -> Any | Rejected | None:
        """Return the answer if the line contains only an answer (a hook).

        Args:
            line: the line.
            before: the line before it, or empty.

        Returns:
            A value, None for nothing, or `Rejected`.
        """
        return None

    def parse_closing_line(self, line: str, statement: str) -> Any | Rejected | None:
        """Return the answer if the last line states it in place of a statement that more text follows (a hook).

        Args:
            line: the last line.
            statement: the text after "Answer:".

        Returns:
            A value, None for nothing, or `Rejected`.
        """
        return None

    def parse_first_line(self, line: str) -> Any | Rejected | None:
        """Return the answer if the first line of a longer reply contains only it (a hook).

        The line has an empty line below it.
        """
        return None

    def parse_last_candidate(self, text: str) -> Any | Rejected | None:
        """Return the last text that could be an answer (a hook)."""
        return None

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the answer that a text states; see `Kind.parse_reply`."""
        for rule, found in self._findings(self._answer_text(text, region), stated_only or self.stated_only):
            if isinstance(found, Rejected):
                return ParseResult(None, found.reason)
            if found is not None:
                return ParseResult(found, rule)
        return ParseResult(None, "nothing found")

    def _answer_text(self, text: str, region: Region | None) -> str:
        """Return the part of a reply in which an answer is searched."""
        text = strip_reasoning_fields(visible_text(text, region))
        return cut_next_question(text, first_trigger_end(text) or 0) if has_next_question(text) else text

    def _findings(self, text: str, stated_only: bool) -> Iterator[tuple[str, Any]]:
        chars_left = _MAX_STATEMENT_CHARS
        denied: list[str] = []
        valueless: Rejected | None = None
        box = find_last_box(text)
        statements = find_statements(text, literal=self._reads_signs, conclusions=self._is_closed)
        for number, statement in enumerate(statements):
            chars_left -= len(statement.text)
            # Nothing follows: the statement was cut off, and an earlier one may have been taken back.
            if not statement.text or chars_left < 0:
                break
            if number == 0 and statement.continues:
                yield "final line", self.parse_closing_line(final_lines(text)[0], statement.text)
            if number == 0 and box and is_final_box(text, box, statement):
                found = self._parse_box(box)
                # A last line that contains only an answer is later than the box.
                line, before = final_lines(text, literal=self._reads_signs)
                later = "boxed" not in line and self.parse_line(line, before) is not None
                if not (found is None or isinstance(found, Rejected) or later):
                    yield "box", found
            found = _NEGATION if statement.negated else self._parse_located(statement)
            if isinstance(found, Rejected):
                # Words that were copied from the prompt, and descriptions, take back no answer.
                if found in (ECHO, DESCRIPTION):
                    valueless = found
                    continue
                if found == _NEGATION:
                    denied.append(statement.text)
                    continue
                # A conclusion in sentences takes back no answer.
                if statement.form == "conclusion":
                    continue
            yield "trigger", self._unless_denied(found, denied)
            if self._is_closed and concludes(text, statement):
                text, box = text[statement.start :], box if box and box.start > statement.start else None
                break
        if box is not None:
            yield "box", self._unless_denied(self._parse_box(box), denied)
        if denied:
            yield "trigger", _NEGATION
        if valueless:
            yield "trigger", valueless
        line, before = final_lines(text, literal=self._reads_signs)
        yield "final line", self.parse_line(line, before)
        yield "first line", self.parse_first_line(first_line(text))
        if not stated_only:
            last = re.split(r"[.!?]\s+", line)[-1]
            if begins_with_refusal(last) and not self._names_refusal(last):
                # "Since we cannot determine …, it is neutral"
                found = self.parse_last_candidate(main_clause(last)) if self._is_closed else None
                yield "last candidate", Rejected("a refusal") if found is None else found
            yield "last candidate", self.parse_last_candidate(text[-TAIL_CHARS:])

    def _names_refusal(self, sentence: str) -> bool:
        """Return whether a sentence that sounds like a refusal names an answer: "unknown" may be an option."""
        return False

    @property
    def _reads_signs(self) -> bool:
        """Return whether signs without words can be an answer."""
        return False

    def _unless_denied(self, found: Any, denied: Sequence[str]) -> Any | Rejected | None:
        """Return what was found, if the statements after it deny something else: 5 in "It is 5. It is not 6"."""
        if found is None or isinstance(found, Rejected):
            return found
        for text in denied:
            other = self.parse_statement(_NOT.sub("", text).strip())
            if other is None or isinstance(other, Rejected) or self.same(other, found):
                return _NEGATION
        return found

    def _parse_located(self, statement: Statement) -> Any | Rejected | None:
        if statement.is_hash_mark:
            return self.parse_line(statement.text, "")
        if statement.starts_list:
            return None
        if isinstance(text := strip_echo(statement.text, self.instruction()), Rejected):
            return text
        first = first_sentence(text)
        box = (find_last_box(first) or find_last_box(text)) if "boxed" in first else None
        return self._parse_box(box) if box else self.parse_statement(text, continues=statement.continues)

    def _parse_box(self, box: Box) -> Any | Rejected | None:
        return self.parse_statement(box.text)

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Any | None:
        """Return the value that `parse_reply` finds, or None."""
        return self.parse_reply(text, region=region, stated_only=stated_only).value

    def error_message(self, text: str) -> str | None:
        """Return why the text cannot be parsed, in words that a model can act on; None if it can."""
        result = self.parse_reply(text)
        return (
            None
            if result.value is not None
            else f"No answer could be read ({result.rule}). {self.instruction()}".strip()
        )

    def target(self, target: Any) -> Any:
        """Return the value that a target stands for; see `Kind.target`."""
        value = self.parse(target) if isinstance(target, str) else target
        if not self.is_value(value):
            raise UsageError(f"the target {abbreviate(target)} is not a {self.name}")
        return value

    def is_value(self, value: Any) -> bool:
        """Return whether an object can be a value of this kind (a hook); `score` counts every other one as wrong."""
        return value is not None

    @abstractmethod
    def key(self, value: Any) -> Hashable:
        """Return a key that is equal for values that are the same answer."""

    def same(self, a: Any, b: Any) -> bool:
        """Return whether two values are the same answer."""
        return self.key(a) == self.key(b)

    def score(self, value: Any, target: Any) -> bool:
        """Return whether a value is right; see `Kind.score`."""
        expected = self.target(target)
        return self.is_value(value) and self.same(value, expected)

    def show(self, value: Any) -> str:
        """Return the value as text that `parse` accepts."""
        return str(value)

    def __repr__(self) -> str:
        """Return the constructor call without the parameters that have their default values."""
        parameters = [(item.name, getattr(self, item.name), item.default) for item in dataclasses.fields(self)]
        changed = ((name, value) for name, value, default in parameters if value != default)
        shown = (f"{name}={value.__name__ if isinstance(value, type) else repr(value)}" for name, value in changed)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__repr__" not in vars(cls):
            # Otherwise `dataclass` would generate one that prints every parameter.
            cls.__repr__ = BaseKind.__repr__  # type: ignore[method-assign]
