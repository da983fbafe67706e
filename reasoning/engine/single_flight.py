"""A draw on its way, and on whose account it is bought."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from reasoning.errors import BudgetExhausted, JournalError
from reasoning.messages import Completion

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget
    from reasoning.journal import Journal


@dataclass(frozen=True)
class CallContext:
    """On whose account draws are bought.

    Attributes:
        budget: what they are paid from.
        journal: where they are recorded; it lies over the model's own, or is that.
        group: who takes turns with whom (the strategy), see `RateLimiter`.
    """

    budget: Budget
    journal: Journal
    fairness_group: str = ""


_ITS_PAYERS = (asyncio.CancelledError, BudgetExhausted, JournalError)


class DrawError(NamedTuple):
    """What a draw ended with that did not come through."""

    error: BaseException
    traceback: TracebackType | None


def unwrap(outcomes: Iterable[Completion | DrawError]) -> list[Completion]:
    """The draws; raises what the first of those that did not come through ended with."""
    found = list(outcomes)
    for one in found:
        if isinstance(one, DrawError):
            raise one.error.with_traceback(one.traceback)
    return found  # type: ignore[return-value]


class PendingDraw:
    """A draw on its way. No future of its own: draws of a request land together, and who waits for several wakes once.

    Attributes:
        payer: the one who waits for it on whose account it is bought.
        outcome: the draw, or what it ended with instead; there once it has landed.
    """

    __slots__ = ("_parties", "outcome", "owner")

    def __init__(self, payer: Waiter) -> None:
        self.owner = payer
        self.outcome: Completion | DrawError
        self._parties = [payer]

    @property
    def awaited(self) -> bool:
        """Whether anybody waits for it."""
        return bool(self._parties)

    def join(self, party: Waiter) -> None:
        """Wait for it, too."""
        self._parties.append(party)

    def leave(self, party: Waiter) -> None:
        """Wait no more."""
        self._parties.remove(party)

    def resolve(self, result: Completion | BaseException) -> None:
        """End it, and tell those who wait."""
        self.outcome = DrawError(result, result.__traceback__) if isinstance(result, BaseException) else result
        for party in self._parties:
            party.notify()

    @property
    def failed_for_owner(self) -> bool:
        """Whether it ended for a reason that is not another waiter's: the payer has gone, or has used up its budget."""
        return isinstance(self.outcome, DrawError) and isinstance(self.outcome.error, _ITS_PAYERS)


class Waiter:
    """Somebody who waits for some flights.

    Attributes:
        landed: done when all of them have landed.
    """

    __slots__ = ("_left", "done")

    def __init__(self, flights: int) -> None:
        self._left = flights
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def notify(self) -> None:
        """Said by each flight."""
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)


_pending: WeakKeyDictionary[Journal, dict[tuple[str, int], PendingDraw]] = WeakKeyDictionary()


def pending_draws(journal: Journal) -> dict[tuple[str, int], PendingDraw]:
    """Return the table of pending draws, by request key and draw index. Models that share a journal share it."""
    return _pending.setdefault(journal, {})
