"""How fast calls go out: requests in flight, requests a minute, tokens a minute."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reasoning.errors import UsageError


@dataclass
class Limits:
    """Holds calls back so that a provider's limits are kept.

    Attributes:
        concurrency: requests in flight at once.
        requests_per_minute, tokens_per_minute: None is no limit. Tokens are counted as `max_tokens` when a
            request goes out, as providers count them.
    """

    concurrency: int = 32
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    _places: asyncio.Semaphore = field(init=False, repr=False)
    _next: float = field(default=0.0, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests_per_minute", "tokens_per_minute"):
            if (limit := getattr(self, name)) is not None and limit <= 0:
                raise UsageError(f"{name}={limit} makes no sense: it must be more than 0")
        self._places = asyncio.Semaphore(self.concurrency)

    @asynccontextmanager
    async def place(self, tokens: int) -> AsyncIterator[None]:
        """Wait for a place among the requests in flight and for the minute's share, then hold the place."""
        async with self._places:
            gap = 0.0
            if self.requests_per_minute:
                gap = 60 / self.requests_per_minute
            if self.tokens_per_minute:
                gap = max(gap, 60 * tokens / self.tokens_per_minute)
            if gap:  # evenly spaced: no burst that a provider's shorter window would refuse
                at = max(self._next, time.monotonic())
                self._next = at + gap
                await asyncio.sleep(at - time.monotonic())
            yield
