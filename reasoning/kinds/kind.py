"""What a kind of answer is, and what reading a reply gives."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

PARSER_VERSION: int = 2
"""The version of the rules in this package. Raised by every change that alters what is read from some text."""


class ParseResult(NamedTuple):
    """What was read from a reply.

    Attributes:
        value: the answer, or None when there is none.
        how: the rule that found it ("trigger", "box", "final line", "last candidate", …);
            without a value, why there is none ("nothing found", "a refusal", "a range", …).
    """

    value: Any
    rule: str


@dataclass(frozen=True)
class Rejected:
    """Something stated where the answer should be that is no answer of the kind; `why` is shown in the trace."""

    reason: str


@dataclass(frozen=True)
class Region:
    """The part of a reply in which to look: `Region(before="Wrong explanation")`, `Region("<answer>", "</answer>")`.

    Attributes:
        after: look only behind the last place of this text; a reply without it holds no answer.
        before: look only in front of the first place of this text behind that; a reply without it is read to its end.
    """

    after: str = ""
    before: str = ""

    def extract(self, text: str) -> str:
        """The part of the text that lies in this region."""
        if self.after:
            text = text.rpartition(self.after)[2] if self.after in text else ""
        return text.partition(self.before)[0] if self.before else text


@runtime_checkable
class Kind(Protocol):
    """A kind of answer: how it is asked for, read, compared, scored and shown. A frozen value.

    `reasoning.kinds.Stated` has the rules that all kinds share; a kind of one's own starts from it.
    """

    name: ClassVar[str]
    """The word for this kind in data files."""

    def instruction(self) -> str:
        """How to state the final answer; stands at the end of a user turn that asks for reasoning."""
        ...

    def direct_instruction(self) -> str:
        """How to answer without reasoning."""
        ...

    def trigger(self) -> str:
        """The beginning of a sentence that the model completes with its answer (Kojima et al. 2022, §3)."""
        ...

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Read the answer that a text states. Never raises, in time linear in the text's length.

        Args:
            text: the reply. A continuation of `trigger()` is read as `f"{trigger} {reply}"`.
            region: the part in which to look; None for all of it.
            stated_only: take only what is stated as the answer, not the last candidate: for replies that were cut off.
        """
        ...

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Any | None:
        """The value that `read` finds, or None."""
        ...

    def error_message(self, text: str) -> str | None:
        """Why the text cannot be read, in words that a model can act on; None where it can."""
        ...

    def same(self, a: Any, b: Any) -> bool:
        """Whether two values are one answer: whether their keys are equal."""
        ...

    def target(self, target: Any) -> Any:
        """Return the value that a target stands for; `score` compares with it.

        Args:
            target: the right answer as a data file states it: a value of this kind, or its text.

        Raises:
            UsageError: the target is not of this kind.
        """
        ...

    def key(self, value: Any) -> Hashable:
        """What is equal for values that are one answer; votes are counted by it."""
        ...

    def score(self, value: Any, target: Any) -> bool:
        """Whether a value is right. Raises UsageError where the target is not of this kind.

        Args:
            value: what was read; None is never right.
            target: the right value, or its text as a data file has it.
        """
        ...

    def show(self, value: Any) -> str:
        """The value as text, from which `parse` reads it again."""
        ...
