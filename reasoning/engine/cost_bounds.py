"""Bounds on the usage of a call before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from reasoning.errors import PriceUnknown
from reasoning.messages import Request, Usage

Price = Callable[[Usage], float | None]
"""Computes the US dollars of a usage; None if the price is not known."""
_MAX_TEMPLATE_TOKENS = 8192
"""The maximum number of tokens that a provider's own template may add to a prompt."""


class CostBounds(NamedTuple):
    """The bounds of one call.

    Attributes:
        model: the model's name.
        draws: the number of completions to ask for.
        prompt: the maximum number of prompt tokens, without the provider's template.
        completion: the maximum number of completion tokens of all draws together.
        price: computes dollars; None if dollars are not limited.
    """

    model: str
    draws: int
    prompt: int
    completion: int
    price: Price | None

    def bounds(self, template_overhead: int | None) -> tuple[Usage, Usage]:
        """Return two upper bounds on the usage: a likely one, and a certain one.

        Args:
            template_overhead: the most tokens that the provider has been seen to add to a prompt of
                this model; None if nothing is known yet. The certain bound then includes 8,192.

        Raises:
            PriceUnknown: dollars are limited, and the price is not known.
        """
        likely = self.priced(Usage(self.draws, self.prompt + (template_overhead or 0), self.completion))
        if template_overhead is not None:
            return likely, likely
        return likely, self.priced(Usage(self.draws, self.prompt + _MAX_TEMPLATE_TOKENS, self.completion))

    def priced(self, usage: Usage) -> Usage:
        """Return the usage, with its price if dollars are limited.

        Raises:
            PriceUnknown: the price is not known.
        """
        if self.price is None:
            return usage
        if (usd := self.price(usage)) is None:
            raise PriceUnknown(
                f"no price is known for {self.model}: give it in a models.toml, or limit tokens or calls instead of "
                "dollars"
            )
        return replace(usage, usd=usd)

    def clamp_reported(self, used: Usage, worst: Usage) -> Usage:
        """Return the reported usage; the worst case replaces missing and impossible counts."""
        prompt, completion = used.prompt_tokens, used.completion_tokens
        if not 0 < prompt <= self.prompt + _MAX_TEMPLATE_TOKENS:
            prompt = worst.prompt_tokens
        if not 0 < completion <= worst.completion_tokens:
            completion = worst.completion_tokens
        if (prompt, completion) != (used.prompt_tokens, used.completion_tokens):
            return self.priced(replace(used, prompt_tokens=prompt, completion_tokens=completion))
        return used if used.usd is not None else self.priced(used)


def max_prompt_tokens(request: Request) -> int:
    """Return an upper bound on the prompt's tokens.

    Every token is at least one byte; 16 tokens a turn cover the chat template.
    """
    return sum([_count_bytes(turn.content) + 16 for turn in request.messages])


def _count_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
