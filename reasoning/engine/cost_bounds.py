"""What a call may use at most, before it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from reasoning.errors import PriceUnknown
from reasoning.messages import Request, Usage

Price = Callable[[Usage], float | None]
"""What a usage costs in US dollars; None where the price is not known."""
_HIDDEN = 8192
"""Tokens that a provider may add to a prompt, in templates of its own."""


class CostBounds(NamedTuple):
    """What is known of a call beforehand.

    Attributes:
        model: whose it is.
        draws: completions that are asked for.
        prompt: the most tokens that its prompt can have, but for what the provider adds.
        completion: the most tokens that its completions can have.
        price: what a usage costs; None where dollars are not limited.
    """

    model: str
    draws: int
    prompt: int
    completion: int
    price: Price | None

    def bounds(self, hidden: int | None) -> tuple[Usage, Usage]:
        """What it may use: by what is known to be hidden in prompts, and with what may be.

        Raises:
            PriceUnknown: a limit in dollars, and no known price.
        """
        least = self.priced(Usage(self.draws, self.prompt + (hidden or 0), self.completion))
        if hidden is not None:
            return least, least
        return least, self.priced(Usage(self.draws, self.prompt + _HIDDEN, self.completion))

    def priced(self, usage: Usage) -> Usage:
        """The usage with its price, where dollars are limited."""
        if self.price is None:
            return usage
        if (usd := self.price(usage)) is None:
            raise PriceUnknown(
                f"no price is known for {self.model}: give it in a models.toml, or limit tokens or calls instead of "
                "dollars"
            )
        return replace(usage, usd=usd)

    def clamp_reported(self, used: Usage, worst: Usage) -> Usage:
        """What was used, as reported; a count that is missing or beyond all reason is that of the worst case."""
        prompt, completion = used.prompt_tokens, used.completion_tokens
        if not 0 < prompt <= self.prompt + _HIDDEN:
            prompt = worst.prompt_tokens
        if not 0 < completion <= worst.completion_tokens:
            completion = worst.completion_tokens
        if (prompt, completion) != (used.prompt_tokens, used.completion_tokens):
            return self.priced(replace(used, prompt_tokens=prompt, completion_tokens=completion))
        return used if used.usd is not None else self.priced(used)


def max_prompt_tokens(request: Request) -> int:
    """At most so many tokens has the prompt: no token is shorter than a byte, and chat templates add a few a turn."""
    return sum([_bytes(turn.content) + 16 for turn in request.messages])


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
