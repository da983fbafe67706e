"""A draw on its way, and on whose account it is bought."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

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


class Flight(asyncio.Future[Completion]):
    """A draw on its way.

    Attributes:
        waiting: how many wait for it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self.waiting = 1
        self.add_done_callback(lambda _: self.cancelled() or self.exception())  # a failure nobody awaits is no news

    @property
    def ended_for_its_payer(self) -> bool:
        """Whether it ended for a reason that is not another waiter's: the payer has gone, or has used up its budget."""
        return self.cancelled() or isinstance(self.exception(), BudgetExhausted | JournalError)
