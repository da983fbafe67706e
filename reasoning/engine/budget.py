"""A limit on what a run may spend, held whatever the concurrency: reserve before sending, settle after."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TypeVar

from reasoning.engine.cost_bounds import CostBounds, Price, max_prompt_tokens
from reasoning.errors import BudgetExhausted, UnknownName, UsageError
from reasoning.messages import Request, Usage

T = TypeVar("T")


@dataclass(eq=False)
class Budget:
    """What may be spent. None is no limit.

    Budgets nest: what is spent within one is spent of those around it too, such as a problem's, a strategy's and a
    run's.

    Nothing is sent that could pass a limit, with one exception. A provider may put a template of its own before a
    prompt, whose length nobody tells. Until the first usage of a model is known, 8,192 tokens are held back for it with
    each call; where they do not fit, that call goes alone and may pass `tokens` (and `usd`) by them. From then on the
    most that has been seen is held back, and only what is above that can be passed: by the calls under way together.

    Attributes:
        usd: US dollars. Refused before the first call where the model's price is not known; a model on this machine
            costs 0.
        tokens: prompt and completion tokens together.
        calls: completions that were asked for; a server may give more.
        seconds: wall time from the first call. Nothing is sent later, not by a retry either; what is under way by then
            may still come, and is recorded.
        within: the budget around this one.
        spent: what has been spent so far.
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    within: Budget | None = None
    spent: Usage = field(default_factory=Usage, init=False)
    _held_calls: int = field(default=0, init=False, repr=False)
    _held_tokens: int = field(default=0, init=False, repr=False)
    _held_usd: float = field(default=0.0, init=False, repr=False)
    _started: float | None = field(default=None, init=False, repr=False)
    _waiters: OrderedDict[asyncio.Event, None] = field(default_factory=OrderedDict, init=False, repr=False)
    """Those who wait, first come, first served; only the first is woken, and wakes the next when it goes."""
    _template_overhead: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    """By model, in the outermost budget: the most tokens of a prompt that were seen beyond its bound."""

    def __post_init__(self) -> None:
        for name in _LIMITS:
            if (limit := getattr(self, name)) is not None and limit < 0:
                raise UsageError(f"a budget of {limit} {name} makes no sense: give a number from 0 up, or None")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """A budget in words, such as "usd=1.5, tokens=20000".

        Raises:
            UsageError: names the part that makes no sense.
        """
        limits: dict[str, float] = {}
        for part in text.split(","):
            name, equals, value = (word.strip() for word in part.partition("="))
            if name not in _LIMITS:
                raise UnknownName("limit", name, _LIMITS, f"in the budget {text!r}")
            try:
                limits[name] = float(value) if name in ("usd", "seconds") else int(value.replace("_", ""))
            except ValueError:
                wanted = f"{name}=NUMBER" if equals else f"'=NUMBER' after {name}"
                raise UsageError(f"{part.strip()!r} in the budget {text!r} lacks a number: write {wanted}") from None
        return cls(**limits)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """The limits as `parse` reads them."""
        given = {name: getattr(self, name) for name in _LIMITS}
        return ", ".join(f"{name}={limit:g}" for name, limit in given.items() if limit is not None)

    def nested_in(self, outer: Budget) -> Budget:
        """A fresh budget with these limits within another one."""
        return Budget(self.usd, self.tokens, self.calls, self.seconds, outer)

    async def reserve(self, request: Request, draws: int, price: Price) -> Reservation:
        """Hold back the worst case of a request, here and in the budgets around; settle it afterwards.

        Waits while calls in flight hold what this one needs, since they mostly use less than they hold; whoever came
        first goes first.

        Raises:
            BudgetExhausted: the worst case does not fit into what is left.
            PriceUnknown: a limit in dollars, and no known price.
        """
        chain = self._chain
        limited = [budget for budget in chain if budget._limited]
        if not limited:
            return Reservation(chain)
        now = time.monotonic()
        for budget in chain:
            if budget._started is None:
                budget._started = now
        priced = any(budget.usd is not None for budget in limited)
        completion = request.max_tokens * draws
        call = CostBounds(request.model, draws, max_prompt_tokens(request), completion, price if priced else None)
        waiter = asyncio.Event()
        try:
            while True:
                self.seconds_left()
                least, most = call.bounds(chain[-1]._template_overhead.get(request.model))
                place = next((place for place, one in enumerate(limited) if not one._admits(waiter, least, most)), None)
                if place is None:
                    return Reservation(chain, call, least, [budget._hold(least, most) for budget in chain])
                for budget in limited[: place + 1]:  # who waits further out stays the first here
                    budget._waiters.setdefault(waiter)
                for budget in limited[place + 1 :]:
                    budget._leave(waiter)
                waiter.clear()
                await self.wait(waiter.wait())
        finally:
            for budget in limited:
                budget._leave(waiter)

    def seconds_left(self) -> float | None:
        """Seconds until this budget or one around it ends; None where no time is set.

        Raises:
            BudgetExhausted: none are left; of the innermost that is used up.
        """
        least: float | None = None
        for budget in self._chain:
            if budget.seconds is not None:
                left = budget.seconds - (0.0 if budget._started is None else time.monotonic() - budget._started)
                if left <= _EARLY:
                    raise BudgetExhausted(f"the budget is used up: {budget.seconds:g} seconds have passed", budget)
                least = left if least is None else min(least, left)
        return least

    async def wait(self, waiting: Awaitable[T]) -> T:
        """What is waited for, if it comes before this budget or one around it ends.

        Raises:
            BudgetExhausted: it did not; of the innermost that is used up.
        """
        if (left := self.seconds_left()) is None:
            return await waiting
        try:
            async with asyncio.timeout(left):
                return await waiting
        except TimeoutError:
            self.seconds_left()
            raise

    @property
    def _chain(self) -> tuple[Budget, ...]:
        """This budget and those around it, the innermost first."""
        return (self, *self._around)

    @cached_property
    def _around(self) -> tuple[Budget, ...]:
        return self.within._chain if self.within else ()

    @property
    def _limited(self) -> bool:
        return not (self.tokens is None and self.calls is None and self.usd is None and self.seconds is None)

    def _admits(self, waiter: asyncio.Event, least: Usage, most: Usage) -> bool:
        """Whether a call may go on: it is its turn, and it fits; alone also with the least that it may take.

        Raises:
            BudgetExhausted: it never will.
        """
        if self._waiters and next(iter(self._waiters)) is not waiter:
            return False
        if not self._over(most):
            return True
        if not self._held_calls and (limit := self._over(least)):
            raise BudgetExhausted(f"the budget is used up: {limit}", self)
        return not self._held_calls

    def _hold(self, least: Usage, most: Usage) -> Usage:
        """Hold back what fits, and return it."""
        worst = least if least is not most and self._over(most) else most
        self._held_calls += worst.calls
        self._held_tokens += worst.tokens
        self._held_usd += worst.usd or 0.0
        return worst

    def _give_back(self, worst: Usage) -> None:
        self._held_calls -= worst.calls
        self._held_tokens -= worst.tokens
        self._held_usd = self._held_usd - (worst.usd or 0.0) if self._held_calls else 0.0  # floats would drift
        self._wake()

    def _leave(self, waiter: asyncio.Event) -> None:
        if waiter in self._waiters:
            del self._waiters[waiter]
            self._wake()

    def _wake(self) -> None:
        if self._waiters:
            next(iter(self._waiters)).set()

    def _over(self, worst: Usage) -> str:
        """The first limit that would be passed, in words; empty when it fits."""
        spent = self.spent
        if self.tokens is not None and (value := spent.tokens + self._held_tokens + worst.tokens) > self.tokens:
            return _passed("tokens", self.tokens, spent.tokens, value)
        if self.calls is not None and (value := spent.calls + self._held_calls + worst.calls) > self.calls:
            return _passed("calls", self.calls, spent.calls, value)
        if self.usd is not None:
            usd = spent.usd or 0.0
            if (more := usd + self._held_usd + (worst.usd or 0.0)) > self.usd:
                return _passed("US dollars", self.usd, usd, more)
        return ""


