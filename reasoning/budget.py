"""A limit on what a run may spend, held whatever the concurrency: reserve before sending, settle after."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace

from reasoning.errors import BudgetExhausted, UnknownName, UsageError
from reasoning.llm.request import Request, Usage

Price = Callable[[Usage], float | None]
"""What a usage costs in US dollars; None where the price is not known."""


@dataclass(eq=False)
class Budget:
    """What may be spent. None is no limit.

    Budgets nest: what is spent within one is spent of those around it too, such as a problem's, a strategy's and a
    run's.

    Attributes:
        usd: US dollars. Refused before the first call where the model's price is not known.
        tokens: prompt and completion tokens together.
        calls: completions.
        seconds: wall time from the first call.
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
            UsageError: a limit in dollars, and no known price.
        """
        chain = tuple(self._chain())
        limited = [budget for budget in chain if budget._limited]
        if not limited:
            return Reservation(chain, None, price)
        worst = _worst_case(request, draws)
        if any(budget.usd is not None for budget in limited):
            usd = price(worst)
            if usd is None:
                raise UsageError(
                    f"no price is known for {request.model}: give it in a models.toml, or limit tokens or "
                    "calls instead of dollars"
                )
            worst = Usage(worst.calls, worst.prompt_tokens, worst.completion_tokens, usd=usd)
        now = time.monotonic()
        for budget in chain:
            budget._started = budget._started or now
        while over := _first_over(limited, worst):
            budget, words = over
            if not budget._reserved.calls:
                raise BudgetExhausted(f"the budget is used up: {words}", budget)
            settled = asyncio.get_running_loop().create_future()
            budget._waiting.append(settled)
            await settled
        for budget in chain:
            budget._reserved = budget._reserved + worst
        return Reservation(chain, worst, price)

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
        if self.seconds is not None and self._started and time.monotonic() - self._started >= self.seconds:
            return f"{self.seconds:g} seconds have passed"
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


def _first_over(budgets: Iterable[Budget], worst: Usage) -> tuple[Budget, str] | None:
    """The first budget into which the worst case does not fit, and why."""
    for budget in budgets:
        if words := budget._over(worst):
            return budget, words
    return None


_LIMITS = [one.name for one in fields(Budget) if one.name in ("usd", "tokens", "calls", "seconds")]


@dataclass
class Reservation:
    """What is held back for one request.

    Attributes:
        budgets: where it is held back.
        worst: the worst case; None where nothing is limited.
        price: what a usage costs.
    """

    budgets: tuple[Budget, ...]
    worst: Usage | None
    price: Price

    def settle(self, used: Usage) -> None:
        """Give back what was held and count what was used.

        A count that is missing or beyond all reason is taken as the worst case: a broken server is no way around a
        limit.
        """
        if self.worst is not None and used.calls:
            prompt = _believed(used.prompt_tokens, self.worst.prompt_tokens, _HIDDEN)
            completion = _believed(used.completion_tokens, self.worst.completion_tokens, 0)
            credible = (prompt, completion) == (used.prompt_tokens, used.completion_tokens)
            if not credible:
                used = replace(used, prompt_tokens=prompt, completion_tokens=completion)
            if self.worst.usd is not None and (not credible or used.usd is None):
                used = replace(used, usd=self.price(used))
        for budget in self.budgets:
            budget.spent = budget.spent + used
            if self.worst is not None:
                budget._reserved = _minus(budget._reserved, self.worst)
                waiting, budget._waiting = budget._waiting, []
                for one in waiting:
                    if not one.done():
                        one.set_result(None)


_HIDDEN = 8192
"""Tokens that a provider may add to a prompt, in templates of its own."""


def _believed(reported: int, worst: int, more: int) -> int:
    return reported if 0 < reported <= worst + more else worst


def _worst_case(request: Request, draws: int) -> Usage:
    return Usage(draws, prompt_bound(request), request.max_tokens * draws)


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
