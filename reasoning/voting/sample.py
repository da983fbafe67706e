"""What a vote knows of one sample."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reasoning.answer import Answer
    from reasoning.messages import Completion


@dataclass(frozen=True)
class Draw:
    """One sample on its way to the vote.

    Attributes:
        value: what was read from it; None where nothing could be read or the call failed.
        text: all that the model said on the way to it.
        logprob: the log-probability of all its tokens together; None where the provider gave none.
        tokens: how many tokens that is.
        truncated: whether a reply was cut off by `max_tokens`.
        kept: whether the filter lets it vote.
        answer: the whole answer, where a strategy drew it.
    """

    value: Any
    text: str = ""
    logprob: float | None = None
    tokens: int = 0
    truncated: bool = False
    kept: bool = True
    answer: Answer | None = field(default=None, repr=False)

    @classmethod
    def of(cls, answer: Answer, said: Sequence[Completion]) -> Draw:
        """The draw that an answer is, with the completions that led to it."""
        tokens = [token.logprob for one in said for token in one.tokens]
        known = bool(tokens) and all(one.tokens for one in said) and all(map(math.isfinite, tokens))
        return cls(
            answer.value,
            text="\n".join([one.text for one in said]) or answer.text,
            logprob=math.fsum(tokens) if known else None,
            tokens=len(tokens),
            truncated="length" in [one.finish_reason for one in said],
            answer=answer,
        )

    @property
    def mean_logprob(self) -> float | None:
        """The log-probability of a token, on average."""
        return None if self.logprob is None or not self.tokens else self.logprob / self.tokens

    @property
    def votes(self) -> bool:
        """Whether it has a value and the filter keeps it."""
        return self.kept and self.value is not None
