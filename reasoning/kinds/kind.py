"""The contract of an answer kind, and the result of parsing a reply."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, runtime_checkable

from reasoning.errors import UsageError

PARSER_VERSION: int = 5
"""The version of the rules in this package. Every change that alters the result for any text raises it."""


class ParseResult(NamedTuple):
    """The result of parsing a reply.

    Attributes:
        value: the answer, or None if the reply has none.
        rule: the rule that found the value ("trigger", "box", "final line", "last candidate", …);
            without a value, the reason ("nothing found", "a refusal", "a range",
            …).
    """

    value: Any
    rule: str


@dataclass(frozen=True)
class Rejected:
    """A stated answer that is not of the kind, such as a refusal. It ends the search.

    Attributes:
        reason: the reason for the rejection, shown in the trace.
    """

    reason: str


@dataclass(frozen=True)
class Region:
    """The part of a reply that is parsed.

    Attributes:
        after: parse only the text after the last occurrence of this marker; a reply without it has
            no answer.
        before: parse only the text before the first occurrence of this marker after `after`;
            a reply without it is parsed to its end.

    Examples:
        >>> Region(before="Wrong explanation").extract("18. Wrong explanation: 20.")
        '18. '
        >>> Region("<answer>", "</answer>").extract("Is it 20? <answer>18</answer>")
        '18'
    """

    after: str = ""
    before: str = ""

    def extract(self, text: str) -> str:
        """Return the part of the text that lies in this region."""
        if self.after:
            text = text.rpartition(self.after)[2] if self.after in text else ""
        return text.partition(self.before)[0] if self.before else text


@runtime_checkable
class Kind(Protocol):
    """A kind of answer: how to ask for it, parse it, compare it, score it and show it. A frozen value.

    `reasoning.kinds.BaseKind` implements the rules that all kinds share. Custom kinds
    inherit from it.
    """

    name: ClassVar[str]
    """The word for this kind in data files."""

    def instruction(self) -> str:
        """Return how to state the final answer; it ends a user turn that asks for reasoning."""
        ...

    def direct_instruction(self) -> str:
        """Return how to answer without reasoning."""
        ...

    def trigger(self) -> str:
        """Return the beginning of a sentence that the model completes with its answer.

        Source: Kojima et al. 2022, arXiv 2205.11916, §3.
        """
        ...

    def reply_schema(self, *, steps: bool = False) -> Mapping[str, Any] | None:
        """Return the JSON schema of a whole reply: an object with the field "answer"; for `Json` its own schema.

        A reply that fits the schema is parsed by `parse_reply`, like any other.

        Args:
            steps: whether the field "reasoning" comes before the answer.

        Returns:
            The schema; None for a kind whose replies are no data, such as code and long texts.
        """
        ...

    def structured_instruction(self, *, steps: bool = False) -> str:
        """Return how to state the answer in a reply that fits `reply_schema`."""
        ...

    def parse_reply(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> ParseResult:
        """Parse the answer that a text states. Never raises; the time is linear in the text's length.

        Args:
            text: the reply. Pass a continuation of `trigger()` as `f"{trigger} {reply}"`.
            region: the part of the reply to parse; None for all of it.
            stated_only: accept only a stated answer and not the last candidate; for replies that
                were cut off.

        Returns:
            The value and the rule that found it, or None and the reason.
        """
        ...

    def parse(self, text: str, *, region: Region | None = None, stated_only: bool = False) -> Any | None:
        """Return the value that `parse_reply` finds, or None."""
        ...

    def error_message(self, text: str) -> str | None:
        """Return why the text cannot be parsed, in words that a model can act on; None if it can."""
        ...

    def same(self, a: Any, b: Any) -> bool:
        """Return whether two values are the same answer, which means that their keys are equal."""
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
        """Return a key that is equal for values that are the same answer; votes are counted by it."""
        ...

    def score(self, value: Any, target: Any) -> bool:
        """Return whether a value is right. Every object has a score; only a target can be an error.

        Args:
            value: the parsed value; None and objects that are no value of this kind are never right.
            target: the right value, or its text as a data file states it.

        Raises:
            UsageError: the target is not of this kind.
        """
        ...

    def show(self, value: Any) -> str:
        """Return the value as text that `parse` accepts."""
        ...


def to_text(target: Any) -> str:
    """Return a target as text.

    Raises:
        UsageError: it has none, such as an int of more than 4,300 digits.
    """
    try:
        return str(target)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the target {abbreviate(target)} cannot be written as text: {error}") from None


def abbreviate(value: Any) -> str:
    """Return the beginning of an object's `repr` for a message; its type if the `repr` fails."""
    try:
        return f"{value!r:.80}"
    # An int of more than 4,300 digits, a nesting that is too deep, or an object's own code.
    except Exception:
        return f"(an object of type {type(value).__name__})"
