"""One parsed sample as a vote sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reasoning.messages import Completion


class ParsedAnswer(Protocol):
    """The part of an answer that a vote reads: the parsed value and the reply's text."""

    @property
    def value(self) -> Any:
        """Return the parsed value; None if the reply could not be parsed or the call failed."""

    @property
    def text(self) -> str:
        """Return the reply from which the value was parsed."""


@dataclass(frozen=True)
class VoteSample:
    """One sample of a vote.

    Attributes:
        value: the parsed value; None if the reply could not be parsed or the call failed.
        text: all replies that led to the value.
        logprob: the sum of the log-probabilities of all tokens; None if the provider returned none.
        tokens: the number of these tokens.
        truncated: whether a reply was cut off by `max_tokens`.
        kept: whether the filters let the sample vote.
        answer: the answer from which a strategy made the sample. The vote does not read it and
            returns it unchanged.
    """

    value: Any
    text: str = ""
    logprob: float | None = None
    tokens: int = 0
    truncated: bool = False
    kept: bool = True
    answer: Any = field(default=None, repr=False)

    @classmethod
    def from_answer(cls, answer: ParsedAnswer, completions: Sequence[Completion]) -> VoteSample:
        """Make a sample from an answer and the completions that led to it."""
        tokens = [token.logprob for completion in completions for token in completion.tokens]
        known = bool(tokens) and all(completion.tokens for completion in completions)
        known = known and all(map(math.isfinite, tokens))
        return cls(
            answer.value,
            text="\n".join([completion.text for completion in completions]) or answer.text,
            logprob=math.fsum(tokens) if known else None,
            tokens=len(tokens),
            truncated="length" in [completion.finish_reason for completion in completions],
            answer=answer,
        )

    @property
    def mean_logprob(self) -> float | None:
        """Return the mean log-probability per token; None if the provider returned none."""
        return None if self.logprob is None or not self.tokens else self.logprob / self.tokens

    @property
    def counts(self) -> bool:
        """Return whether the sample votes: it has a value and passed the filters."""
        return self.kept and self.value is not None
