"""The rule that ends a run in which everything fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from reasoning.errors import CallFailed

FAILURES_BEFORE_ABORT = 8
"""Failures without any success after which nothing further is started."""


class FailureGuard:
    """Ends a run in which many items fail, none succeeds and none is under way.

    After `FAILURES_BEFORE_ABORT` failures without a success, further items wait for those that are under
    way. If one of them succeeds, the run continues; if all fail, it ends. A refusal of one item's
    prompt is no failure of the run, since the next prompt may be fine.

    Args:
        items: the plural of the word for an item, for the message.

    Attributes:
        succeeded: whether any item has succeeded.
    """

    def __init__(self, items: str) -> None:
        self.succeeded = False
        self._items = items
        self._failures = self._refusals = self._under_way = 0
        self._reason = ""
        self._ended = asyncio.Event()

    @asynccontextmanager
    async def item(self) -> AsyncIterator[None]:
        """Enter when an item may start, and leave when it has ended.

        Raises:
            CallFailed: all have failed, and no item is under way.
        """
        while self._is_suspicious and self._under_way:
            self._ended.clear()
            await self._ended.wait()
        self._end_if_hopeless()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended.set()
        self._end_if_hopeless()

    def _end_if_hopeless(self) -> None:
        if self._is_suspicious and not self._under_way:
            raise CallFailed(
                f"the first {self._failures + self._refusals} {self._items} all failed, the last with: {self._reason}; "
                "correct the cause (the model's name, the address, the parameters of the calls), "
                "then run the same command again"
            )

    def record_success(self) -> None:
        """Record that an item has succeeded."""
        self.succeeded = True

    def record_failure(self, reason: str, *, refused: bool) -> None:
        """Record that an item has failed, and whether the provider refused its prompt."""
        if refused:
            self._refusals += 1
        else:
            self._failures += 1
            self._reason = reason

    @property
    def _is_suspicious(self) -> bool:
        return not self.succeeded and self._failures >= FAILURES_BEFORE_ABORT
