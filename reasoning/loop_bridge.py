"""A bridge between event loops in different threads.

Coroutines run on one loop and are awaited on others.

Waking a loop from another thread costs far more than most of the work that it then does. So
coroutines that are submitted at the same time share a wake-up, in both directions.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")


class LoopBridge:
    """A bridge to an event loop.

    Args:
        loop: the loop that coroutines run on.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[Callable[[], object]] = deque()
        self._woken = False
        self._results: dict[asyncio.AbstractEventLoop, list[_Job]] = {}

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop, in the caller's context, and await its result.

        Cancelling the caller cancels the coroutine.
        """
        job = _Job(self, work)
        self._post(job.start)
        try:
            result: T = await job.result
        except asyncio.CancelledError:
            self._post(job.cancel)
            raise
        return result

    def _finished(self, job: _Job) -> None:
        """Queue the result of a job for delivery; called on the loop."""
        if not self._results:
            self._loop.call_soon(self._deliver_results)
        self._results.setdefault(job.caller, []).append(job)

    def _post(self, call: Callable[[], object]) -> None:
        self._calls.append(call)
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._run_calls)

    def _run_calls(self) -> None:
        # First, since a call that is posted from now on may be too late for the loop below.
        self._woken = False
        while self._calls:
            self._calls.popleft()()

    def _deliver_results(self) -> None:
        results, self._results = self._results, {}
        for caller, jobs in results.items():
            # A RuntimeError means that the caller's loop is closed, so no task awaits the results.
            with suppress(RuntimeError):
                caller.call_soon_threadsafe(_deliver, jobs)


class _Job:
    """A coroutine that runs on the bridge's loop.

    Attributes:
        caller: the loop that awaits it.
        result: the future that is awaited there.
    """

    def __init__(self, bridge: LoopBridge, work: Coroutine[Any, Any, Any]) -> None:
        self.caller = asyncio.get_running_loop()
        self.result: asyncio.Future[Any] = self.caller.create_future()
        self._bridge, self._work, self._context = bridge, work, contextvars.copy_context()
        self._task: asyncio.Task[Any]

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work, context=self._context)
        self._task.add_done_callback(lambda _: self._bridge._finished(self))

    def cancel(self) -> None:
        self._task.cancel()

    def deliver(self) -> None:
        error = None if self._task.cancelled() else self._task.exception()
        # The caller was cancelled.
        if self.result.done():
            return
        if self._task.cancelled():
            self.result.cancel()
        elif error is not None:
            self.result.set_exception(error)
        else:
            self.result.set_result(self._task.result())


def _deliver(jobs: list[_Job]) -> None:
    for job in jobs:
        job.deliver()
