"""A limit on what a run may spend, held whatever the concurrency: reserve before sending, settle after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import TypeVar

from reasoning.errors import BudgetExhausted, PriceUnknown, UnknownName, UsageError
from reasoning.llm.request import Request, Usage

T = TypeVar("T")

Price = Callable[[Usage], float | None]
"""What a usage costs in US dollars; None where the price is not known."""


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
    _reserved: Usage = field(default_factory=Usage, init=False, repr=False)
    _started: float | None = field(default=None, init=False, repr=False)
    _waiting: list[asyncio.Future[None]] = field(default_factory=list, init=False, repr=False)
    _hidden: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    """By model: the most tokens of a prompt that were seen beyond its bound."""

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

    def inside(self, outer: Budget) -> Budget:
        """A fresh budget with these limits within another one."""
        return Budget(self.usd, self.tokens, self.calls, self.seconds, outer)

    async def reserve(self, request: Request, draws: int, price: Price) -> Reservation:
        """Hold back the worst case of a request, here and in the budgets around; settle it afterwards.

        Waits while calls in flight hold what this one needs, since they mostly use less than they hold.

        Raises:
            BudgetExhausted: the worst case does not fit into what is left.
            PriceUnknown: a limit in dollars, and no known price.
        """
        chain = tuple(self._chain())
        limited = [budget for budget in chain if budget._limited]
        if not limited:
            return Reservation(tuple((budget, Usage()) for budget in chain), request.model, 0, None, price)
        bound, now = prompt_bound(request), time.monotonic()
        for budget in chain:
            if budget._started is None:
                budget._started = now
        while True:
            self.left()
            least, most = self._worst_cases(request, bound, draws, price)
            over = next((one for one in limited if one._over(most) and (one._reserved.calls or one._over(least))), None)
            if over is None:
                break
            if not over._reserved.calls:
                raise BudgetExhausted(f"the budget is used up: {over._over(least)}", over)
            settled = asyncio.get_running_loop().create_future()
            over._waiting.append(settled)
            await self.wait(settled)
        held = tuple((budget, least if budget._over(most) else most) for budget in chain)
        for budget, part in held:
            budget._reserved = budget._reserved + part
        return Reservation(held, request.model, bound, least, price)

    def left(self) -> float | None:
        """Seconds until this budget or one around it ends; None where no time is set.

        Raises:
            BudgetExhausted: none are left; of the innermost that is used up.
        """
        least: float | None = None
        for budget in self._chain():
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
        if (left := self.left()) is None:
            return await waiting
        try:
            async with asyncio.timeout(left):
                return await waiting
        except TimeoutError:
            self.left()
            raise

    def _worst_cases(self, request: Request, bound: int, draws: int, price: Price) -> tuple[Usage, Usage]:
        """What a request may take: by what is known of its model, and with what may be hidden in its prompt.

        Raises:
            PriceUnknown: a limit in dollars, and no known price.
        """
        known = [budget._hidden[request.model] for budget in self._chain() if request.model in budget._hidden]
        prompt, completion = bound + max(known, default=0), request.max_tokens * draws
        cases = [Usage(draws, prompt + more, completion) for more in ((0,) if known else (0, _HIDDEN))]
        if any(budget.usd is not None for budget in self._chain()):
            for place, worst in enumerate(cases):
                if (usd := price(worst)) is None:
                    raise PriceUnknown(
                        f"no price is known for {request.model}: give it in a models.toml, or limit tokens or "
                        "calls instead of dollars"
                    )
                cases[place] = replace(worst, usd=usd)
        return cases[0], cases[-1]

    def _chain(self) -> Iterator[Budget]:
        budget: Budget | None = self
        while budget is not None:
            yield budget
            budget = budget.within

    @property
    def _limited(self) -> bool:
        return (self.usd, self.tokens, self.calls, self.seconds) != (None, None, None, None)

    def _over(self, worst: Usage) -> str:
        """The first limit that would be passed, in words; empty when it fits."""
        for what in ("tokens", "calls", "usd"):
            if (limit := getattr(self, what)) is not None:
                spent, held, more = (getattr(one, what) or 0 for one in (self.spent, self._reserved, worst))
                if (value := spent + held + more) > limit:
                    name = "US dollars" if what == "usd" else what
                    return f"{spent:g} of {limit:g} {name} are spent, and the next call may need {value - spent:g}"
        return ""


def nested(budget: Budget | None, outer: Budget) -> Budget:
    """What a solve is paid from: its own budget, within the outer one unless it lies in another already."""
    if budget is None:
        return outer
    return budget if budget.within else budget.inside(outer)


_LIMITS = [one.name for one in fields(Budget) if one.name in ("usd", "tokens", "calls", "seconds")]


@dataclass
class Reservation:
    """What is held back for one request.

    Attributes:
        held: the budgets, and what is held back in each.
        model: whose call it is.
        bound: the most tokens that its prompt can have, but for what the provider adds.
        worst: the worst case by what is known of the model; None where nothing is limited.
        price: what a usage costs.
    """

    held: tuple[tuple[Budget, Usage], ...]
    model: str
    bound: int
    worst: Usage | None
    price: Price

    def settle(self, used: Usage) -> None:
        """Give back what was held and count what was used.

        A count that is missing or beyond all reason is taken as the worst case: a broken server is no way around a
        limit.
        """
        if self.worst is not None and used.calls:
            prompt = _believed(used.prompt_tokens, self.bound + _HIDDEN, self.worst.prompt_tokens)
            completion = _believed(used.completion_tokens, self.worst.completion_tokens, self.worst.completion_tokens)
            credible = (prompt, completion) == (used.prompt_tokens, used.completion_tokens)
            if not credible:
                used = replace(used, prompt_tokens=prompt, completion_tokens=completion)
            if self.worst.usd is not None and (not credible or used.usd is None):
                used = replace(used, usd=self.price(used))
            for budget, _ in self.held:
                budget._hidden[self.model] = max(budget._hidden.get(self.model, 0), prompt - self.bound)
        for budget, part in self.held:
            budget.spent = budget.spent + used
            if self.worst is not None:
                budget._reserved = _minus(budget._reserved, part)
                waiting, budget._waiting = budget._waiting, []
                for one in waiting:
                    if not one.done():
                        one.set_result(None)


_EARLY = 1e-6
"""Seconds by which a timer may ring too early."""
_HIDDEN = 8192
"""Tokens that a provider may add to a prompt, in templates of its own."""


def _believed(reported: int, most: int, worst: int) -> int:
    return reported if 0 < reported <= most else worst


def prompt_bound(request: Request) -> int:
    """At most so many tokens has the prompt: no token is shorter than a byte, and chat templates add a few a turn."""
    return sum(_bytes(turn.content) + 16 for turn in request.messages)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


def _minus(total: Usage, part: Usage) -> Usage:
    usd = None if total.usd is None or part.usd is None else total.usd - part.usd
    return Usage(
        total.calls - part.calls,
        total.prompt_tokens - part.prompt_tokens,
        total.completion_tokens - part.completion_tokens,
        usd=usd,
    )
