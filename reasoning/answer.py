"""The answer of a strategy, in one of three states: `Answered`, `Unparsed` or `Failed`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from reasoning.errors import BudgetExhausted, CallFailed, PromptRefused
from reasoning.messages import Usage
from reasoning.short_repr import format_repr, shorten

if TYPE_CHECKING:
    from reasoning.trace import Trace
    from reasoning.voting import Vote


_NO_USAGE = Usage()


@dataclass(frozen=True, kw_only=True, repr=False)
class Answer:
    """The common part of the three states `Answered`, `Unparsed` and `Failed`.

    Attributes:
        value: the parsed value; None unless the state is `Answered`.
        reason: why there is no value; empty if there is one.
        text: the reply from which the value was parsed.
        confidence: between 0 and 1 if the strategy measures it, such as the winner's share of the
            votes; else None.
        votes: the candidates and their counts, if there was a vote.
        steps: the results of a chain's steps, by name.
        usage: the sum over all completions that the strategy used.
        trace: the calls, stages and notes of the solve.
        strategy: the `Strategy` that answered.
    """

    state: ClassVar[str]
    text: str = ""
    confidence: float | None = None
    votes: Vote | None = None
    steps: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = _NO_USAGE
    trace: Trace | None = field(default=None, compare=False, repr=False)
    # A Strategy, which is above this module.
    strategy: Any = field(default=None, compare=False, repr=False)

    if TYPE_CHECKING:
        # For type checkers only: a property would become the default of the subclass's field with the same name.

        @property
        def value(self) -> Any:
            """The parsed value; None unless the state is `Answered`."""

        @property
        def reason(self) -> str:
            """Why there is no value; empty if there is one."""

    def __repr__(self) -> str:
        """Return the value or the reason, the confidence, the votes and the cost; then the steps and the text, cut."""
        value, reason = getattr(self, "value", None), getattr(self, "reason", "")
        fields = {
            "value": shorten(value, 400) if value is not None else "",
            "reason": shorten(reason, 400) if reason else "",
            "confidence": "" if self.confidence is None else f"{self.confidence:.3g}",
            "votes": "" if self.votes is None else f"<{self.votes}>",
            "usage": f"<{self.usage}>",
            "rule": shorten(getattr(self, "rule", "")) if getattr(self, "rule", "") else "",
            "steps": shorten(dict(self.steps), 300) if self.steps else "",
            "text": "" if self.text in ("", value) else shorten(self.text),
        }
        return format_repr(type(self).__name__, fields)

    def _repr_html_(self) -> str:
        from reasoning.display import answer_html

        return answer_html(self)


@dataclass(frozen=True, repr=False)
class Answered(Answer):
    """An answer whose value was parsed from a reply.

    Attributes:
        rule: the name of the parsing rule, such as "trigger" or "last candidate".
    """

    state = "answered"
    value: Any
    rule: str = field(default="", kw_only=True)

    @property
    def reason(self) -> str:
        """An empty text, since there is a value."""
        return ""

    @property
    def is_stated(self) -> bool:
        """True if the reply marked the value as its answer: by words ("The answer is …"), a box, or a marked copy."""
        return self.rule in ("trigger", "box", "copy")


@dataclass(frozen=True, repr=False)
class Unparsed(Answer):
    """An answer without a value: the model replied, and no value could be parsed.

    It does not vote, and no value is invented.

    Attributes:
        reason: why no value could be parsed.
        stopped_by: the error of the problem's budget if that is used up, else None.
    """

    state = "unparsed"
    reason: str
    stopped_by: BudgetExhausted | None = field(default=None, kw_only=True, compare=False, repr=False)

    @property
    def value(self) -> None:
        """None, since there is no value."""
        return None


@dataclass(frozen=True, repr=False)
class Failed(Answer):
    """An answer without a value: a call failed for good. It is not a wrong answer.

    Attributes:
        error: the message of the error.
        refused: whether the provider refused this problem's prompt, because of its length or
            content. Other problems may succeed.
        retryable: whether the same call may succeed later: the provider was busy, or the connection
            broke.
    """

    state = "failed"
    error: str
    refused: bool = field(default=False, kw_only=True)
    retryable: bool = field(default=False, kw_only=True)

    @classmethod
    def of(cls, error: CallFailed, **kept: Any) -> Failed:
        """Return the answer after a failed call, with the fields that are kept, such as `text`."""
        return cls(str(error), refused=isinstance(error, PromptRefused), retryable=error.retryable, **kept)

    def to_error(self) -> CallFailed:
        """Return the error to raise where another strategy needs this answer."""
        return (PromptRefused if self.refused else CallFailed)(self.error, retryable=self.retryable)

    @property
    def value(self) -> None:
        """None, since there is no value."""
        return None

    @property
    def reason(self) -> str:
        """The message of the error."""
        return self.error
