"""The borrower's side of a leased budget, in the process that runs a shard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from reasoning.benchmarks.shards.leases import Amounts
from reasoning.engine.budget import Budget
from reasoning.messages import Usage

Borrow = Callable[[Amounts], Awaitable[tuple[Amounts, bool]]]
"""Asks for more, at least these amounts. Returns all that was lent, and whether less was left than was asked for."""


class ShardLender:
    """Lends a shard its parts of the run's budget; see `reasoning.engine.budget.Lender`.

    Args:
        limits: the names of the limits that the run's budget has.
        lent: what the shard was lent before.
        borrow: asks for more.
    """

    def __init__(self, limits: tuple[str, ...], lent: Amounts, borrow: Borrow) -> None:
        self._limits, self._lent, self._borrow = limits, lent, borrow
        self._lock = asyncio.Lock()
        self.is_empty = False

    def open(self, budget: Budget) -> None:
        """Set the limits of a new borrower."""
        for name in self._limits:
            setattr(budget, name, getattr(self._lent, name))

    async def lend(self, budget: Budget, worst: Usage) -> None:
        """Raise the limits of the borrower, so that a call of this worst case fits, or become empty."""
        async with self._lock:
            # Another call may have borrowed meanwhile.
            if self.is_empty or budget.find_excess(worst) is None:
                return
            taken = Amounts.of(budget.spent).plus(Amounts(budget.queue.usd, budget.queue.tokens, budget.queue.calls))
            wanted = taken.plus(Amounts.of(worst))
            self._lent, self.is_empty = await self._borrow(wanted.beyond(self._lent))
            self.open(budget)
