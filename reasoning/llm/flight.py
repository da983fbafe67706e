"""A draw on its way, and on whose account it is bought."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType

from reasoning.budget import Budget
from reasoning.errors import BudgetExhausted, JournalError
from reasoning.journal import Journal
from reasoning.llm.request import Completion


@dataclass(frozen=True)
class Account:
    """On whose account draws are bought.

    Attributes:
        budget: what they are paid from.
        journal: where they are recorded; it lies over the model's own, or is that.
        group: who takes turns with whom (the strategy), see `Limits`.
    """

    budget: Budget
    journal: Journal
    group: str = ""


class Flight:
    """A draw on its way. No future of its own: draws of a request land together, and who waits for several wakes once.

    Attributes:
        payer: the one who waits for it on whose account it is bought.
    """

    __slots__ = ("_parties", "_result", "_traceback", "payer")

    def __init__(self, payer: Party) -> None:
        self.payer = payer
        self._parties = [payer]
        self._result: Completion | BaseException | None = None
        self._traceback: TracebackType | None = None

    @property
    def awaited(self) -> bool:
        """Whether anybody waits for it."""
        return bool(self._parties)

    def board(self, party: Party) -> None:
        """Wait for it, too."""
        self._parties.append(party)

    def leave(self, party: Party) -> None:
        """Wait no more."""
        self._parties.remove(party)

    def land(self, result: Completion | BaseException) -> None:
        """End it, and tell those who wait."""
        self._result = result
        if isinstance(result, BaseException):
            self._traceback = result.__traceback__
        for party in self._parties:
            party.one_landed()

    @property
    def completion(self) -> Completion:
        """The draw, once it has landed; raises what it ended with instead."""
        if isinstance(self._result, Completion):
            return self._result
        assert self._result is not None, "a flight that has not landed"
        raise self._result.with_traceback(self._traceback)

    @property
    def ended_for_its_payer(self) -> bool:
        """Whether it ended for a reason that is not another waiter's: the payer has gone, or has used up its budget."""
        return isinstance(self._result, asyncio.CancelledError | BudgetExhausted | JournalError)


class Party:
    """Somebody who waits for some flights.

    Attributes:
        landed: done when all of them have landed.
    """

    __slots__ = ("_left", "landed")

    def __init__(self, flights: int) -> None:
        self._left = flights
        self.landed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def one_landed(self) -> None:
        """Said by each flight."""
        self._left -= 1
        if not self._left and not self.landed.done():
            self.landed.set_result(None)
