"""Budgets that hold at any concurrency: a call reserves its worst case before it is sent."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from reasoning import forks
from reasoning.engine.cost_bounds import CostBounds, LearnedBounds, Price, unknown_price
from reasoning.errors import BudgetExhausted, UnknownName, UsageError
from reasoning.logs import Log
from reasoning.messages import Request, Usage

if TYPE_CHECKING:
    from reasoning.engine.ledger import Account

T = TypeVar("T")

_log = Log(__name__)


@dataclass(eq=False)
class Budget:
    """Limits on what may be spent; None for no limit.

    Budgets nest, for example a problem's in a run's: spending counts against a budget and all
    budgets around it.

    What the provider reports is what was spent. No call is sent that could exceed a limit, as far as
    is known about its model: the bounds are raised to every usage above them (a template that is
    added to a prompt, hidden reasoning, a `max_tokens` that is ignored). Only the calls under way
    when the first such usage arrives can exceed a limit. Until a model's first usage is reported,
    each call reserves 8,192 tokens for a template. If they do not fit, the call is sent while no
    other is in flight.

    Args:
        usd: US dollars. If the model's price is not known, connecting to it raises `PriceUnknown`,
            which says how to give the price; a model on this machine costs 0.
        tokens: prompt and completion tokens together.
        calls: completions that are requested; a server may return more.
        seconds: wall-clock time from the first call. Afterwards no call is sent, and none is
            retried; calls in flight may still complete, and are recorded.
        within: the budget around this one.

    Attributes:
        spent: the usage so far.

    Raises:
        UsageError: a limit is negative or not a number.

    Examples:
        >>> from reasoning.testing import ScriptedLLM
        >>> from reasoning import strategies
        >>> budget = Budget.parse("calls=5, tokens=20_000")
        >>> llm = ScriptedLLM(lambda messages: "The answer is 4.", budget=budget)
        >>> answer = strategies.get("self_consistency(cot, samples=4)").run("What is 2 + 2?", llm)
        >>> budget.spent.calls
        4
        >>> str(budget)
        'tokens=20000, calls=5'
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    within: Budget | None = None
    spent: Usage = field(default_factory=Usage, init=False)
    _reserved_calls: int = field(default=0, init=False, repr=False)
    _reserved_tokens: int = field(default=0, init=False, repr=False)
    _reserved_usd: float = field(default=0.0, init=False, repr=False)
    _started: float | None = field(default=None, init=False, repr=False)
    _waiters: OrderedDict[asyncio.Event, None] = field(default_factory=OrderedDict, init=False, repr=False)
    """Waiting calls in FIFO order. Only the first is woken, and wakes the next when it leaves."""
    _is_reported: bool = field(default=False, init=False, repr=False)
    _learned: LearnedBounds = field(init=False, repr=False)
    """The bounds of each model, shared with the budgets around this one."""
    account: Account | None = field(init=False, repr=False)
    """The account in a ledger in which every call is entered, by default that of the budget around this one."""

    def __post_init__(self) -> None:
        self._learned = LearnedBounds() if self.within is None else self.within._learned
        self.account = None if self.within is None else self.within.account
        for name in _LIMITS:
            limit = getattr(self, name)
            # A NaN would be exceeded by nothing.
            if limit is not None and not (isinstance(limit, int | float) and limit >= 0):
                raise UsageError(f"the budget's {name} must be at least 0 or None, got {limit!r}")
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Release in a child process what calls of the parent reserve; see `reasoning.forks`."""
        self._reserved_calls, self._reserved_tokens, self._reserved_usd = 0, 0, 0.0
        self._waiters.clear()

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Parse a budget such as "usd=1.5, tokens=20000".

        Raises:
            UsageError: a part is malformed or repeated; the message quotes it.
        """
        limits: dict[str, float] = {}
        for part in text.split(","):
            name, equals, value = (word.strip() for word in part.partition("="))
            if name not in _LIMITS:
                raise UnknownName("limit", name, _LIMITS, f"in the budget {text!r}")
            if name in limits:
                raise UsageError(f"{name} has two limits in the budget {text!r}")
            try:
                limits[name] = float(value) if name in ("usd", "seconds") else int(value.replace("_", ""))
            except ValueError:
                expected = f"{name}=NUMBER" if equals else f"'=NUMBER' after {name}"
                raise UsageError(f"{part.strip()!r} in the budget {text!r} lacks a number: write {expected}") from None
        return cls(**limits)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """Return the limits in the form that `parse` reads."""
        limits = {name: getattr(self, name) for name in _LIMITS}
        return ", ".join(f"{name}={limit:g}" for name, limit in limits.items() if limit is not None)

    def nested_in(self, outer: Budget) -> Budget:
        """Return a new budget with these limits, within another one."""
        return Budget(self.usd, self.tokens, self.calls, self.seconds, outer)

    def resumed(self, spent: Usage, bounds: LearnedBounds) -> Budget:
        """Return a budget with these limits, within this one, for a run that earlier commands have begun.

        Args:
            spent: the usage of the earlier commands.
            bounds: the bounds that they have learned.
        """
        budget = self.nested_in(self)
        budget.spent = spent
        budget._learned.update(bounds)
        return budget

    @property
    def left(self) -> str:
        """The rest of the limits on usage, in the form that `parse` reads; empty without such a limit."""
        left = {
            name: max(0, limit - (getattr(self.spent, name) or 0))
            for name in ("usd", "tokens", "calls")
            if (limit := getattr(self, name)) is not None
        }
        return ", ".join(f"{name}={_show(value)}" for name, value in left.items())

    def check_price(self, price: Price, endpoint: str | None, model: str) -> None:
        """Check that a model has a price if this budget, or one around it, limits dollars.

        Raises:
            PriceUnknown: the price is not known; the message says how to give it.
        """
        if any(budget.usd is not None for budget in self._chain) and price(Usage(1, 1, 1)) is None:
            raise unknown_price(endpoint, model)

    async def reserve(self, request: Request, draws: int, price: Price) -> Reservation:
        """Reserve the worst case of a request, here and in the budgets around.

        The reservation must be settled. It waits while calls in flight hold what this one
        needs, since most use less than they reserve. Waiting calls are served in FIFO order. If
        there is room for some of the draws only, it is for as many as fit.

        Args:
            request: the request.
            draws: the number of completions to ask for.
            price: computes the US dollars of a usage.

        Raises:
            BudgetExhausted: the worst case of a single draw does not fit into what is left.
            PriceUnknown: dollars are limited, and the price is not known.
        """
        chain = self._chain
        limited = [budget for budget in chain if budget._limited]
        if not limited and self.account is None:
            return Reservation(chain, draws)
        self._start_clock()
        priced = any(budget.usd is not None for budget in limited)
        reservation = Reservation(chain, draws, CostBounds.of(request, price if priced else None), limited, price)
        await reservation.renew()
        return reservation

    def seconds_left(self, *, tolerance: float = 1e-6) -> float | None:
        """Return the seconds until this budget or one around it ends; None for no limit.

        Args:
            tolerance: the seconds that count as none.

        Raises:
            BudgetExhausted: no time is left; names the innermost exhausted budget.
        """
        shortest: float | None = None
        for budget in self._chain:
            if budget.seconds is not None:
                left = budget.seconds - (0.0 if budget._started is None else time.monotonic() - budget._started)
                if left <= tolerance:
                    passed = f"the budget is used up: {budget.seconds:g} seconds have passed"
                    raise budget._exhausted(passed, is_time=True)
                shortest = left if shortest is None else min(shortest, left)
        return shortest

    async def wait(self, waiting: Awaitable[T]) -> T:
        """Await something until this budget or one around it ends.

        Raises:
            BudgetExhausted: the time ended first; names the innermost exhausted budget.
        """
        if (left := self.seconds_left()) is None:
            return await waiting
        self._start_clock()
        try:
            async with asyncio.timeout(left) as limit:
                return await waiting
        except TimeoutError:
            if limit.expired():
                self.seconds_left(tolerance=_EARLIEST_TIMER)
            raise

    def _start_clock(self) -> None:
        now = time.monotonic()
        for budget in self._chain:
            if budget._started is None:
                budget._started = now

    @property
    def _chain(self) -> tuple[Budget, ...]:
        """This budget and those around it, from the inside out."""
        return (self, *self._around)

    @cached_property
    def _around(self) -> tuple[Budget, ...]:
        return self.within._chain if self.within else ()

    @property
    def _limited(self) -> bool:
        return not (self.tokens is None and self.calls is None and self.usd is None and self.seconds is None)

    def _admits(self, waiter: asyncio.Event, likely: Usage, worst: Usage) -> bool:
        """Return whether a call may be sent: it is its turn, and its worst case fits.

        If no other call is in flight, only its likely case must fit.

        Raises:
            BudgetExhausted: the call can never be sent.
        """
        if self._waiters and next(iter(self._waiters)) is not waiter:
            return False
        if not self._excess(worst):
            return True
        if not self._reserved_calls and (limit := self._excess(likely)):
            raise self._exhausted(limit)
        return not self._reserved_calls

    def _exhausted(self, message: str, *, is_time: bool = False) -> BudgetExhausted:
        """Return the error that this budget is used up, which is logged once."""
        if not self._is_reported:
            self._is_reported = True
            _log.warning("%s", message)
        return BudgetExhausted(message, self, is_time=is_time)

    def _affordable(self, call: CostBounds, draws: int) -> int:
        """Return the number of draws, fewer than `draws`, for which there is room."""
        return bisect_left(range(1, draws), True, key=lambda n: bool(self._excess(self._learned.bounds(call, n)[0])))

    def _reserve(self, likely: Usage, worst: Usage) -> Usage:
        """Reserve the worst case if it fits, else the likely one; return the reserved usage."""
        reserved = likely if likely is not worst and self._excess(worst) else worst
        self._reserved_calls += reserved.calls
        self._reserved_tokens += reserved.tokens
        self._reserved_usd += reserved.usd or 0.0
        return reserved

    def _release(self, reserved: Usage) -> None:
        self._reserved_calls -= reserved.calls
        self._reserved_tokens -= reserved.tokens
        # Without reservations the sum is set to 0, since floats would drift.
        self._reserved_usd = self._reserved_usd - (reserved.usd or 0.0) if self._reserved_calls else 0.0
        self._wake()

    def _leave(self, waiter: asyncio.Event) -> None:
        if waiter in self._waiters:
            del self._waiters[waiter]
            self._wake()

    def _wake(self) -> None:
        if self._waiters:
            next(iter(self._waiters)).set()

    def _excess(self, worst: Usage) -> str:
        """Describe the first limit that a usage would exceed; empty if it fits."""
        spent = self.spent
        if self.tokens is not None and (value := spent.tokens + self._reserved_tokens + worst.tokens) > self.tokens:
            return _describe_excess("tokens", self.tokens, spent.tokens, value)
        if self.calls is not None and (value := spent.calls + self._reserved_calls + worst.calls) > self.calls:
            return _describe_excess("calls", self.calls, spent.calls, value)
        if self.usd is not None:
            usd = spent.usd or 0.0
            if (more := usd + self._reserved_usd + (worst.usd or 0.0)) > self.usd:
                return _describe_excess("US dollars", self.usd, usd, more)
        return ""


