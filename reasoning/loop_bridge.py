"""Work on one event loop that is awaited on others, in other threads.

To wake a loop from another thread costs far more than most of what it is woken for, so those who cross at the same
moment share a wake-up, on the way there and on the way back.
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
    """The way to an event loop and back."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._arriving: deque[Callable[[], object]] = deque()
        self._woken = False
        self._leaving: dict[asyncio.AbstractEventLoop, list[_Visit]] = {}

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, in the caller's context, and await it here; to cancel this cancels it."""
        visit = _Visit(self, work)
        self._post(visit.begin)
        try:
            result: T = await visit.ended
        except asyncio.CancelledError:
            self._post(visit.cancel)
            raise
        return result

    def _finished(self, visit: _Visit) -> None:
        """Said on the loop by a visit whose work has ended."""
        if not self._leaving:
            self._loop.call_soon(self._depart)
        self._leaving.setdefault(visit.home, []).append(visit)

    def _post(self, call: Callable[[], object]) -> None:
        self._arriving.append(call)
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._arrive)

    def _arrive(self) -> None:
        self._woken = False  # first: what is posted from now on may come too late for what follows
        while self._arriving:
            self._arriving.popleft()()

    def _depart(self) -> None:
        leaving, self._leaving = self._leaving, {}
        for home, visits in leaving.items():
            with suppress(RuntimeError):  # that loop is closed: nobody waits any more
                home.call_soon_threadsafe(_come_home, visits)


class _Visit:
    """A coroutine on its way.

    Attributes:
        home: the loop that it is awaited on.
        ended: what is awaited there.
    """

    def __init__(self, crossing: LoopBridge, work: Coroutine[Any, Any, Any]) -> None:
        self.home = asyncio.get_running_loop()
        self.ended: asyncio.Future[Any] = self.home.create_future()
        self._crossing, self._work, self._context = crossing, work, contextvars.copy_context()
        self._task: asyncio.Task[Any]

    def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._work, context=self._context)
        self._task.add_done_callback(lambda _: self._crossing._finished(self))

    def cancel(self) -> None:
        self._task.cancel()

    def come_home(self) -> None:
        error = None if self._task.cancelled() else self._task.exception()
        if self.ended.done():  # whoever waited has gone
            return
        if self._task.cancelled():
            self.ended.cancel()
        elif error is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(self._task.result())


def _come_home(visits: list[_Visit]) -> None:
    for visit in visits:
        visit.come_home()
