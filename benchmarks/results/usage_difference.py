"""What was spent within a stretch of time."""

from __future__ import annotations

from reasoning.messages import Usage


def since(before: Usage, now: Usage) -> Usage:
    """What came to a running total after it stood at `before`."""
    return Usage(
        now.calls - before.calls,
        now.prompt_tokens - before.prompt_tokens,
        now.completion_tokens - before.completion_tokens,
        now.cached_tokens - before.cached_tokens,
        None if now.usd is None else now.usd - (before.usd or 0.0),
        now.seconds - before.seconds,
    )