def nest(budget: Budget | None, outer: Budget) -> Budget:
    """Return the budget of a solve: its own, nested in the outer one unless nested already."""
    if budget is None:
        return outer
    return budget if check_budget(budget).within else budget.nested_in(outer)


def check_budget(budget: Budget) -> Budget:
    """Return a budget unchanged; raise UsageError for anything else."""
    if not isinstance(budget, Budget):
        raise UsageError(f"a budget must be a Budget, such as Budget(usd=1) or Budget(calls=100), got {budget!r:.60}")
    return budget


_LIMITS = [limit.name for limit in fields(Budget) if limit.name in ("usd", "tokens", "calls", "seconds")]


@dataclass(slots=True, eq=False)
class Reservation:
    """The reservation of one request, in a budget and those around it.

    Attributes:
        budgets: the budgets, from the inside out.
        draws: the number of completions to ask for.
        call: the bounds of the request; None if nothing is limited.
        limited: the budgets with a limit.
        price: computes the US dollars of a usage, if it is known.
    """

    budgets: Sequence[Budget]
    draws: int
    call: CostBounds | None = None
    limited: Sequence[Budget] = ()
    price: Price | None = None
    _in_flight: bool = field(default=False, init=False)
    _entry: int | None = field(default=None, init=False)
    _likely: Usage = field(default=Usage(), init=False)
    _reserved: Sequence[Usage] = field(default=(), init=False)
    _version: int = field(default=0, init=False)

    @property
    def is_current(self) -> bool:
        """False if the model's bounds have grown since, so that `renew` must be awaited before the call is sent."""
        return self.call is None or self._version == self.budgets[0]._learned.version

    async def renew(self) -> None:
        """Reserve the worst case as it is known now; see `Budget.reserve`."""
        if (call := self.call) is None:
            return
        self._release()
        limited, learned, waiter = self.limited, self.budgets[0]._learned, asyncio.Event()
        try:
            while True:
                self.budgets[0].seconds_left()
                likely, worst = learned.bounds(call, self.draws)
                try:
                    full = next(
                        (i for i, budget in enumerate(limited) if not budget._admits(waiter, likely, worst)), None
                    )
                except BudgetExhausted as error:
                    if self.draws == 1 or not isinstance(error.budget, Budget):
                        raise
                    self.draws = max(1, error.budget._affordable(call, self.draws))
                    continue
                if full is None:
                    self._likely, self._version = likely, learned.version
                    self._reserved = [budget._reserve(likely, worst) for budget in self.budgets]
                    return
                # A call that waits for an outer budget keeps its turn in the inner ones.
                for budget in limited[: full + 1]:
                    budget._waiters.setdefault(waiter)
                for budget in limited[full + 1 :]:
                    budget._leave(waiter)
                waiter.clear()
                await self.budgets[0].wait(waiter.wait())
        finally:
            for budget in limited:
                budget._leave(waiter)

    def begin(self) -> None:
        """Note that the call is sent now: it counts with its worst case until its end is known.

        Raises:
            JournalError: the ledger cannot be written, so that the call must not be sent.
        """
        if (account := self.budgets[0].account) is not None:
            worst = self._reserved[0]
            usd = worst.usd if worst.usd is not None or self.price is None else self.price(worst)
            self._entry = account.begin(replace(worst, usd=usd))
        self._in_flight = True

    def fail(self, used: Usage | None) -> None:
        """Note that the attempt has failed.

        Args:
            used: the usage that was billed all the same; None for nothing.

        Raises:
            BudgetExhausted: there is no room for another attempt after that.
        """
        if used is not None and used.usd is None and self.call is not None:
            used = self.call.priced(used)
        self._count(used or Usage())
        if used is None:
            return
        for budget in self.limited:
            if limit := budget._excess(Usage()):
                raise budget._exhausted(limit)

    def settle(self, used: Usage, *, is_empty: bool = False) -> None:
        """Release the reservation, and count the usage.

        If the call was sent and cancelled, so that its end is not known, its worst case counts. A
        missing count is replaced by the most that the call was expected to use, so that a server
        without counts cannot bypass a limit.

        Args:
            used: the usage that the provider reported; without calls, there was no reply.
            is_empty: whether the replies are empty, so that they may have no tokens.
        """
        self._release()
        if not used.calls:
            if self._in_flight:
                self._count(self._likely)
            return
        if self.call is not None:
            grown = self.budgets[0]._learned.learn(self.call, self.draws, used)
            if grown is not None:
                _log.info(
                    "%s has used up to %d prompt tokens and %d completion tokens above what its requests allow",
                    *(self.call.model[1], grown.prompt, grown.completion),
                )
                if (account := self.budgets[0].account) is not None:
                    account.learned(self.call.model, grown)
            prompt = used.prompt_tokens if used.prompt_tokens > 0 else self._likely.prompt_tokens
            completion = used.completion_tokens
            if completion <= 0 and not (is_empty and used.prompt_tokens > 0):
                completion = self._likely.completion_tokens
            if (prompt, completion) != (used.prompt_tokens, used.completion_tokens):
                used = self.call.priced(replace(used, prompt_tokens=prompt, completion_tokens=completion))
            elif used.usd is None:
                used = self.call.priced(used)
        self._count(used)

    def _release(self) -> None:
        if self._reserved:
            for budget, reserved in zip(self.budgets, self._reserved, strict=True):
                budget._release(reserved)
            self._reserved = ()

    def _count(self, used: Usage) -> None:
        self._in_flight = False
        if self._entry is not None and (account := self.budgets[0].account) is not None:
            account.end(self._entry, used)
            self._entry = None
        for budget in self.budgets:
            budget.spent = budget.spent + used


_EARLIEST_TIMER = 0.01
"""Seconds by which a timer may fire too early: an event loop may count in milliseconds from the start of a turn."""


def _describe_excess(unit: str, limit: float, spent: float, value: float) -> str:
    state = "is used up" if spent >= limit else "does not cover the next call"
    needed = f", and the next call may need {_show(value - spent)}" if value > spent else ""
    return f"the budget {state}: {_show(spent)} of {_show(limit)} {unit} are spent{needed}"


def _show(number: float) -> str:
    return f"{number:.6g}" if isinstance(number, float) else str(number)
