"""What a strategy gives back: one of three states, never a bare string."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from reasoning.messages import Usage

if TYPE_CHECKING:
    from reasoning.trace import Trace
    from reasoning.voting import Vote


_NOTHING = Usage()


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The common part of the three states `Answered`, `Unparsed` and `Failed`.

    Attributes:
        text: the reply from which the answer was read.
        confidence: between 0 and 1 where the strategy has a measure (the share of votes), else None.
        votes: the candidates and their counts, where there was a vote.
        steps: the results of a chain's steps, by name.
        usage: all completions that the strategy used.
        trace: what happened.
        strategy: what answered.
    """

    state: ClassVar[str]
    text: str = ""
    confidence: float | None = None
    votes: Vote | None = None
    steps: Mapping[str, Any] = field(default_factory=dict)
    usage: Usage = _NOTHING
    trace: Trace | None = field(default=None, compare=False, repr=False)
    strategy: Any = field(default=None, compare=False, repr=False)

    if TYPE_CHECKING:

        @property
        def value(self) -> Any:
            """What was read; None unless this is `Answered`."""

        @property
        def reason(self) -> str:
            """Why there is no value; empty for an answer."""

    def _repr_html_(self) -> str:
        from reasoning.display import answer_html

        return answer_html(self)


@dataclass(frozen=True)
class Answered(Answer):
    """The model spoke and an answer was read. `how` names the rule that read it."""

    state = "answered"
    value: Any
    rule: str = field(default="", kw_only=True)

    @property
    def reason(self) -> str:
        """Empty: there is a value."""
        return ""

    @property
    def is_stated(self) -> bool:
        """Whether the reply said in words, or by a box, that this is its answer."""
        return self.rule in ("trigger", "box")


@dataclass(frozen=True)
class Unparsed(Answer):
    """The model spoke, but no answer could be read. Not a vote, and no value is made up."""

    state = "unparsed"
    reason: str

    @property
    def value(self) -> None:
        """None: there is no answer."""
        return None


@dataclass(frozen=True)
class Failed(Answer):
    """A call did not come through for good. Not a wrong answer. `error` is the provider's word."""

    state = "failed"
    error: str

    @property
    def value(self) -> None:
        """None: there is no answer."""
        return None

    @property
    def reason(self) -> str:
        """The error's text."""
        return self.error
