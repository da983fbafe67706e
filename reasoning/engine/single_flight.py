"""Single flight: a draw that several callers request at the same time is bought once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from reasoning import forks
from reasoning.errors import BudgetExhausted, JournalError, RequestOutdated
from reasoning.messages import Completion

if TYPE_CHECKING:
    from reasoning.engine.budget import Budget
    from reasoning.journal import Journal


_POLL_SECONDS = 0.02
"""Seconds between two checks of the calls in flight, before a run ends."""
_OWNER_ERRORS = (asyncio.CancelledError, BudgetExhausted, JournalError)
"""The errors of a draw that concern only the caller whose context pays for it."""


@dataclass(frozen=True)
class CallContext:
    """The budget, journal and fairness group that draws are bought with.

    Attributes:
        budget: the budget that pays for them.
        journal: the journal that records them: the model's own, or one whose parent is the model's.
        fairness_group: the group that takes turns with others (the strategy), see `RateLimiter`.
        solve_budget: the budget of this solve alone, which is `budget`; None if it has none.
    """

    budget: Budget
    journal: Journal
    fairness_group: str = ""
    solve_budget: Budget | None = field(default=None, compare=False)


class DrawError(NamedTuple):
    """The error of a draw that failed.

    Attributes:
        error: the error, which is raised for every caller that awaits the draw.
        traceback: its traceback when the draw failed, without those of the callers.
    """

    error: BaseException
    traceback: TracebackType | None


def unwrap(outcomes: Iterable[Completion | DrawError]) -> list[Completion]:
    """Return the completions, or raise the first error among the outcomes."""
    completions = list[Completion]()
    for outcome in outcomes:
        if isinstance(outcome, DrawError):
            raise outcome.error.with_traceback(outcome.traceback)
        completions.append(outcome)
    return completions


class PendingDraw:
    """A pending completion that several callers may await.

    It has no future of its own: a caller that awaits several is woken once, when the last one
    resolves. Cancelling one caller never cancels the others.

    Args:
        owner: the waiter whose context pays for the draw.

    Attributes:
        owner: the same waiter.
        outcome: the completion or its error; set when the draw resolves.
    """

    __slots__ = ("_waiters", "outcome", "owner")

    def __init__(self, owner: Waiter) -> None:
        self.owner = owner
        self.outcome: Completion | DrawError
        self._waiters = [owner]

    @property
    def awaited(self) -> bool:
        """True if any caller still awaits the draw."""
        return bool(self._waiters)

    def join(self, waiter: Waiter) -> None:
        """Add a waiter."""
        self._waiters.append(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Remove a waiter."""
        self._waiters.remove(waiter)

    def resolve(self, result: Completion | BaseException) -> None:
        """Set the outcome and notify the waiters."""
        self.outcome = DrawError(result, result.__traceback__) if isinstance(result, BaseException) else result
        for waiter in self._waiters:
            waiter.notify()

    @property
    def failed_for_owner(self) -> bool:
        """True if it failed for a reason that concerns only its owner.

        The owner was cancelled, its budget is exhausted, its journal failed, or its client corrected
        the address. Another waiter may then buy the draw itself.
        """
        if not isinstance(self.outcome, DrawError):
            return False
        error = self.outcome.error
        # An address is corrected in the owner's client; another client must find out itself.
        return isinstance(error, _OWNER_ERRORS) or type(error) is RequestOutdated


class Waiter:
    """A caller that awaits several pending draws.

    Args:
        draws: the number of draws.

    Attributes:
        done: a future that is done when all of them have resolved.
    """

    __slots__ = ("_left", "done")

    def __init__(self, draws: int) -> None:
        self._left = draws
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def notify(self) -> None:
        """Count one draw as resolved."""
        self._left -= 1
        if not self._left and not self.done.done():
            self.done.set_result(None)


class PendingDraws(dict[tuple[str, int], PendingDraw]):
    """The pending draws of the models that share a journal, by request key and draw index.

    Attributes:
        calls: the number of requests that were sent and have not been answered.
        failure: the error of the journal; nothing is sent until the calls in flight have been
            answered and recorded, or kept elsewhere.
        draining: the task that waits for them; None without such an error.
    """

    calls = 0
    failure: JournalError | None = None
    draining: asyncio.Task[None] | None = None

    def resolve(self, key: str, draw: int, result: Completion | BaseException) -> None:
        """Remove a draw, and give its waiters the result."""
        if pending := self.pop((key, draw), None):
            pending.resolve(result)

    async def prepare(self, journal: Journal) -> None:
        """Try to write to a journal before something is paid for that it would have to record.

        Raises:
            JournalError: it cannot be written, or a journal has failed and calls are in flight.
        """
        if self.failure is not None:
            raise JournalError(str(self.failure))
        await journal.prepare()

    async def finish_calls(self) -> None:
        """Wait until the calls in flight have been answered, by all models that share the journal."""
        # An event would cost time in every call, for the rare run that ends so.
        while self.calls:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)


_pending: WeakKeyDictionary[Journal, PendingDraws] = WeakKeyDictionary()


def pending_draws(journal: Journal) -> PendingDraws:
    """Return the pending draws of a journal."""
    return _pending.setdefault(journal, PendingDraws())


def _reset_after_fork() -> None:
    """Forget the pending draws in the child of a fork: they arrive in the parent."""
    for pending in list(_pending.values()):
        forks.leak(pending.draining)
        pending.clear()
        pending.calls, pending.failure, pending.draining = 0, None, None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
