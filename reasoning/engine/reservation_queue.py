"""The reservations within one budget, and the calls that wait for room in FIFO order."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from reasoning.messages import Usage


class ReservationQueue:
    """The reservations of the calls in flight within one budget, and the calls that wait until enough is released.

    Only the first waiting call is woken, and wakes the next one when it leaves.

    Attributes:
        calls: the reserved calls.
        tokens: the reserved tokens, of prompt and completion together.
        usd: the reserved US dollars.
    """

    __slots__ = ("_waiters", "calls", "tokens", "usd")

    def __init__(self) -> None:
        self.calls, self.tokens, self.usd = 0, 0, 0.0
        # A plain dict would look for its first key through all that were deleted before.
        self._waiters = OrderedDict[asyncio.Event, None]()

    def __len__(self) -> int:
        """Return the number of waiting calls."""
        return len(self._waiters)

    def add(self, usage: Usage) -> None:
        """Reserve a usage."""
        self.calls += usage.calls
        self.tokens += usage.tokens
        self.usd += usage.usd or 0.0

    def remove(self, usage: Usage) -> None:
        """Release a reserved usage, and wake the first waiting call."""
        self.calls -= usage.calls
        self.tokens -= usage.tokens
        # Without reservations the sum is set to 0, since floats would drift.
        self.usd = self.usd - (usage.usd or 0.0) if self.calls else 0.0
        self._wake()

    def is_next(self, waiter: asyncio.Event) -> bool:
        """Return whether no other call waits, or this one is the first."""
        return not self._waiters or next(iter(self._waiters)) is waiter

    def join(self, waiter: asyncio.Event) -> None:
        """Let a call wait behind the others; one that waits already keeps its place."""
        self._waiters.setdefault(waiter)

    def leave(self, waiter: asyncio.Event) -> None:
        """Remove a waiting call, and wake the first one."""
        if waiter in self._waiters:
            del self._waiters[waiter]
            self._wake()

    def clear(self) -> None:
        """Drop all reservations and waiting calls."""
        self.calls, self.tokens, self.usd = 0, 0, 0.0
        self._waiters.clear()

    def _wake(self) -> None:
        if self._waiters:
            next(iter(self._waiters)).set()
