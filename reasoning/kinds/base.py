"""The stated answer wins: the rules that all kinds share for reading an answer.

After the last trigger ("The answer is", "Answer:", "####"), then in the last `\\boxed{}`, then on a final line that is
nothing but an answer, or on such a first line with an empty one below, then, if that is allowed, the last candidate.
What lies in reasoning tags or behind the reply's end does not count. What is stated but is no answer (a refusal, a
range where a number was asked for, two options where one was) ends the search: the reply has no answer, and none is
made up.
"""

from __future__ import annotations

import dataclasses
import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.answer_locations import (
    Statement,
    final_lines,
    find_statements,
    first_line,
    first_trigger_end,
    last_boxed,
    visible_text,
)
from reasoning.kinds.answer_span import cut_next_question, has_next_question, strip_reasoning_fields
from reasoning.kinds.kind import ParseResult, Region, Rejected
from reasoning.kinds.phrasing import begins_with_refusal, first_sentence, strip_echo

_ROOM = 8_000  # characters of statements that are looked at, from the last one back

TAIL_CHARS = 4_000
"""Characters at the end of a text in which a last candidate is sought."""


@dataclass(frozen=True)
class BaseKind(ABC):
    """What the kinds share. A kind says what it finds in a statement, on a line, and in a whole text.

    The hooks return a value, None for nothing, or Unusable for something that ends the search.

    Attributes:
        stated_only: never fall back on the last candidate: what is not stated as the answer is none.
    """

    name: ClassVar[str]
    stated_only: bool = field(default=False, kw_only=True)

    @abstractmethod
    def instruction(self) -> str:
        """How to state the final answer; see `Kind.instruction`."""

    def direct_instruction(self) -> str:
        return "Reply with the answer alone: no reasoning, no other words."

    def trigger(self) -> str:
        return "Therefore, the answer is"

    def parse_statement(self, text: str, *, continues: bool = False) -> Any | Rejected | None:
        """Hook: the answer in `text`, which follows a trigger (or fills a box) and is at most a line; see Statement."""
        return self.parse_line(text, "")

    def parse_line(self, line: str, before: str) -> Any | Rejected | None:
        """Hook: the answer if the line is nothing but an answer. `before` is the line in front of it, or empty."""
        return None

    def parse_first_line(self, line: str) -> Any | Rejected | None:
        """Hook: the answer if the first line of a longer reply, with an empty line below, is nothing but an answer."""
        return None

    def parse_last_candidate(self, text: str) -> Any | Rejected | None:
        """Hook: the last candidate in a text."""
        return None

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Read the answer that a text states; see `Kind.read`."""
        text = strip_reasoning_fields(visible_text(text, region))
        if has_next_question(text):
            text = cut_next_question(text, first_trigger_end(text) or 0)
        for how, found in self._findings(text, stated_only or self.stated_only):
            if isinstance(found, Rejected):
                return ParseResult(None, found.reason)
            if found is not None:
                return ParseResult(found, how)
        return ParseResult(None, "nothing found")

    def _findings(self, text: str, stated_only: bool) -> Iterator[tuple[str, Any]]:
        room = _ROOM
        for said in find_statements(text):
            room -= len(said.text)
            # Nothing follows: the statement was cut off, and an earlier one may have been taken back.
            if not said.text or room < 0:
                break
            if said.negated:
                yield "trigger", Rejected("a negation")
            yield "trigger", self._said(said)
        if (box := last_boxed(text)) is not None:
            yield "box", self.parse_statement(box)
        line, before = final_lines(text)
        yield "final line", self.parse_line(line, before)
        yield "first line", self.parse_first_line(first_line(text))
        if not stated_only:
            if begins_with_refusal(re.split(r"[.!?]\s+", line)[-1]):
                yield "final line", Rejected("a refusal")
            yield "last candidate", self.parse_last_candidate(text[-TAIL_CHARS:])

    def _said(self, said: Statement) -> Any | Rejected | None:
        if said.is_hash_mark:
            return self.parse_line(said.text, "")
        if said.starts_list:
            return None
        if isinstance(text := strip_echo(said.text, self.instruction()), Rejected):
            return text
        box = last_boxed(text) if "boxed" in first_sentence(text) else None
        return self.parse_statement(text, continues=said.continues) if box is None else self.parse_statement(box)

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Any | None:
        """The value that `read` finds, or None."""
        return self.parse_reply(text, region=region, stated_only=stated_only).value

    def error_message(self, text: str) -> str | None:
        """Why the text cannot be read, in words that a model can act on; None where it can."""
        reading = self.parse_reply(text)
        return (
            None
            if reading.value is not None
            else f"No answer could be read ({reading.rule}). {self.instruction()}".strip()
        )

    def target(self, target: Any) -> Any:
        """The value that a target stands for. Raises UsageError where it is not of this kind."""
        value = self.parse(target) if isinstance(target, str) else target
        if value is None:
            raise UsageError(f"the target {target!r:.80} is not a {self.name}")
        return value

    @abstractmethod
    def key(self, value: Any) -> Hashable:
        """What is equal for values that are one answer."""

    def same(self, a: Any, b: Any) -> bool:
        """Whether two values are one answer."""
        return self.key(a) == self.key(b)

    def score(self, value: Any, target: Any) -> bool:
        """Whether a value is right."""
        return value is not None and self.same(value, self.target(target))

    def show(self, value: Any) -> str:
        """The value as text, from which `parse` reads it again."""
        return str(value)

    def __repr__(self) -> str:
        """The constructor, without the parameters that have their default values."""
        fields = [(one.name, getattr(self, one.name), one.default) for one in dataclasses.fields(self)]
        given = ((name, value) for name, value, usual in fields if value != usual)
        shown = (f"{name}={value.__name__ if isinstance(value, type) else repr(value)}" for name, value in given)
        return f"{type(self).__name__}({', '.join(shown)})"

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__repr__" not in vars(cls):
            cls.__repr__ = BaseKind.__repr__  # type: ignore[method-assign]  # else `dataclass` makes one with everything