def nest(budget: Budget | None, outer: Budget) -> Budget:
    """What a solve is paid from: its own budget, within the outer one unless it lies in another already."""
    if budget is None:
        return outer
    return budget if budget.within else budget.nested_in(outer)


_LIMITS = [one.name for one in fields(Budget) if one.name in ("usd", "tokens", "calls", "seconds")]


@dataclass
class Reservation:
    """What is held back for one request, in a budget and in those around it.

    Attributes:
        budgets: the innermost first.
        call: whose it is; None where nothing is limited.
        worst: the worst case by what was known of the model.
        held: what is held back in each of the budgets.
    """

    budgets: Sequence[Budget]
    call: CostBounds | None = None
    worst: Usage = field(default_factory=Usage)
    held: Sequence[Usage] = ()

    def settle(self, used: Usage) -> None:
        """Give back what was held and count what was used.

        A count that is missing or beyond all reason is taken as the worst case: a broken server is no way around a
        limit.
        """
        for budget, worst in zip(self.budgets, self.held, strict=False):
            budget._give_back(worst)
        if used.calls:
            if self.call is not None:
                used = self.call.clamp_reported(used, self.worst)
                seen, hidden = self.budgets[-1]._template_overhead, used.prompt_tokens - self.call.prompt
                seen[self.call.model] = max(seen.get(self.call.model, 0), hidden)
            for budget in self.budgets:
                budget.spent = budget.spent + used


_EARLY = 1e-6
"""Seconds by which a timer may ring too early."""


def _passed(what: str, limit: float, spent: float, value: float) -> str:
    return f"{spent:g} of {limit:g} {what} are spent, and the next call may need {value - spent:g}"
