"""Reservations: a call reserves its worst case in its budgets before it is sent, and settles its usage after."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reasoning.engine.cost_bounds import CostBounds, Price
from reasoning.errors import BudgetExhausted
from reasoning.logs import Log
from reasoning.messages import Usage

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget

_log = Log(__name__)


@dataclass(slots=True, eq=False)
class Reservation:
    """The reservation of one request, in a budget and those around it.

    Attributes:
        budgets: the budgets, from the inside out.
        draws: the number of completions to ask for.
        call: the bounds of the request; None if nothing is limited.
        limited: the budgets with a limit.
        price: computes the US dollars of a usage, if it is known.
        name: the name of a call that survives this process; empty for other calls.
    """

    budgets: Sequence[Budget]
    draws: int
    call: CostBounds | None = None
    limited: Sequence[Budget] = ()
    price: Price | None = None
    name: str = ""
    _in_flight: bool = field(default=False, init=False)
    _entry: int | None = field(default=None, init=False)
    _likely: Usage = field(default=Usage(), init=False)
    _reserved: Sequence[Usage] = field(default=(), init=False)
    _version: int = field(default=0, init=False)

    @property
    def is_current(self) -> bool:
        """False if the model's bounds have grown since, so that `renew` must be awaited before the call is sent."""
        return self.call is None or self._version == self.budgets[0].learned_bounds.version

    async def open(self) -> None:
        """Reserve the worst case. What is counted already of a call that an earlier command has sent is taken back.

        Raises:
            BudgetExhausted, PriceUnknown: see `Budget.reserve`; what was counted is counted again.
        """
        taken = [(budget, budget.carried.pop(self.name)) for budget in self.budgets if self.name in budget.carried]
        for budget, worst in taken:
            budget.spent = budget.spent - worst
        try:
            await self.renew()
        except BaseException:
            for budget, worst in taken:
                budget.spent, budget.carried[self.name] = budget.spent + worst, worst
            raise

    async def renew(self) -> None:
        """Reserve the worst case as it is known now; see `Budget.reserve`."""
        if (call := self.call) is None:
            return
        self._release()
        limited, learned, waiter = self.limited, self.budgets[0].learned_bounds, asyncio.Event()
        try:
            while True:
                self.budgets[0].seconds_left()
                likely, worst = learned.bounds(call, self.draws)
                try:
                    full = next(
                        (i for i, budget in enumerate(limited) if not _admits(budget, waiter, likely, worst)), None
                    )
                except BudgetExhausted as error:
                    exhausted = next((budget for budget in limited if budget is error.budget), None)
                    if self.draws == 1 or exhausted is None:
                        raise
                    self.draws = max(1, _affordable(exhausted, call, self.draws))
                    continue
                if full is None:
                    self._likely, self._version = likely, learned.version
                    self._reserved = [_reserve(budget, likely, worst) for budget in self.budgets]
                    return
                lender = limited[full].lender
                if lender is not None and not lender.is_empty and limited[full].find_excess(worst) is not None:
                    await self.budgets[0].wait(lender.lend(limited[full], worst))
                    continue
                # A call that waits for an outer budget keeps its turn in the inner ones.
                for budget in limited[: full + 1]:
                    budget.queue.join(waiter)
                for budget in limited[full + 1 :]:
                    budget.queue.leave(waiter)
                waiter.clear()
                await self.budgets[0].wait(waiter.wait())
        finally:
            for budget in limited:
                budget.queue.leave(waiter)

    def begin(self) -> None:
        """Note that the call is sent now: it counts with its worst case until its end is known.

        Raises:
            JournalError: the ledger cannot be written, so that the call must not be sent.
        """
        if (account := self.budgets[0].account) is not None:
            worst = self._reserved[0]
            usd = worst.usd if worst.usd is not None or self.price is None else self.price(worst)
            self._entry = account.begin(replace(worst, usd=usd), self.name)
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
            if excess := budget.find_excess(Usage()):
                raise budget.report_exhausted(excess)

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
            if self._in_flight and self.name:
                self._carry()
            elif self._in_flight:
                self._count(self._likely)
            return
        if self.call is not None:
            grown = self.budgets[0].learned_bounds.learn(self.call, self.draws, used)
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
                budget.queue.remove(reserved)
            self._reserved = ()

    def _carry(self) -> None:
        """Count the likely usage until the reply, which is still to come, is asked for again. The entry stays open."""
        self._in_flight = False
        for budget in self.budgets:
            budget.spent, budget.carried[self.name] = budget.spent + self._likely, self._likely

    def _count(self, used: Usage) -> None:
        self._in_flight = False
        if self._entry is not None and (account := self.budgets[0].account) is not None:
            account.end(self._entry, used)
            self._entry = None
        for budget in self.budgets:
            budget.spent = budget.spent + used


def _admits(budget: Budget, waiter: asyncio.Event, likely: Usage, worst: Usage) -> bool:
    """Return whether a call may be sent: it is its turn, and its worst case fits.

    If no other call is in flight, and nothing more can be lent, only its likely case must fit.

    Raises:
        BudgetExhausted: the call can never be sent.
    """
    if not budget.queue.is_next(waiter):
        return False
    if budget.find_excess(worst) is None:
        return True
    if budget.lender is not None and not budget.lender.is_empty:
        return False
    if not budget.queue.calls and (excess := budget.find_excess(likely)):
        raise budget.report_exhausted(excess)
    return not budget.queue.calls


def _affordable(budget: Budget, call: CostBounds, draws: int) -> int:
    """Return the number of draws, fewer than `draws`, for which there is room."""

    def exceeds(n: int) -> bool:
        likely, _ = budget.learned_bounds.bounds(call, n)
        return budget.find_excess(likely) is not None

    return bisect_left(range(1, draws), True, key=exceeds)


def _reserve(budget: Budget, likely: Usage, worst: Usage) -> Usage:
    """Reserve the worst case if it fits, else the likely one; return the reserved usage."""
    reserved = likely if likely is not worst and budget.find_excess(worst) is not None else worst
    budget.queue.add(reserved)
    return reserved
