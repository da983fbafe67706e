"""Tokens, money and time of calls, and their sums."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, money and time.

    Of several draws of one request, the first carries the prompt's tokens.

    Attributes:
        calls: the number of completions.
        prompt_tokens, completion_tokens: tokens as the provider counted them.
        cached_tokens: prompt tokens that came from the provider's prefix cache.
        usd: US dollars; None, not 0, if no price is known (a local model, an unknown one).
        seconds: the summed duration of the calls.
        reasoning_tokens: the part of the completion tokens that was thought. If a server gives thoughts
            without a count, it is estimated by their share of the reply's characters.
        cache_write_tokens: prompt tokens that were written to the provider's prefix cache, where it charges for that.
    """

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        # A usage without calls may have no price, which must not make the sum unknown.
        if self.usd is None:
            usd = None if self.calls else other.usd
        elif other.usd is None:
            usd = None if other.calls else self.usd
        else:
            usd = self.usd + other.usd
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            usd,
            self.seconds + other.seconds,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
        )

    def __sub__(self, earlier: Usage) -> Usage:
        """Return the increase of a running total since `earlier`."""
        return Usage(
            self.calls - earlier.calls,
            self.prompt_tokens - earlier.prompt_tokens,
            self.completion_tokens - earlier.completion_tokens,
            self.cached_tokens - earlier.cached_tokens,
            None if self.usd is None else self.usd - (earlier.usd or 0.0),
            self.seconds - earlier.seconds,
            self.reasoning_tokens - earlier.reasoning_tokens,
            self.cache_write_tokens - earlier.cache_write_tokens,
        )

    def with_seconds(self, seconds: float) -> Usage:
        """Return the same usage with another duration.

        `dataclasses.replace` would take five times as long.
        """
        return Usage(
            self.calls,
            self.prompt_tokens,
            self.completion_tokens,
            self.cached_tokens,
            self.usd,
            seconds,
            self.reasoning_tokens,
            self.cache_write_tokens,
        )

    @classmethod
    def total(cls, usages: Iterable[Usage]) -> Usage:
        """Return the sum of usages, in a fraction of the time of adding them with `+`."""
        calls = prompt = completion = cached = reasoning = written = 0
        usd: float | None = None
        seconds = 0.0
        for usage in usages:
            if usd is None:
                usd = None if calls else usage.usd
            elif usage.usd is not None:
                usd += usage.usd
            elif usage.calls:
                usd = None
            calls += usage.calls
            prompt += usage.prompt_tokens
            completion += usage.completion_tokens
            cached += usage.cached_tokens
            seconds += usage.seconds
            reasoning += usage.reasoning_tokens
            written += usage.cache_write_tokens
        return cls(calls, prompt, completion, cached, usd, seconds, reasoning, written)

    def __str__(self) -> str:
        """Return "3 calls · 512 + 140 tokens (96 thought) · $0.0021 · 4.2 s"."""
        thought = f" ({self.reasoning_tokens:,} thought)" if self.reasoning_tokens else ""
        parts = [
            f"{self.calls:,} call{'' if self.calls == 1 else 's'}",
            f"{self.prompt_tokens:,} + {self.completion_tokens:,} tokens{thought}",
        ]
        if self.cached_tokens:
            parts.append(f"{self.cached_tokens / max(self.prompt_tokens, 1):.0%} of the prompts from a prefix cache")
        if self.cache_write_tokens:
            parts.append(f"{self.cache_write_tokens:,} tokens written to it")
        if self.usd is not None:
            parts.append(f"${self.usd:.4f}")
        if self.seconds >= 0.05:
            parts.append(f"{self.seconds:.1f} s")
        return " · ".join(parts)

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


COUNTS = tuple(field.name for field in fields(Usage) if field.name not in ("usd", "seconds"))
"""The names of the fields that are counts."""
