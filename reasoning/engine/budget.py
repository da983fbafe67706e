"""Budgets: limits on what may be spent, which hold at any concurrency."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from reasoning import forks
from reasoning.engine.cost_bounds import CostBounds, LearnedBounds, Price, unknown_price
from reasoning.engine.reservation import Reservation
from reasoning.engine.reservation_queue import ReservationQueue
from reasoning.errors import BudgetExhausted, UnknownName, UsageError
from reasoning.logs import Log
from reasoning.messages import Request, Usage

if TYPE_CHECKING:
    from reasoning.engine.ledger import Account

T = TypeVar("T")

_log = Log(__name__)
_EARLIEST_TIMER = 0.01
"""Seconds by which a timer may fire too early: an event loop may count in milliseconds from the start of a turn."""


class Lender(Protocol):
    """Lends parts of a budget that several processes share. The limits of the borrower are what it was lent."""

    @property
    def is_empty(self) -> bool:
        """True if nothing more can be lent."""
        ...

    def open(self, budget: Budget) -> None:
        """Set the limits of a new borrower."""
        ...

    async def lend(self, budget: Budget, worst: Usage) -> None:
        """Raise the limits of a borrower, so that a call of this worst case fits, or become empty."""
        ...


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
    queue: ReservationQueue = field(default_factory=ReservationQueue, init=False, repr=False)
    """The reservations of the calls in flight, and the calls that wait for room."""
    learned_bounds: LearnedBounds = field(init=False, repr=False)
    """The bounds of each model, shared with the budgets around this one."""
    account: Account | None = field(init=False, repr=False)
    """The account in a ledger in which every call is entered, by default that of the budget around this one."""
    lender: Lender | None = field(default=None, init=False, repr=False)
    """Lends more of a budget that several processes share; None for a budget of this process alone."""
    carried: dict[str, Usage] = field(default_factory=dict, init=False, repr=False)
    """The worst cases within `spent` of calls whose replies are still to come, by `Client.call_name`."""
    _started: float | None = field(default=None, init=False, repr=False)
    _refused: LimitExcess | str | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        self.learned_bounds = LearnedBounds() if self.within is None else self.within.learned_bounds
        self.account = None if self.within is None else self.within.account
        for name in LIMITS:
            limit = getattr(self, name)
            # A NaN would be exceeded by nothing.
            if limit is not None and not (isinstance(limit, int | float) and limit >= 0):
                raise UsageError(f"the budget's {name} must be at least 0 or None, got {limit!r}")
        forks.reset_in_child(self)

    def reset_after_fork(self) -> None:
        """Release in a child process what calls of the parent reserve; see `reasoning.forks`."""
        self.queue.clear()

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Parse a budget such as "usd=1.5, tokens=20000".

        Raises:
            UsageError: a part is malformed or repeated; the message quotes it.
        """
        limits: dict[str, float] = {}
        for part in text.split(","):
            name, equals, value = (word.strip() for word in part.partition("="))
            if name not in LIMITS:
                raise UnknownName("limit", name, LIMITS, f"in the budget {text!r}")
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
        limits = {name: getattr(self, name) for name in LIMITS}
        return ", ".join(f"{name}={_show_exactly(limit)}" for name, limit in limits.items() if limit is not None)

    def nested_in(self, outer: Budget) -> Budget:
        """Return a new budget with these limits, within another one."""
        budget = Budget(self.usd, self.tokens, self.calls, self.seconds, outer)
        budget.lender = self.lender
        return budget

    def resumed(self, spent: Usage, bounds: LearnedBounds, carried: Mapping[str, Usage] | None = None) -> Budget:
        """Return a budget with these limits, within this one, for a run that earlier commands have begun.

        Args:
            spent: the usage of the earlier commands.
            bounds: the bounds that they have learned.
            carried: the calls whose replies are still to come, as `Spending.carried` returns them.
        """
        budget = self.nested_in(self)
        budget.spent = spent
        if budget.lender is not None:
            # This budget itself sets no limit that is lent.
            budget.lender.open(budget)
        budget.carried.update(carried or {})
        budget.learned_bounds.update(bounds)
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

    async def reserve(self, request: Request, draws: int, price: Price, name: str = "") -> Reservation:
        """Reserve the worst case of a request, here and in the budgets around.

        The reservation must be settled. It waits while calls in flight hold what this one
        needs, since most use less than they reserve. Waiting calls are served in FIFO order. If
        there is room for some of the draws only, it is for as many as fit.

        Args:
            request: the request.
            draws: the number of completions to ask for.
            price: computes the US dollars of a usage.
            name: the name of a call that survives this process; see `Client.call_name`. If it is carried,
                its worst case is reserved instead of counted.

        Raises:
            BudgetExhausted: the worst case of a single draw does not fit into what is left.
            PriceUnknown: dollars are limited, and the price is not known.
        """
        chain = self._chain
        limited = [budget for budget in chain if budget.is_limited]
        if not limited and self.account is None:
            return Reservation(chain, draws)
        self._start_clock()
        priced = any(budget.usd is not None for budget in limited)
        reservation = Reservation(chain, draws, CostBounds.of(request, price if priced else None), limited, price, name)
        await reservation.open()
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
                    raise budget.report_exhausted(passed)
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

    @property
    def is_limited(self) -> bool:
        """True if this budget itself sets a limit."""
        return not (self.tokens is None and self.calls is None and self.usd is None and self.seconds is None)

    def report_exhausted(self, excess: LimitExcess | str) -> BudgetExhausted:
        """Return the error that this budget is used up, and log it the first time.

        Args:
            excess: the limit on usage that would be exceeded, or the message that the time is over.
        """
        message = str(excess)
        if self._refused is None:
            _log.warning("%s", message)
        # Not the error, whose traceback would keep the frames of a solve alive.
        self._refused = excess
        if isinstance(excess, str):
            return BudgetExhausted(message, self, is_time=True)
        return BudgetExhausted(
            message, self, limit=excess.name, next_call=excess.needed - excess.taken, needed=excess.needed
        )

    @property
    def refusals(self) -> list[LimitExcess | str | None]:
        """The last refusal of this budget and of each around it, innermost first; one object until the next refusal."""
        return [budget._refused for budget in self._chain]

    def refusal_since(self, earlier: Sequence[LimitExcess | str | None]) -> BudgetExhausted | None:
        """Return the error of a call that was refused after `refusals` was read; None without one."""
        for budget, before in zip(self._chain, earlier, strict=True):
            if budget._refused is not None and budget._refused is not before:
                return budget.report_exhausted(budget._refused)
        return None

    def find_excess(self, worst: Usage) -> LimitExcess | None:
        """Return the first limit that a usage would exceed, besides what is reserved; None if it fits."""
        spent, reserved = self.spent, self.queue
        for name in ("tokens", "calls", "usd"):
            if (limit := getattr(self, name)) is None:
                continue
            used = getattr(spent, name) or 0
            taken = used + getattr(reserved, name)
            if (needed := taken + (getattr(worst, name) or 0)) > limit:
                return LimitExcess(name, limit, used, taken, needed)
        return None

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


LIMITS = [limit.name for limit in fields(Budget) if limit.name in ("usd", "tokens", "calls", "seconds")]
"""The names of the limits of a budget."""


class LimitExcess(NamedTuple):
    """A limit that a call would exceed.

    Attributes:
        name: the limit's name.
        limit: its value.
        spent: what is spent of it.
        taken: what is spent or reserved for calls in flight.
        needed: that, with the most that the call may need.
    """

    name: str
    limit: float
    spent: float
    taken: float
    needed: float

    def __str__(self) -> str:
        """Return a sentence for an error."""
        state = "is used up" if self.spent >= self.limit else "does not cover the next call"
        more = f", and the next call may need {_show(self.needed - self.spent)}" if self.needed > self.spent else ""
        unit = "US dollars" if self.name == "usd" else self.name
        return f"the budget {state}: {_show(self.spent)} of {_show(self.limit)} {unit} are spent{more}"


def _show_exactly(number: float) -> str:
    """Return a number without an exponent, which `parse` would not read."""
    return f"{number:.12f}".rstrip("0").rstrip(".")


def _show(number: float) -> str:
    return f"{number:.6g}" if isinstance(number, float) else str(number)
