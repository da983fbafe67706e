"""Waves: requests are gathered until nothing new is asked for, and are then divided into batches."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from reasoning.providers.batch.api import BatchLimits
from reasoning.providers.batch.waiting import Waiting


class Wave:
    """The requests that leave together.

    A wave leaves when nothing has been asked for `quiet` seconds, since every solve then waits for a reply; or when it
    has the lines or bytes of one batch.

    Args:
        quiet: seconds without a new request.
        limits: the limits on one batch.
        send: receives the requests of a wave.
    """

    def __init__(
        self, quiet: float, limits: BatchLimits, send: Callable[[list[Waiting]], Coroutine[Any, Any, None]]
    ) -> None:
        self.quiet, self._limits, self._send = quiet, limits, send
        self._requests: list[Waiting] = []
        self._bytes = 0
        self._asked_at = 0.0
        self._full = asyncio.Event()
        self._tasks = set[asyncio.Task[None]]()
        self._timer: asyncio.Task[None] | None = None

    def add(self, waiting: Waiting) -> None:
        """Add a request."""
        self._requests.append(waiting)
        self._bytes += len(waiting.body)
        self._asked_at = time.monotonic()
        if len(self._requests) >= self._limits.lines or self._bytes >= self._limits.bytes:
            self._full.set()
        if self._timer is None:
            self._timer = asyncio.get_running_loop().create_task(self._depart())

    def __len__(self) -> int:
        return len(self._requests)

    async def _depart(self) -> None:
        """Wait until the wave may leave, and send it."""
        while not self._full.is_set() and (left := self._asked_at + self.quiet - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._full.wait()
            except TimeoutError:
                continue
        requests = [waiting for waiting in self._requests if waiting.is_wanted]
        self._requests, self._bytes, self._timer = [], 0, None
        self._full.clear()
        if requests:
            # Meanwhile the next wave is gathered.
            task = asyncio.get_running_loop().create_task(self._send(requests))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Cancel what has not been sent."""
        tasks = [*self._tasks, *([self._timer] if self._timer else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def divide(requests: Sequence[Waiting], limits: BatchLimits, tokens: int | None) -> Iterator[list[Waiting]]:
    """Yield the requests in parts that keep within the limits of one batch.

    Args:
        requests: the requests.
        limits: the limits.
        tokens: the maximum number of prompt tokens of a part; None for no limit.
    """
    part, size, count = list[Waiting](), 0, 0
    for waiting in requests:
        # A line has a few bytes more than its body.
        more = len(waiting.body) + 200
        is_over = tokens is not None and count + waiting.tokens > tokens
        if part and (len(part) >= limits.lines or size + more > limits.bytes or is_over):
            yield part
            part, size, count = [], 0, 0
        part.append(waiting)
        size, count = size + more, count + waiting.tokens
    if part:
        yield part
