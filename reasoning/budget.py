"""A limit on what a run may spend, held whatever the concurrency: reserve before sending, settle after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from reasoning.errors import BudgetExhausted, UsageError
from reasoning.llm.request import Request, Usage

Price = Callable[[Usage], float | None]
"""What a usage costs in US dollars; None where the price is not known."""


@dataclass
class Budget:
    """What may be spent. None is no limit.

    Attributes:
        usd: US dollars. Refused before the first call where the model's price is not known.
        tokens: prompt and completion tokens together.
        calls: completions.
        seconds: wall time from the first call.
        spent: what has been spent so far.
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    spent: Usage = field(default_factory=Usage, init=False)
    _reserved: Usage = field(default_factory=Usage, init=False, repr=False)
    _started: float | None = field(default=None, init=False, repr=False)
    _settled: asyncio.Condition = field(default_factory=asyncio.Condition, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("usd", "tokens", "calls", "seconds"):
            if (limit := getattr(self, name)) is not None and limit < 0:
                raise UsageError(f"a budget of {limit} {name} makes no sense: give a number from 0 up, or None")

    @asynccontextmanager
    async def reserve(self, request: Request, draws: int, price: Price) -> AsyncIterator[Callable[[Usage], None]]:
        """Hold back the worst case of a request; the body calls what it is given with the usage that came of it.

        Waits while calls in flight hold what this one needs, since they mostly use less than they hold.

        Raises:
            BudgetExhausted: the worst case does not fit into what is left.
            UsageError: a limit in dollars, and no known price.
        """
        worst = _worst_case(request, draws)
        if self.usd is not None:
            usd = price(worst)
            if usd is None:
                raise UsageError(f"no price is known for {request.model}: limit tokens or calls instead of dollars")
            worst = Usage(worst.calls, worst.prompt_tokens, worst.completion_tokens, usd=usd)
        self._started = self._started or time.monotonic()
        async with self._settled:
            while over := self._over(self.spent + self._reserved + worst):
                if not self._reserved.calls:
                    raise BudgetExhausted(f"the budget is used up: {over}")
                await self._settled.wait()
            self._reserved = self._reserved + worst
        used = Usage()

        def settle(usage: Usage) -> None:
            nonlocal used
            used = used + usage

        try:
            yield settle
        finally:
            async with self._settled:
                self._reserved = _minus(self._reserved, worst)
                self.spent = self.spent + used
                self._settled.notify_all()

    def _over(self, total: Usage) -> str:
        """The first limit that `total` would pass, in words; empty when it fits."""
        if self.seconds is not None and self._started and time.monotonic() - self._started >= self.seconds:
            return f"{self.seconds:g} seconds have passed"
        for name, limit, value, spent in (
            ("tokens", self.tokens, total.tokens, self.spent.tokens),
            ("calls", self.calls, total.calls, self.spent.calls),
            ("US dollars", self.usd, total.usd or 0.0, self.spent.usd or 0.0),
        ):
            if limit is not None and value > limit:
                return f"{spent:g} of {limit:g} {name} are spent, and the next call may need {value - spent:g}"
        return ""


def _worst_case(request: Request, draws: int) -> Usage:
    # No token is shorter than a byte; chat templates add a few tokens a turn.
    prompt = sum(len(turn.content.encode("utf-8", "replace")) + 16 for turn in request.messages)
    return Usage(draws, prompt, request.max_tokens * draws)


def _minus(total: Usage, part: Usage) -> Usage:
    usd = None if total.usd is None or part.usd is None else total.usd - part.usd
    return Usage(
        total.calls - part.calls,
        total.prompt_tokens - part.prompt_tokens,
        total.completion_tokens - part.completion_tokens,
        usd=usd,
    )
