"""The stated answer wins: the rules that all kinds share for reading an answer.

After the last trigger ("The answer is", "Answer:", "####"), then in the last `\\boxed{}`, then on a final line that is
nothing but an answer, then, if that is allowed, the last candidate. What is stated but is no answer (a refusal, a range
where a number was asked for, two options where one was) ends the search: the reply has no answer, and none is made up.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar

from reasoning.errors import UsageError
from reasoning.kinds.kind import Reading, Region, Unusable
from reasoning.kinds.passages import Statement, boxed, final_lines, statements, visible
from reasoning.kinds.wording import begins_with_refusal, sentence

TAIL = 4_000
"""Characters at the end of a text in which a last candidate is sought."""


class Stated(ABC):
    """What the kinds share. A kind says what it finds in a statement, on a line, and in a whole text.

    The hooks return a value, None for nothing, or Unusable for something that ends the search.
    """

    name: ClassVar[str]

    @abstractmethod
    def instruction(self) -> str:
        """How to state the final answer; see `Kind.instruction`."""

    def direct(self) -> str:
        return "Reply with the answer alone: no reasoning, no other words."

    def trigger(self) -> str:
        return "Therefore, the answer is"

    def statement(self, text: str, *, heads: bool = False) -> Any | Unusable | None:
        """Hook: the answer in `text`, which follows a trigger (or fills a box) and is at most a line; see Statement."""
        return self.only(text, "")

    def only(self, line: str, before: str) -> Any | Unusable | None:
        """Hook: the answer if the line is nothing but an answer. `before` is the line in front of it, or empty."""
        return None

    def last(self, text: str) -> Any | Unusable | None:
        """Hook: the last candidate in a text."""
        return None

    def read(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Reading:
        """Read the answer that a text states; see `Kind.read`."""
        for how, found in self._findings(visible(text, region), stated_only):
            if isinstance(found, Unusable):
                return Reading(None, found.why)
            if found is not None:
                return Reading(found, how)
        return Reading(None, "nothing found")

    def _findings(self, text: str, stated_only: bool) -> Iterator[tuple[str, Any]]:
        for said in statements(text):
            if not said.text:  # nothing follows: the statement was cut off, and an earlier one may have been taken back
                break
            if said.negated:
                yield "trigger", Unusable("a negation")
            yield "trigger", self._said(said)
        if (box := boxed(text)) is not None:
            yield "box", self.statement(box)
        line, before = final_lines(text)
        yield "final line", self.only(line, before)
        if not stated_only:
            if begins_with_refusal(re.split(r"[.!?]\s+", line)[-1]):
                yield "final line", Unusable("a refusal")
            yield "last candidate", self.last(text[-TAIL:])

    def _said(self, said: Statement) -> Any | Unusable | None:
        if said.mark:
            return self.only(said.text, "")
        box = boxed(said.text) if "boxed" in sentence(said.text) else None
        return self.statement(said.text, heads=said.heads) if box is None else self.statement(box)

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Any | None:
        """The value that `read` finds, or None."""
        return self.read(text, region=region, stated_only=stated_only).value

    def complaint(self, text: str) -> str | None:
        """Why the text cannot be read, in words that a model can act on; None where it can."""
        reading = self.read(text)
        return (
            None
            if reading.value is not None
            else f"No answer could be read ({reading.how}). {self.instruction()}".strip()
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
